// What else lives behind a libvirt connection, for the checks: other domains, networks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/libvirt.hpp"
#include "model/check_facts.hpp"

namespace vmconvert::host {

// All domains of the connection. One whose description cannot be read is left out.
std::vector<model::Neighbour> neighbours(const Connection& connection);
// Pure: addresses and disks of a domain's XML.
model::Neighbour parse_neighbour(const std::string& xml);

// Nothing where the connection cannot tell (a driver without networks, another host's bridges).
std::optional<bool> has_network(const Connection& connection, const std::string& name);
std::optional<bool> has_bridge(const Connection& connection, const std::string& name);

}  // namespace vmconvert::host
