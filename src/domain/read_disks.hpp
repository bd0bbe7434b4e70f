// The <disk> elements of a description.
#pragma once

#include <libxml/tree.h>

#include <string>
#include <vector>

#include "model/domain.hpp"

namespace vmconvert::domain {

// `devices` may be null. Throws what read_domain_xml says about disks.
std::vector<model::DomainDisk> read_disks(const xmlNode* devices, const std::string& origin);

}  // namespace vmconvert::domain
