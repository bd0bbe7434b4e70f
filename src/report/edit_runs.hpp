// Which edits a reader sees as one line: a loader brings hundreds of modules.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/edit.hpp"

namespace vmconvert::report {

// With the slash.
inline std::string_view folder_of(std::string_view path) {
  return path.substr(0, path.rfind('/') + 1);
}

// A binary file's "diff" is a sentence.
inline bool is_diff(std::string_view text) {
  return text.starts_with("--- ");
}

// Edits from `first` on that say the same of binary files in one folder.
inline std::size_t run_of_binaries(const model::Edits& edits, std::size_t first) {
  std::size_t last = first;
  while (last < edits.size() && edits[last].fixer == edits[first].fixer &&
         edits[last].path.find('/') != std::string::npos &&
         edits[last].diff.starts_with("binary") &&
         folder_of(edits[last].path) == folder_of(edits[first].path)) {
    ++last;
  }
  return last - first;
}

}  // namespace vmconvert::report
