// A PV or PVH guest's description turned into that of an HVM guest: a PC whose BIOS starts the
// loader in the first disk. Disks and cards stay Xen's; what is emulated is for the loader.
#pragma once

#include <libxml/tree.h>

#include <string>
#include <vector>

#include "model/check_facts.hpp"
#include "model/domain.hpp"

namespace vmconvert::domain {

// Changes <domain> in place; one that is HVM stays as it is. Error(unsupported) for another
// architecture than a PC's.
void make_hvm(xmlNode& root, model::VirtKind was, const std::string& arch,
              const std::string& origin);

// What make_hvm() takes away that the guest may have used: drives with removable media, whose names
// the emulated machine's disks take.
std::vector<model::SpecialDevice> left_by_hvm(const model::Domain& domain);

}  // namespace vmconvert::domain
