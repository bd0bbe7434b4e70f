// What the tests of domain/ share: where the recorded descriptions are, and comparing with goldens.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/diff.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "test_paths.hpp"

namespace vmconvert::domain {

inline const std::filesystem::path k_golden = vmconvert::test::source_dir() / "tests/golden/domain";
inline const std::filesystem::path k_templates = vmconvert::test::source_dir() / "templates/domain";

// Dumps of a real libvirt 9.0 on Xen 4.17.
inline const std::vector<std::string> k_dumps = {"hvm.inactive",
                                                 "hvm.running",
                                                 "hvm.etc-libvirt-libxl",
                                                 "pv-disk-pygrub.inactive",
                                                 "pv-disk-pygrub-block.inactive",
                                                 "pv-disk-pygrub-block.running",
                                                 "pv-partition.inactive",
                                                 "pv-partition.running",
                                                 "pvh.inactive"};

inline std::string dump(const std::string& name) {
  return read_text_file(k_golden / (name + ".xml"));
}

// The error that `body` throws; a failed test and nothing when it throws none.
inline std::optional<Error> error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return std::nullopt;
}

// With VMCONVERT_ACCEPT=1 the file is rewritten, and the test shows as skipped, never as passed.
inline void expect_golden(const std::filesystem::path& file, const std::string& text) {
  if (std::getenv("VMCONVERT_ACCEPT") != nullptr) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    GTEST_SKIP() << "accepted " << file;
  }
  const std::string expected = read_text_file(file);
  EXPECT_EQ(expected, text) << unified_diff(file.string(), expected, "got", text)
                            << "if this is right: VMCONVERT_ACCEPT=1";
}

}  // namespace vmconvert::domain
