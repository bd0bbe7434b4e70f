// Where tests find this checkout and its build. Functions and not macros: the compilations of one
// checkout then serve the next, wherever it lies (ccache).
#pragma once

#include <filesystem>

namespace vmconvert::test {

std::filesystem::path source_dir();
std::filesystem::path build_dir();

}  // namespace vmconvert::test
