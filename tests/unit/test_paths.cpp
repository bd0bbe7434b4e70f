#include "test_paths.hpp"

namespace vmconvert::test {

std::filesystem::path source_dir() {
  return VMCONVERT_SOURCE_DIR;
}

std::filesystem::path build_dir() {
  return VMCONVERT_BUILD_DIR;
}

}  // namespace vmconvert::test
