// What a hypervisor offers, out of libvirt's capabilities XML.
#pragma once

#include <string>
#include <vector>

namespace vmconvert::host {

struct GuestSupport {
  std::vector<std::string> domain_types;  // in the document's order, each once
  std::string emulator;                   // empty when none is named
};

// Of guests with os_type hvm and this architecture. Throws bad_input for what is not XML.
GuestSupport parse_capabilities(const std::string& xml, const std::string& arch);

}  // namespace vmconvert::host
