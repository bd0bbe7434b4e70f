// The vif list of an xl configuration as <interface> elements.
#pragma once

#include <libxml/tree.h>

#include "domain/xl_file.hpp"

namespace vmconvert::domain {

// Throws bad_input for a line that is not key=value pairs, or a wrong MAC address.
void add_nics(xmlNode& devices, const XlFile& config);

}  // namespace vmconvert::domain
