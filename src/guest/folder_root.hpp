// A plain folder as a guest's root: for tests, and for guests that are trees of files.
#pragma once

#include <filesystem>
#include <functional>
#include <map>

#include "base/fd.hpp"
#include "guest/guest_root.hpp"

namespace vmconvert::guest {

// Every access goes through openat2(2) with RESOLVE_IN_ROOT: links, absolute ones too, resolve
// inside the folder and never lead out of it; links of /proc are refused. Pipes and devices are
// never opened.
class FolderRoot : public GuestRoot {
 public:
  // Names of target disks ("vda") and the files that stand for them.
  using Disks = std::map<std::string, std::filesystem::path, std::less<>>;

  explicit FolderRoot(const std::filesystem::path& folder, Disks disks = {});

  FileStat stat(std::string_view path) override;
  FileStat lstat(std::string_view path) override;
  std::string read(std::string_view path, std::uint64_t limit = k_text_limit) override;
  std::string read_link(std::string_view path) override;
  std::vector<std::string> list(std::string_view folder) override;
  std::vector<std::string> glob(std::string_view pattern) override;
  // The old file stays whole until the new one takes its name.
  void write(std::string_view path, std::string_view content, unsigned mode = 0644) override;
  void symlink(std::string_view path, std::string_view target) override;
  void remove(std::string_view path) override;
  void remove_tree(std::string_view path) override;
  ProgramResult run(const std::vector<std::string>& argv) override;
  std::string read_disk(std::string_view disk, std::uint64_t offset, std::uint64_t length) override;
  void write_disk(std::string_view disk, std::uint64_t offset, std::string_view content) override;

 private:
  // A name in an open folder: what the *at(2) calls take.
  struct Place {
    Fd folder;
    std::string name;
  };
  enum class LastLink { follow, keep };

  Fd try_open(const std::string& path, int flags) const;
  FileStat stat_with(std::string_view path, int flags) const;
  Fd open_or_make_folder(const std::vector<std::string>& components) const;
  Place place_for(std::string_view path, LastLink last_link) const;
  const std::filesystem::path& disk_file(std::string_view disk) const;

  Fd m_root;
  Disks m_disks;
  unsigned m_temporaries = 0;
};

}  // namespace vmconvert::guest
