// Screens of an xl configuration (vnc=, spice=, vfb=) as <graphics> and <video> elements.
#pragma once

#include <libxml/tree.h>

#include "domain/xl_file.hpp"

namespace vmconvert::domain {

// Throws bad_input for display numbers and ports that cannot be right.
void add_screens(xmlNode& devices, const XlFile& config, bool hvm);

}  // namespace vmconvert::domain
