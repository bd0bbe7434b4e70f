// A PV guest's description turned into that of a PVH guest: the kernel enters by its own door, and
// all that it drives stays, but for what Xen has only for PV.
#pragma once

#include <libxml/tree.h>

#include <string>
#include <vector>

#include "model/check_facts.hpp"
#include "model/domain.hpp"

namespace vmconvert::domain {

// Changes <domain> in place; one that is PVH stays as it is. Error(refused) for an HVM guest, whose
// loader lies in its disk: PVH has no firmware that would start it.
void make_pvh(xmlNode& root, model::VirtKind was, const std::string& arch,
              const std::string& origin);

// What make_pvh() takes away that the guest may have used.
std::vector<model::SpecialDevice> left_by_pvh(const model::Domain& domain,
                                              const std::string& origin);

}  // namespace vmconvert::domain
