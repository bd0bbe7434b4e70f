// Finds fixers: shared objects with the entry point of vmconvert/fixer.h.
#pragma once

#include <dlfcn.h>
#include <vmconvert/fixer.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/owned.hpp"

namespace vmconvert::guest {

using SharedObject = Owned<void, ::dlclose>;

struct LoadedFixer {
  std::string name;
  std::string summary;
  unsigned order = 0;
  std::filesystem::path file;
  SharedObject library;                    // keeps `entry` alive
  const vmconvert_fixer* entry = nullptr;  // its size and ABI were checked
};

// One of them. Throws bad_input naming the file if it is no fixer or of another ABI.
LoadedFixer load_fixer(const std::filesystem::path& file);

// Every *.so in the folders, by order and then by name. A fixer of a later folder takes the place
// of one with the same name in an earlier folder, so that a site may bring its own. Throws
// not_found for a missing folder, bad_input naming the file for one that is no fixer or of another
// ABI.
std::vector<LoadedFixer> load_fixers(const std::vector<std::filesystem::path>& folders);

}  // namespace vmconvert::guest
