// The C++ side of fixer.h, header only: strings and exceptions for the fixer, none across the door.
//
//   static void fix(vmconvert::fixer::Host& guest) {
//     if (auto text = guest.read_if_there("/etc/securetty")) { ... guest.write(..., changed); }
//   }
//   VMCONVERT_FIXER("consoles", "one line about it", 400, fix)
#pragma once

#include <vmconvert/fixer.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vmconvert::fixer {

// The facts of vmconvert-plugin(7), typed. Device names have no /dev/ before them.
struct Rename {
  std::string from, to;
};
struct Partition {
  unsigned number = 0;
  std::uint64_t start_bytes = 0, length_bytes = 0;
  bool bios_boot = false;
};
struct Disk {
  std::string name, table, loader;  // loader: none, grub2, grub-legacy, other
  std::uint64_t size_bytes = 0, gap_offset = 0, gap_bytes = 0;
  std::vector<Partition> partitions;
};
struct Array {
  std::string uuid, level, metadata;  // of MD: raid1; 0.90, 1.2
  std::vector<std::string> names;     // that the guest may have for it: md0, md/0
};
struct Filesystem {
  std::string device, type, uuid, label, mountpoint;
  std::optional<Array> array = {};  // that it lies on
};
struct Nic {
  std::string mac;
  unsigned index = 0;
};
struct Kernel {
  std::string version, image, initrd;
  bool modules = false;
};
struct SourceBoot {
  std::string kind;  // pygrub, direct (kernel and initrd are files of the host), disk
  std::string kernel, initrd, cmdline;
};
// What the operator asked for beyond the move itself.
struct AddressChange {
  std::string from, to;
  unsigned prefix = 0;  // of the new address; 0: as before
};
struct Wishes {
  std::string identity = "move";         // move, clone, both-alive
  std::vector<std::string> keep, reset;  // single groups of it
  bool scrub = false;
  std::string hostname;
  std::vector<AddressChange> addresses;
  std::vector<AddressChange> macs;  // old and new, lower case; `prefix` means nothing
  std::vector<std::string> gateways, dns;
};
struct Facts {
  std::string to;           // kvm or xen
  std::string source_kind;  // pv, hvm, pvh
  SourceBoot boot;
  std::string root_device, boot_device;
  std::string distribution, arch, init, menu;
  std::vector<Rename> renames;
  std::vector<Disk> disks;
  std::vector<Filesystem> filesystems;
  std::vector<Nic> nics;
  std::vector<Kernel> kernels;  // newest first
  Wishes wishes;
  std::string domain_uuid;  // of the new domain; empty when it has none yet
  // Of the new machine: virtio, ide or xen; virtio, e1000, rtl8139 or xen. Disks are named as the
  // guest will see them there.
  std::string disk_bus = "virtio", nic_model = "virtio";
  bool uefi = false;  // its firmware; as on the old machine
  // The firmware starts the loader in the disk, which has to be made ready for it: KVM's, and that
  // of a Xen HVM guest that was PV. Else pygrub or the host starts the kernel.
  bool boots_disk = true;

  [[nodiscard]] const Filesystem* filesystem(std::string_view device) const {
    for (const Filesystem& fs : filesystems) {
      if (fs.device == device) {
        return &fs;
      }
    }
    return nullptr;
  }
  // "xvda2" -> "vda2"; the name itself if it is one of the target's; nothing if it is unknown.
  [[nodiscard]] std::optional<std::string> renamed(std::string_view name) const {
    for (const Rename& rename : renames) {
      if (rename.from == name) {
        return rename.to;
      }
    }
    for (const Rename& rename : renames) {
      if (rename.to == name) {
        return rename.to;
      }
    }
    return std::nullopt;
  }
};

Facts parse_facts(std::string_view json);

class Host {
 public:
  explicit Host(const vmconvert_host& host) : m_host(host) {}

  const Facts& facts() {
    if (!m_facts) {
      vmconvert_text text{};
      check(m_host.facts(m_host.context, &text));
      m_facts = parse_facts(take(text));
    }
    return *m_facts;
  }

