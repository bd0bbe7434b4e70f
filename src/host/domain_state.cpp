#include "host/domain_state.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include "base/error.hpp"
#include "base/owned.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

using Domain = Owned<virDomain, virDomainFree>;

[[noreturn]] void throw_last(const std::string& doing) {
  const virError* error = virGetLastError();
  throw Error(ErrorKind::tool_failed, fmt::format("{}: {}", doing,
                                                  error == nullptr || error->message == nullptr
                                                      ? "libvirt does not say why"
                                                      : printable(error->message)));
}

Domain look_up(const Connection& connection, const std::string& name) {
  Domain found(virDomainLookupByName(connection.handle(), name.c_str()));
  if (!found) {
    const virError* error = virGetLastError();
    if (error == nullptr || error->code != VIR_ERR_NO_DOMAIN) {
      throw_last(fmt::format("looking for the domain {} at {}", printable(name),
                             printable(connection.uri())));
    }
  }
  return found;
}

}  // namespace

std::optional<DomainState> domain_state(const Connection& connection, const std::string& name) {
  const Domain found = look_up(connection, name);
  if (!found) {
    return std::nullopt;
  }
  char uuid[VIR_UUID_STRING_BUFLEN] = {};
  const int active = virDomainIsActive(found.get());
  if (active < 0 || virDomainGetUUIDString(found.get(), uuid) != 0) {
    throw_last(fmt::format("asking for the state of the domain {} at {}", printable(name),
                           printable(connection.uri())));
  }
  DomainState state{uuid, active == 1, std::nullopt};
  int autostart = 0;
  if (virDomainGetAutostart(found.get(), &autostart) == 0) {
    state.autostart = autostart != 0;
  }
  return state;
}

void set_autostart(Connection& connection, const std::string& name, bool autostart) {
  const Domain found = look_up(connection, name);
  if (!found || virDomainSetAutostart(found.get(), autostart ? 1 : 0) != 0) {
    throw_last(fmt::format("switching the autostart of the domain {} at {}", printable(name),
                           printable(connection.uri())));
  }
}

}  // namespace vmconvert::host
