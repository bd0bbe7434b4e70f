// Which machines a connection can be, and what this host's processor can.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/libvirt.hpp"
#include "model/host_fit.hpp"

namespace vmconvert::host {

// For fully virtualised guests, and whether Xen runs PVH ones. Error from Connection where libvirt
// cannot be asked. With a `machine`, whether there is UEFI firmware for it, too.
model::MachineOffer machine_offer(const Connection& connection, const std::string& arch,
                                  const std::string& machine = {});
// Pure, of a domain's capabilities; nothing where they do not say.
std::optional<bool> parse_uefi_offer(const std::string& xml);
// Pure, of libvirt's capabilities. Error(bad_input) for what is not XML.
model::MachineOffer parse_machine_offer(const std::string& xml, const std::string& arch);

// Of the machine that this runs on; level 0 on one that is no x86-64.
model::CpuLevel own_cpu_level();
// Pure: of /proc/cpuinfo's text; what all its processors can.
model::CpuLevel parse_cpu_level(std::string_view cpuinfo);

}  // namespace vmconvert::host
