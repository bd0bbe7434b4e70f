#include "host/libvirt.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "host/capabilities.hpp"
#include "host/embed.hpp"

namespace vmconvert::host {
namespace {

using Domain = Owned<virDomain, virDomainFree>;
using Pool = Owned<virStoragePool, virStoragePoolFree>;

void free_text(char* text) {
  ::free(text);
}
using Text = Owned<char, free_text>;

// Done before the first connection. The embedded driver also writes a log of its own to stderr
// unless told otherwise, and it reads that wish from the environment only.
void prepare_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    constexpr const char* k_variable = "LIBVIRT_LOG_OUTPUTS";
    const bool users_own = ::getenv(k_variable) != nullptr;
    if (!users_own) {
      ::setenv(k_variable, "4:file:/dev/null", 1);
    }
    virInitialize();
    if (!users_own) {
      ::unsetenv(k_variable);
    }
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
  });
}

std::string last_error() {
  const virError* error = virGetLastError();
  return error == nullptr || error->message == nullptr ? "libvirt does not say why"
                                                       : printable(error->message);
}

int last_code() {
  const virError* error = virGetLastError();
  return error == nullptr ? VIR_ERR_OK : error->code;
}

[[noreturn]] void throw_failed(std::string_view doing, std::string remedy = {}) {
  throw Error(ErrorKind::tool_failed, fmt::format("{}: {}", doing, last_error()),
              std::move(remedy));
}

// Without a URI, libvirt takes the one in its environment or configuration, or tries its drivers.
std::string name_of(const std::string& uri) {
  if (!uri.empty()) {
    return printable(uri);
  }
  const char* chosen = ::getenv("LIBVIRT_DEFAULT_URI");
  return chosen != nullptr && *chosen != 0
             ? fmt::format("{} (LIBVIRT_DEFAULT_URI)", printable(chosen))
             : "its own default connection (uri_default in libvirt.conf, else the first driver "
               "that answers)";
}

[[noreturn]] void throw_unreachable(const std::string& uri) {
  // The embedded driver of a root user looks its own account up before it reads qemu.conf.
  if (last_error().find("Failed to parse user") != std::string::npos) {
    throw Error(ErrorKind::not_found,
                fmt::format("cannot reach libvirt at {}: {}", printable(uri), last_error()),
                "install libvirt-daemon-system, which makes that account, or make it: adduser "
                "--system --group --no-create-home libvirt-qemu");
  }
  const bool absent =
      last_code() == VIR_ERR_NO_CONNECT || last_code() == VIR_ERR_CONFIG_UNSUPPORTED;
  throw Error(
      absent ? ErrorKind::not_found : ErrorKind::tool_failed,
      fmt::format("cannot reach libvirt at {}: {}", name_of(uri), last_error()),
      uri.empty()
          ? std::string("name a connection: -c xen:///, -c qemu:///system, or one "
                        "of another host")
          : fmt::format("see whether 'virsh -c {} list' works; is the daemon running, and may "
                        "this user connect?",
                        printable(uri)));
}

bool is_uuid(const std::string& text) {
  return text.size() == 36 && text.find_first_not_of("0123456789abcdefABCDEF-") == text.npos;
}

Domain look_up(virConnectPtr connection, const std::string& name_or_uuid) {
  Domain domain(virDomainLookupByName(connection, name_or_uuid.c_str()));
  if (!domain && last_code() == VIR_ERR_NO_DOMAIN && is_uuid(name_or_uuid)) {
    domain.reset(virDomainLookupByUUIDString(connection, name_or_uuid.c_str()));
  }
  return domain;
}

Domain find_domain(virConnectPtr connection, const std::string& name, const std::string& uri) {
  Domain domain = look_up(connection, name);
  if (!domain && last_code() == VIR_ERR_NO_DOMAIN) {
    throw Error(ErrorKind::not_found,
                fmt::format("there is no domain {} at {}", printable(name), printable(uri)),
                fmt::format("'vmconvert list -c {}' shows the domains", printable(uri)));
  }
  if (!domain) {
    throw_failed(fmt::format("looking for the domain {} at {}", printable(name), printable(uri)));
  }
  return domain;
}

