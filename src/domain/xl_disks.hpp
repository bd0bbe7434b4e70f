// The disk list of an xl configuration as <disk> elements.
#pragma once

#include <libxml/tree.h>

#include "domain/xl_file.hpp"

namespace vmconvert::domain {

// Throws what xl_config_to_xml says about disks.
void add_disks(xmlNode& devices, const XlFile& config);

}  // namespace vmconvert::domain
