// Is a description what libvirt's own schema allows?
#pragma once

#include <filesystem>
#include <string>

namespace vmconvert::domain {

// Of the package libvirt0, which every libvirt client brings with it.
inline constexpr const char* k_domain_schema = "/usr/share/libvirt/schemas/domain.rng";

struct Validation {
  bool checked = false;
  std::string note;  // why not, for people; empty when it was checked
};

// Throws bad_input with the first lines that the schema refuses, or when it is not XML at all;
// tool_failed when the schema itself cannot be read. An absent schema is no error.
Validation validate_domain_xml(const std::string& xml,
                               const std::filesystem::path& schema = k_domain_schema);

}  // namespace vmconvert::domain
