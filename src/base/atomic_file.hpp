// A file that is whole or absent: written beside its place, renamed into it by commit().
#pragma once

#include <filesystem>
#include <string_view>

#include "base/fd.hpp"

namespace vmconvert {

enum class Overwrite { yes, no };

class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path, mode_t mode = 0644);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();  // without commit(), nothing is left

  void write(std::string_view text);
  // fsync, rename, fsync of the folder. Overwrite::no throws Error(bad_input) if the file exists.
  void commit(Overwrite overwrite);

 private:
  std::filesystem::path m_path;
  std::filesystem::path m_temporary;
  Fd m_fd;
};

}  // namespace vmconvert