Pool find_pool(virConnectPtr connection, const std::string& name, const std::string& uri) {
  Pool pool(virStoragePoolLookupByName(connection, name.c_str()));
  if (!pool && last_code() == VIR_ERR_NO_STORAGE_POOL) {
    throw Error(ErrorKind::not_found,
                fmt::format("there is no storage pool {} at {}", printable(name), printable(uri)),
                fmt::format("'virsh -c {} pool-list --all' shows the pools", printable(uri)));
  }
  if (!pool) {
    throw_failed(
        fmt::format("looking for the storage pool {} at {}", printable(name), printable(uri)));
  }
  return pool;
}

std::string uuid_of(virDomainPtr domain) {
  char uuid[VIR_UUID_STRING_BUFLEN] = {};
  if (virDomainGetUUIDString(domain, uuid) != 0) {
    throw_failed("asking for a domain's UUID");
  }
  return uuid;
}

DomainSummary summary_of(virDomainPtr domain) {
  const Text os_type(virDomainGetOSType(domain));
  return {virDomainGetName(domain), uuid_of(domain), virDomainIsActive(domain) == 1,
          os_type ? os_type.get() : ""};
}

}  // namespace

Connection::Connection(Handle handle, std::string uri)
    : m_handle(std::move(handle)), m_uri(std::move(uri)) {}

Connection Connection::open(const std::string& uri, Access access) {
  prepare_library();
  if (uri.starts_with("qemu:///embed")) {
    if (const auto root = embed_root(uri)) {
      prepare_embed_root(*root);
      hold_embed_root(*root);
    }
    start_event_loop();
  }
  // No credentials callback: we never ask for passwords. ssh may, by its own ways.
  Handle handle(access == Access::read_only ? virConnectOpenReadOnly(uri.c_str())
                                            : virConnectOpen(uri.c_str()));
  if (!handle) {
    throw_unreachable(uri);
  }
  if (uri.empty()) {
    const Text chosen(virConnectGetURI(handle.get()));
    return {std::move(handle), chosen ? chosen.get() : ""};
  }
  return {std::move(handle), uri};
}

std::string Connection::driver() const {
  const char* type = virConnectGetType(m_handle.get());
  return type == nullptr ? "" : type;
}

std::vector<DomainSummary> Connection::list() const {
  virDomainPtr* found = nullptr;
  const int count = virConnectListAllDomains(m_handle.get(), &found, 0);
  if (count < 0) {
    throw_failed(fmt::format("listing the domains at {}", printable(m_uri)));
  }
  const std::unique_ptr<virDomainPtr, void (*)(void*)> array(found, ::free);
  std::vector<Domain> domains;
  domains.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    domains.emplace_back(found[i]);
  }
  std::vector<DomainSummary> summaries;
  summaries.reserve(domains.size());
  for (const Domain& domain : domains) {
    summaries.push_back(summary_of(domain.get()));
  }
  std::sort(summaries.begin(), summaries.end(),
            [](const DomainSummary& a, const DomainSummary& b) { return a.name < b.name; });
  return summaries;
}

bool Connection::domain_exists(const std::string& name_or_uuid) const {
  const Domain domain = look_up(m_handle.get(), name_or_uuid);
  if (!domain && last_code() != VIR_ERR_NO_DOMAIN) {
    throw_failed(
        fmt::format("looking for the domain {} at {}", printable(name_or_uuid), printable(m_uri)));
  }
  return domain != nullptr;
}

bool Connection::is_active(const std::string& name_or_uuid) const {
  const Domain domain = find_domain(m_handle.get(), name_or_uuid, m_uri);
  const int active = virDomainIsActive(domain.get());
  if (active < 0) {
    throw_failed(fmt::format("asking whether {} runs", printable(name_or_uuid)));
  }
  return active == 1;
}

std::string Connection::domain_xml(const std::string& name_or_uuid) const {
  const Domain domain = find_domain(m_handle.get(), name_or_uuid, m_uri);
  Text xml(virDomainGetXMLDesc(domain.get(), VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE));
  if (!xml) {  // a read-only connection may not see passwords
    xml.reset(virDomainGetXMLDesc(domain.get(), VIR_DOMAIN_XML_INACTIVE));
  }
  if (!xml) {
    throw_failed(fmt::format("reading the description of {}", printable(name_or_uuid)));
  }
  return xml.get();
}

DefinedDomain Connection::define(const std::string& xml, Schema schema) {
  const unsigned validate = VIR_DOMAIN_DEFINE_VALIDATE;
  const unsigned flags = schema == Schema::check ? validate : 0U;
  const Domain domain(virDomainDefineXMLFlags(m_handle.get(), xml.c_str(), flags));
  if (!domain) {
    throw_failed(fmt::format("defining a domain at {}", printable(m_uri)),
                 "keep the XML with --no-define, mend it and define it with virsh define");
  }
  return {virDomainGetName(domain.get()), uuid_of(domain.get())};
}

