// A libvirt domain description -> model::Domain.
#pragma once

#include <string>
#include <string_view>

#include "model/domain.hpp"

namespace vmconvert::domain {

inline constexpr std::size_t k_device_limit = 256;  // disks, and interfaces, of one guest

// Xen guests of every kind, and those of other hypervisors that libvirt calls hvm (kind hvm), so
// that a list can be made on any connection. `origin` names the text in messages. Throws bad_input:
// not XML, not a <domain>, a name, uuid, MAC or amount that cannot be right, a disk without source,
// relative paths, two disks with one target, more than k_device_limit of them. Throws unsupported,
// naming the disk: network and volume disks, formats other than raw and qcow2, encrypted disks,
// slices; and guests that are containers.
model::Domain read_domain_xml(std::string_view xml, const std::string& origin);

}  // namespace vmconvert::domain
