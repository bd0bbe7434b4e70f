// libxslt, fenced in: no files, no network, bounded work, messages kept off stderr.
#pragma once

#include <libxml/tree.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "domain/xml.hpp"

namespace vmconvert::domain {

using StylesheetParameters = std::vector<std::pair<std::string, std::string>>;

// Applies the stylesheet in `path` to `input`; parameter values are strings, never XPath.
// Throws not_found, bad_input: no stylesheet, one with errors, or one that stopped or gave nothing.
XmlDoc apply_stylesheet(const std::filesystem::path& path, xmlDoc& input,
                        const StylesheetParameters& parameters);

}  // namespace vmconvert::domain