  bool exists(const std::string& path) { return kind(path) != VMCONVERT_MISSING; }
  bool is_file(const std::string& path) { return kind(path) == VMCONVERT_FILE; }
  bool is_directory(const std::string& path) { return kind(path) == VMCONVERT_DIRECTORY; }
  bool is_link(const std::string& path) {
    int found = 0;
    check(m_host.link_kind(m_host.context, path.c_str(), &found));
    return found == VMCONVERT_SYMLINK;
  }
  std::string read(const std::string& path, std::uint64_t limit = 8U << 20U) {
    vmconvert_text text{};
    check(m_host.read(m_host.context, path.c_str(), limit, &text));
    return take(text);
  }
  std::optional<std::string> read_if_there(const std::string& path) {
    return is_file(path) ? std::optional<std::string>(read(path)) : std::nullopt;
  }
  std::string read_link(const std::string& path) {
    vmconvert_text text{};
    check(m_host.read_link(m_host.context, path.c_str(), &text));
    return take(text);
  }
  std::vector<std::string> list(const std::string& folder) {
    vmconvert_text text{};
    check(m_host.list(m_host.context, folder.c_str(), &text));
    return to_lines(take(text));
  }
  std::vector<std::string> glob(const std::string& pattern) {
    vmconvert_text text{};
    check(m_host.glob(m_host.context, pattern.c_str(), &text));
    return to_lines(take(text));
  }
  void write(const std::string& path, std::string_view content, unsigned mode = 0644) {
    check(m_host.write(m_host.context, path.c_str(), content.data(), content.size(), mode));
  }
  // Writes only when it differs from what is there; true if it did.
  bool update(const std::string& path, std::string_view content, unsigned mode = 0644) {
    if (is_file(path) && read(path) == content) {
      return false;
    }
    write(path, content, mode);
    return true;
  }
  void symlink(const std::string& path, const std::string& target) {
    check(m_host.symlink(m_host.context, path.c_str(), target.c_str()));
  }
  void remove(const std::string& path) { check(m_host.remove(m_host.context, path.c_str())); }
  // `what` is what the plan shows: "GRUB 2 core image".
  void write_disk(const std::string& disk, std::uint64_t offset, std::string_view content,
                  const std::string& what) {
    check(m_host.write_disk(m_host.context, disk.c_str(), offset, content.data(), content.size(),
                            what.c_str()));
  }
  std::string read_disk(const std::string& disk, std::uint64_t offset, std::uint64_t length) {
    vmconvert_text text{};
    check(m_host.read_disk(m_host.context, disk.c_str(), offset, length, &text));
    return take(text);
  }
  void run_later(const std::vector<std::string>& argv, const std::string& why,
                 bool must_succeed = true) {
    check(
        m_host.run_later(m_host.context, to_text(argv).c_str(), why.c_str(), must_succeed ? 1 : 0));
  }
  std::string host_tool(const std::vector<std::string>& argv) {
    vmconvert_text text{};
    check(m_host.host_tool(m_host.context, to_text(argv).c_str(), &text));
    return take(text);
  }
  std::string host_file(const std::string& path, std::uint64_t limit = 512U << 20U) {
    vmconvert_text text{};
    check(m_host.host_file(m_host.context, path.c_str(), limit, &text));
    return take(text);
  }
  std::vector<std::string> initramfs_list(const std::string& path) {
    vmconvert_text text{};
    check(m_host.initramfs_list(m_host.context, path.c_str(), &text));
    return to_lines(take(text));
  }
  // Removes a file, a link or a whole folder without its content being read or shown; with
  // Keep::empty_file the file stays, empty. `note` is what the plan shows beside path and size.
  enum class Keep { nothing, empty_file };
  void forget(const std::string& path, Keep keep, const std::string& note) {
    needs(m_host.size >= offsetof(vmconvert_host, forget) + sizeof m_host.forget);
    check(m_host.forget(m_host.context, path.c_str(), keep == Keep::empty_file ? 1 : 0,
                        note.c_str()));
  }
  // Changes of `path` that follow are shown by size and `note` alone.
  void conceal(const std::string& path, const std::string& note) {
    needs(m_host.size >= offsetof(vmconvert_host, conceal) + sizeof m_host.conceal);
    check(m_host.conceal(m_host.context, path.c_str(), note.c_str()));
  }
  // A finding, if `value` still stands in the guest's configuration once everything is applied.
  void watch_finding(const std::string& id, vmconvert_severity severity, const std::string& value,
                     const std::string& message, const std::string& remedy) {
    needs(m_host.size >= offsetof(vmconvert_host, watch) + sizeof m_host.watch);
    check(m_host.watch(m_host.context, id.c_str(), severity, value.c_str(), message.c_str(),
                       remedy.c_str()));
  }
  void finding(const std::string& id, vmconvert_severity severity, const std::string& message,
               const std::string& remedy) {
    check(m_host.finding(m_host.context, id.c_str(), severity, message.c_str(), remedy.c_str()));
  }
  void log(const std::string& message) { m_host.log(m_host.context, message.c_str()); }

 private:
  int kind(const std::string& path) {
    int found = 0;
    check(m_host.kind(m_host.context, path.c_str(), &found));
    return found;
  }
  void check(int result) const {
    if (result != 0) {
      throw std::runtime_error(m_host.last_error(m_host.context));
    }
  }
  static void needs(bool there) {
    if (!there) {
      throw std::runtime_error("this fixer needs a newer vmconvert");
    }
  }
  std::string take(vmconvert_text text) const {
    std::string copy(text.data, text.size);
    m_host.release(m_host.context, text);
    return copy;
  }
  static std::string to_text(const std::vector<std::string>& argv) {
    std::string text;
    for (const std::string& word : argv) {
      text += word + "\n";
    }
    return text;
  }
  static std::vector<std::string> to_lines(const std::string& text) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      found.push_back(text.substr(at, end - at));
      at = end == std::string::npos ? text.size() : end + 1;
    }
    return found;
  }

  const vmconvert_host& m_host;
  std::optional<Facts> m_facts;
};

