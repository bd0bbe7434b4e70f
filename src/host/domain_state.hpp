// Whether a domain runs and whether it starts with its host: to remember, and to bring back.
#pragma once

#include <optional>
#include <string>

#include "host/libvirt.hpp"

namespace vmconvert::host {

struct DomainState {
  std::string uuid;
  bool active = false;
  std::optional<bool> autostart;  // nothing where the driver knows no such thing

  bool operator==(const DomainState&) const = default;
};

// Nothing if there is no domain of that name.
std::optional<DomainState> domain_state(const Connection& connection, const std::string& name);

void set_autostart(Connection& connection, const std::string& name, bool autostart);

}  // namespace vmconvert::host
