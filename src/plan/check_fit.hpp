// Findings on processors, machines and the health of disks. Pure.
#pragma once

#include <string>
#include <vector>

#include "model/check_facts.hpp"
#include "model/domain.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/host_fit.hpp"

namespace vmconvert::plan {

model::Findings check_pinning(const model::CpuPinning& pinning);

// Whether the target connection, `uri`, can be what the new description asks for. Of a stylesheet
// of the site's, nobody knows the machine: empty.
model::Findings check_machine(const std::string& arch, const std::string& machine,
                              const model::MachineOffer& offer, const std::string& uri);

// Whether it has the firmware that a guest with UEFI boots by.
model::Findings check_firmware(bool uefi, const model::MachineOffer& offer, const std::string& uri);

// Whether its Xen runs PVH guests at all: those of 4.9 and older do not, nor do some processors.
model::Findings check_pvh_offer(const std::string& arch, const model::MachineOffer& offer,
                                const std::string& uri);

// Whether it runs HVM guests: Xen does so on processors with VT-x or AMD-V alone.
model::Findings check_hvm_offer(const std::string& arch, const model::MachineOffer& offer,
                                const std::string& uri);

// Whether the kernel that it would start can be entered as PVH.
model::Findings check_pvh_kernel(const model::PvhKernel& kernel);

// Whether the guest's programs run on a processor like this host's.
model::Findings check_cpu_level(const model::GuestFacts& guest, const model::CpuLevel& host);
// By distribution and version; 1 for what is not known to need more.
unsigned needed_cpu_level(const std::string& distribution, const std::string& os_name);

model::Findings check_health(const model::DomainDisk& disk,
                             const std::vector<model::DiskHealth>& below);

}  // namespace vmconvert::plan