inline std::vector<AddressChange> parse_changes(const nlohmann::json& list) {
  std::vector<AddressChange> changes;
  for (const auto& item : list) {
    changes.push_back({item.at("from"), item.at("to"), item.value("prefix", 0U)});
  }
  return changes;
}

inline Wishes parse_wishes(const nlohmann::json& json) {
  Wishes wishes;
  wishes.identity = json.value("identity", wishes.identity);
  wishes.keep = json.value("keep", wishes.keep);
  wishes.reset = json.value("reset", wishes.reset);
  wishes.scrub = json.value("scrub", false);
  wishes.hostname = json.value("hostname", wishes.hostname);
  wishes.gateways = json.value("gateways", wishes.gateways);
  wishes.dns = json.value("dns", wishes.dns);
  wishes.addresses = parse_changes(json.value("addresses", nlohmann::json::array()));
  wishes.macs = parse_changes(json.value("macs", nlohmann::json::array()));
  return wishes;
}

inline Facts parse_facts(std::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  Facts facts;
  facts.to = json.at("to");
  facts.boots_disk = facts.to == "kvm";
  const auto& source = json.at("source");
  facts.source_kind = source.at("kind");
  facts.boot = {source.at("boot"), source.at("kernel"), source.at("initrd"), source.at("cmdline")};
  facts.root_device = json.at("root_device");
  facts.boot_device = json.at("boot_device");
  const auto& guest = json.at("guest");
  facts.distribution = guest.at("distribution");
  facts.arch = guest.at("arch");
  facts.init = guest.at("init");
  facts.menu = guest.at("menu");
  for (const auto& item : json.at("renames")) {
    facts.renames.push_back({item.at("from"), item.at("to")});
  }
  for (const auto& item : json.at("disks")) {
    Disk disk{item.at("name"),
              item.at("table"),
              item.at("loader"),
              item.at("size_bytes"),
              item.at("gap_offset"),
              item.at("gap_bytes"),
              {}};
    for (const auto& part : item.at("partitions")) {
      disk.partitions.push_back({part.at("number"), part.at("start_bytes"), part.at("length_bytes"),
                                 part.at("bios_boot")});
    }
    facts.disks.push_back(std::move(disk));
  }
  for (const auto& item : json.at("filesystems")) {
    facts.filesystems.push_back({item.at("device"),
                                 item.at("type"),
                                 item.at("uuid"),
                                 item.at("label"),
                                 item.at("mountpoint"),
                                 {}});
    if (const auto array = item.find("array"); array != item.end() && array->is_object()) {
      facts.filesystems.back().array =
          Array{array->at("uuid"), array->at("level"), array->at("metadata"), array->at("names")};
    }
  }
  for (const auto& item : json.at("nics")) {
    facts.nics.push_back({item.at("mac"), item.at("index")});
  }
  for (const auto& item : guest.at("kernels")) {
    facts.kernels.push_back(
        {item.at("version"), item.at("image"), item.at("initrd"), item.at("modules")});
  }
  facts.wishes = parse_wishes(json.value("wishes", nlohmann::json::object()));
  facts.domain_uuid = json.value("domain_uuid", "");
  if (json.contains("hardware")) {  // an older program had virtio alone
    facts.disk_bus = json["hardware"].value("disk_bus", facts.disk_bus);
    facts.nic_model = json["hardware"].value("nic_model", facts.nic_model);
    facts.uefi = json["hardware"].value("uefi", false);
    facts.boots_disk = json["hardware"].value("boots_disk", facts.boots_disk);
  }
  return facts;
}

// Runs `body`; an exception becomes a finding's worth of text in the host's log and -1.
template <class Body>
int guarded(const vmconvert_host* raw, Body&& body) noexcept {
  try {
    Host host(*raw);
    body(host);
    return 0;
  } catch (const std::exception& error) {
    raw->log(raw->context, error.what());
    return -1;
  } catch (...) {
    raw->log(raw->context, "unknown exception in a fixer");
    return -1;
  }
}

}  // namespace vmconvert::fixer

#define VMCONVERT_FIXER(NAME, SUMMARY, ORDER, FUNCTION)                                       \
  extern "C" const vmconvert_fixer* vmconvert_fixer_entry(void) {                             \
    static const vmconvert_fixer entry = {sizeof(vmconvert_fixer),                            \
                                          VMCONVERT_FIXER_ABI,                                \
                                          NAME,                                               \
                                          SUMMARY,                                            \
                                          ORDER,                                              \
                                          [](const vmconvert_host* host) -> int {             \
                                            return vmconvert::fixer::guarded(host, FUNCTION); \
                                          }};                                                 \
    return &entry;                                                                            \
  }
