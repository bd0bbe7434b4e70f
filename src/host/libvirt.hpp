// The hypervisor through libvirt: what is there, what it offers, and the few changes that we make.
// All text from libvirt ends up in Error; nothing is printed by the library.
#pragma once

#include <libvirt/libvirt.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/owned.hpp"

namespace vmconvert::host {

enum class Access { read_only, read_write };
enum class Schema { check, skip };

struct DomainSummary {
  std::string name;
  std::string uuid;
  bool active = false;
  std::string os_type;  // hvm, xen (PV), xenpvh, linux (PV, as Xen's driver calls it)
};

struct PoolSummary {
  std::string name;
  bool active = false;
};

struct DefinedDomain {
  std::string name;
  std::string uuid;
};

class Connection {
 public:
  // Throws not_found when the URI's files or driver are not there, tool_failed when libvirt cannot
  // be reached. With qemu:///embed?root=DIR the folder is made if it is missing, together with a
  // qemu.conf that needs no other daemon; a qemu.conf that is there stays as it is.
  // libvirt takes one root in the life of a process and refuses a second.
  static Connection open(const std::string& uri, Access access);

  [[nodiscard]] const std::string& uri() const noexcept { return m_uri; }
  // For the other files of this room.
  [[nodiscard]] virConnectPtr handle() const noexcept { return m_handle.get(); }
  [[nodiscard]] std::string driver() const;  // "QEMU", "Xen", "TEST"

  // By name, active or not.
  [[nodiscard]] std::vector<DomainSummary> list() const;

  // NAME_OR_UUID: a name wins over a UUID. The calls below throw not_found for an unknown domain.
  [[nodiscard]] bool domain_exists(const std::string& name_or_uuid) const;
  [[nodiscard]] bool is_active(const std::string& name_or_uuid) const;
  // The description that the next start uses, with passwords where the access allows it.
  [[nodiscard]] std::string domain_xml(const std::string& name_or_uuid) const;

  // Redefines a domain with the same name and UUID: ask domain_exists() first.
  [[nodiscard]] DefinedDomain define(const std::string& xml, Schema schema = Schema::check);
  void undefine(const std::string& uuid);
  void start(const std::string& name_or_uuid);
  // Pulls the plug; fine when the domain is not running.
  void stop(const std::string& name_or_uuid);

  // Storage pools, by name, active or not. Empty for a driver without any.
  [[nodiscard]] std::vector<PoolSummary> storage_pools() const;
  // The two below throw not_found for an unknown pool.
  [[nodiscard]] std::string storage_pool_xml(const std::string& name) const;
  // libvirt looks anew at what is in an active pool.
  void refresh_storage_pool(const std::string& name);

  // From the capabilities, for fully virtualised guests: "kvm", "qemu", "xen". Empty: none.
  [[nodiscard]] std::vector<std::string> domain_types(const std::string& arch = "x86_64") const;
  // The device model that libvirt would use; empty when it names none.
  [[nodiscard]] std::string emulator(const std::string& arch = "x86_64") const;

 private:
  using Handle = Owned<virConnect, virConnectClose>;

  Connection(Handle handle, std::string uri);
  [[nodiscard]] std::string capabilities() const;

  Handle m_handle;
  std::string m_uri;
};

// qemu:///system when its daemon answers, else qemu:///embed?root=STATE/libvirt, which is logged.
std::string default_target_uri(const std::filesystem::path& state_dir);

}  // namespace vmconvert::host
