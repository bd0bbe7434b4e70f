// A private folder (0700) that removes itself and all in it.
#pragma once

#include <filesystem>
#include <string_view>

namespace vmconvert {

class TempDir {
 public:
  // PARENT/NAME.XXXXXX; the parent is made if it is missing.
  TempDir(const std::filesystem::path& parent, std::string_view name);
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }

 private:
  std::filesystem::path m_path;
};

}  // namespace vmconvert
