// One change to the guest, as people see it.
#pragma once

#include <string>
#include <vector>

namespace vmconvert::model {

struct Edit {
  std::string fixer;
  std::string
      path;  // in the guest; "vda: bytes 512 to 31744" for the disk itself; a command's words
  std::string diff;  // unified; one descriptive line for binaries, disks and commands
};

using Edits = std::vector<Edit>;

}  // namespace vmconvert::model
