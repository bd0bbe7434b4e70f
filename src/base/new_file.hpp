// A file that has no name until it is asked to appear: whoever dies before that leaves nothing, and
// whoever wrote its identity down first can be sure to find it again.
#pragma once

#include <filesystem>

#include "base/fd.hpp"

namespace vmconvert {

class NewFile {
 public:
  // Where the file system cannot make files without a name, it appears at once.
  explicit NewFile(std::filesystem::path path, mode_t mode = 0600);

  [[nodiscard]] int fd() const noexcept { return m_fd.get(); }
  // Error(bad_input) if the name is taken. Once.
  void appear();

 private:
  std::filesystem::path m_path;
  Fd m_fd;
  bool m_named = false;
};

}  // namespace vmconvert
