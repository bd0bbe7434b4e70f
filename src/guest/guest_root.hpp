// The inside of a guest, through one small door. Paths are absolute in the guest ("/etc/fstab");
// symbolic links are resolved inside the guest's root, never outside it.
// Implementations: ApplianceRoot (libguestfs), FolderRoot (a plain folder, for tests and trees),
// StagedRoot (holds writes back in memory over another root).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vmconvert::guest {

enum class FileKind { missing, file, directory, symlink, other };

struct FileStat {
  FileKind kind = FileKind::missing;
  std::uint64_t size = 0;
  unsigned mode = 0;  // permission bits
  unsigned uid = 0;
  unsigned gid = 0;
};

struct ProgramResult {
  int exit_code = 0;
  std::string output;  // stdout and stderr, as the program wrote them
};

class GuestRoot {
 public:
  static constexpr std::uint64_t k_text_limit = 8U << 20U;
  static constexpr std::uint64_t k_binary_limit = 512U << 20U;

  virtual ~GuestRoot() = default;

  // All throw Error; bad_input where the guest's content is at fault.
  // stat follows links; lstat does not. A missing file is FileKind::missing, not an error.
  virtual FileStat stat(std::string_view path) = 0;
  virtual FileStat lstat(std::string_view path) = 0;
  // Contents; not_found if missing, bad_input if larger than `limit` bytes or no regular file.
  virtual std::string read(std::string_view path, std::uint64_t limit = k_text_limit) = 0;
  virtual std::string read_link(std::string_view path) = 0;
  // Names in a folder, sorted; empty if there is no such folder.
  virtual std::vector<std::string> list(std::string_view folder) = 0;
  // Paths that match a shell pattern ("/boot/vmlinuz-*"), sorted.
  virtual std::vector<std::string> glob(std::string_view pattern) = 0;

  // Replace or create; parent folders are made. An existing file keeps owner, mode, xattrs, and a
  // symlink is followed; a new one gets `mode` and root:root.
  virtual void write(std::string_view path, std::string_view content, unsigned mode = 0644) = 0;
  virtual void symlink(std::string_view path, std::string_view target) = 0;  // replaces
  virtual void remove(std::string_view path) = 0;  // file or link; missing is fine
  // A folder with all that is in it; a link to one is not followed; missing is fine.
  virtual void remove_tree(std::string_view path) = 0;

  // A program of the guest, run with the guest as its root: only in the appliance.
  // Error(unsupported) on a plain folder.
  virtual ProgramResult run(const std::vector<std::string>& argv) = 0;

  // The target disks themselves ("vda"), for loaders that live outside any filesystem.
  virtual std::string read_disk(std::string_view disk, std::uint64_t offset,
                                std::uint64_t length) = 0;
  virtual void write_disk(std::string_view disk, std::uint64_t offset,
                          std::string_view content) = 0;

  // Conveniences over the above.
  bool exists(std::string_view path) { return stat(path).kind != FileKind::missing; }
  bool is_file(std::string_view path) { return stat(path).kind == FileKind::file; }
  std::optional<std::string> read_if_there(std::string_view path) {
    return is_file(path) ? std::optional<std::string>(read(path)) : std::nullopt;
  }
};

}  // namespace vmconvert::guest