void Connection::undefine(const std::string& uuid) {
  const Domain domain = find_domain(m_handle.get(), uuid, m_uri);
  constexpr unsigned k_all_traces = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_NVRAM |
                                    VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
  if (virDomainUndefineFlags(domain.get(), k_all_traces) == 0) {
    return;
  }
  // Drivers that keep no such traces refuse the flags.
  if (virDomainUndefine(domain.get()) != 0) {
    throw_failed(fmt::format("undefining the domain {} at {}", uuid, printable(m_uri)));
  }
}

void Connection::start(const std::string& name_or_uuid) {
  const Domain domain = find_domain(m_handle.get(), name_or_uuid, m_uri);
  if (virDomainCreate(domain.get()) != 0) {
    throw_failed(
        fmt::format("starting the domain {} at {}", printable(name_or_uuid), printable(m_uri)));
  }
}

void Connection::stop(const std::string& name_or_uuid) {
  const Domain domain = find_domain(m_handle.get(), name_or_uuid, m_uri);
  if (virDomainIsActive(domain.get()) == 1 && virDomainDestroy(domain.get()) != 0 &&
      virDomainIsActive(domain.get()) == 1) {
    throw_failed(fmt::format("stopping the domain {}", printable(name_or_uuid)));
  }
}

std::vector<PoolSummary> Connection::storage_pools() const {
  virStoragePoolPtr* found = nullptr;
  const int count = virConnectListAllStoragePools(m_handle.get(), &found, 0);
  if (count < 0 && last_code() == VIR_ERR_NO_SUPPORT) {
    return {};
  }
  if (count < 0) {
    throw_failed(fmt::format("listing the storage pools of {}", printable(m_uri)));
  }
  const std::unique_ptr<virStoragePoolPtr, void (*)(void*)> array(found, ::free);
  std::vector<Pool> owned;
  owned.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    owned.emplace_back(found[i]);
  }
  std::vector<PoolSummary> pools;
  pools.reserve(owned.size());
  for (const Pool& pool : owned) {
    pools.push_back({virStoragePoolGetName(pool.get()), virStoragePoolIsActive(pool.get()) == 1});
  }
  std::sort(pools.begin(), pools.end(),
            [](const PoolSummary& a, const PoolSummary& b) { return a.name < b.name; });
  return pools;
}

std::string Connection::storage_pool_xml(const std::string& name) const {
  const Pool pool = find_pool(m_handle.get(), name, m_uri);
  const Text xml(virStoragePoolGetXMLDesc(pool.get(), 0));
  if (!xml) {
    throw_failed(fmt::format("reading the description of the storage pool {}", printable(name)));
  }
  return xml.get();
}

void Connection::refresh_storage_pool(const std::string& name) {
  const Pool pool = find_pool(m_handle.get(), name, m_uri);
  if (virStoragePoolRefresh(pool.get(), 0) != 0) {
    throw_failed(
        fmt::format("refreshing the storage pool {} at {}", printable(name), printable(m_uri)));
  }
}

std::string Connection::capabilities() const {
  const Text xml(virConnectGetCapabilities(m_handle.get()));
  if (!xml) {
    throw_failed(fmt::format("asking {} what it can run", printable(m_uri)));
  }
  return xml.get();
}

std::vector<std::string> Connection::domain_types(const std::string& arch) const {
  return parse_capabilities(capabilities(), arch).domain_types;
}

std::string Connection::emulator(const std::string& arch) const {
  return parse_capabilities(capabilities(), arch).emulator;
}

std::string default_target_uri(const std::filesystem::path& state_dir) {
  constexpr const char* k_system = "qemu:///system";
  for (const char* socket : {"/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"}) {
    std::error_code ignored;
    if (!std::filesystem::exists(socket, ignored)) {
      continue;
    }
    try {
      static_cast<void>(Connection::open(k_system, Access::read_write));
      return k_system;
    } catch (const Error& error) {
      log_detail(error.message());
    }
  }
  const std::string uri = embed_uri(std::filesystem::absolute(state_dir) / "libvirt");
  log_step(fmt::format("no libvirt daemon answers here: using {}", uri));
  return uri;
}

}  // namespace vmconvert::host
