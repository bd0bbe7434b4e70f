// Old ids in what is unpacked before the root is there: initramfs images in /boot, those that the
// entries of systemd-boot name on its own partitions, and those inside of unified kernel images.
#include <fmt/format.h>

#include <algorithm>
#include <vmconvert/systemd_boot.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "guest/initramfs.hpp"
#include "guest/new_ids.hpp"

namespace vmconvert::guest {
namespace {

using model::IdChange;
using model::IdKind;

constexpr std::size_t k_most_of_a_kind = 8;  // of each kind: each is read and unpacked
constexpr std::size_t k_most_entries = 64;

// Each once, in the order in which they were found.
class ImagePaths {
 public:
  void add(const std::string& path) {
    if (m_paths.size() < k_most_of_a_kind &&
        std::find(m_paths.begin(), m_paths.end(), path) == m_paths.end()) {
      m_paths.push_back(path);
    }
  }
  void add_all(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      add(path);
    }
  }
  [[nodiscard]] const std::vector<std::string>& all() const { return m_paths; }

 private:
  std::vector<std::string> m_paths;
};

bool is_efi_file(std::string_view path) {
  return efi::lower_case(path).ends_with(".efi");
}

// Where a guest has mounted its EFI system partition, or an extended boot loader partition.
constexpr const char* k_loader_partitions[] = {"/boot/efi", "/efi", "/boot"};

void add_of_entries(GuestRoot& guest, const std::string& mountpoint, ImagePaths& images,
                    ImagePaths& programs) {
  std::size_t entries = 0;
  const std::string folder = mountpoint + "/loader/entries";
  for (const std::string& name : guest.list(folder)) {
    const std::string path = folder + "/" + name;
    if (!efi::lower_case(name).ends_with(".conf") || ++entries > k_most_entries) {
      continue;
    }
    if (const FileStat file = guest.stat(path);
        file.kind != FileKind::file || file.size > efi::k_longest_text) {
      continue;
    }
    const auto entry = efi::read_entry(guest.read(path), name, mountpoint, "x86_64");
    if (!entry) {
      continue;
    }
    images.add_all(entry->initrds);
    if (is_efi_file(entry->program)) {
      programs.add(entry->program);
    }
  }
}

// EFI/Linux, and EFI/BOOT, from where the firmware itself may start one.
void add_of_folders(GuestRoot& guest, const std::string& mountpoint, ImagePaths& programs) {
  const std::string folder = efi::child(guest, mountpoint, "EFI");
  for (const char* name : {"Linux", "BOOT"}) {
    const std::string images = folder.empty() ? "" : efi::child(guest, folder, name);
    for (const std::string& file :
         images.empty() ? std::vector<std::string>() : guest.list(images)) {
      if (is_efi_file(file)) {
        programs.add(images + "/" + file);
      }
    }
  }
}

bool holds_old_id(GuestRoot& guest, const std::string& path,
                  const std::vector<std::string>& values) {
  try {
    if (!guest.is_file(path)) {
      return false;
    }
    const std::string content = guest.read(path, GuestRoot::k_binary_limit);
    if (!is_efi_file(path)) {
      return initramfs_holds(content, values);
    }
    const auto image = efi::read_unified_kernel(content);
    return image && !image->initrd.empty() && initramfs_holds(image->initrd, values);
  } catch (const Error& error) {
    // No image, or a damaged one: the fixer of the initramfs says so where it matters.
    if (error.kind() != ErrorKind::bad_input) {
      throw;
    }
    return false;
  }
}

}  // namespace

std::vector<std::string> images_with_old_ids(GuestRoot& guest, const model::IdChanges& changes) {
  std::vector<std::string> values;
  for (const IdChange& change : changes) {
    if (change.kind != IdKind::disk) {
      values.push_back(change.from);
    }
  }
  if (values.empty()) {
    return {};
  }
  ImagePaths in_boot, of_entries, programs;
  in_boot.add_all(guest.glob("/boot/initrd*"));
  in_boot.add_all(guest.glob("/boot/initramfs*"));
  for (const char* mountpoint : k_loader_partitions) {
    add_of_entries(guest, mountpoint, of_entries, programs);
    add_of_folders(guest, mountpoint, programs);
  }
  std::vector<std::string> found;
  for (const ImagePaths* paths : {&in_boot, &of_entries, &programs}) {
    for (const std::string& path : paths->all()) {
      if (std::find(found.begin(), found.end(), path) == found.end() &&
          holds_old_id(guest, path, values)) {
        found.push_back(path);
      }
    }
  }
  return found;
}

model::Findings old_ids_in_initramfs(GuestRoot& guest, const model::IdChanges& changes) {
  model::Findings found;
  for (const std::string& image : images_with_old_ids(guest, changes)) {
    found.push_back({"uuid-left", model::Severity::warns,
                     fmt::format("the initramfs {}{} still names an old UUID",
                                 is_efi_file(image) ? "in " : "", printable(image)),
                     "build it anew in the guest"});
  }
  return found;
}

}  // namespace vmconvert::guest
