// Where the program's own parts are: beside the build when run from there, else as installed.
#pragma once

#include <filesystem>
#include <string>

namespace vmconvert::cli {

struct ProgramPaths {
  std::filesystem::path templates;          // holds domain/xen-to-kvm.xsl
  std::filesystem::path fixers;             // the fixers that we ship
  std::filesystem::path nbdkit_plugin;      // serves layouts
  std::filesystem::path allocation_reader;  // the program that reads allocation maps
};

ProgramPaths program_paths();

// $VMCONVERT_STATE_DIR, else /var/lib/vmconvert for root, else $XDG_STATE_HOME/vmconvert.
std::filesystem::path default_state_dir();
// What --state-dir says, made absolute; the default where it says nothing.
std::filesystem::path state_dir_of(const std::string& given);

}  // namespace vmconvert::cli
