// The boot path of a UEFI guest whose loader is systemd-boot, or whose kernel is a UEFI program
// with all that belongs to it: from there to what is started by itself.
#include <fmt/format.h>

#include <vmconvert/systemd_boot.hpp>

#include "base/text.hpp"
#include "guest/boot_path_steps.hpp"

namespace vmconvert::guest {
namespace {

// A kernel that is started as a UEFI program takes its images from its arguments, too.
void add_initrds(BootEntry& entry, const std::string& partition) {
  constexpr std::string_view k_initrd = "initrd=";
  for (const std::string& word : words(entry.arguments)) {
    if (word.starts_with(k_initrd)) {
      entry.initrds.push_back(efi::path_on(partition, word.substr(k_initrd.size())));
    }
  }
}

BootEntry boot_entry(BootWalk& walk, const efi::LoaderEntry& from) {
  BootEntry entry;
  entry.title = from.title.empty() ? from.id : from.title;
  entry.id = from.id;
  entry.in_guest = true;
  entry.kernel = from.program;
  entry.initrds = from.initrds;
  entry.arguments = from.arguments;
  if (entry.arguments.empty() && from.file != from.program) {
    const std::string bytes = walk.guest.read(from.program, efi::k_largest_program);
    const auto image = efi::read_unified_kernel(bytes);
    entry.arguments = image ? image->arguments : std::string();
  }
  add_initrds(entry, from.partition);
  return entry;
}

}  // namespace

std::optional<BootEntry> walk_systemd_boot(BootWalk& walk, const std::string& esp,
                                           const std::string& path, const std::string& bytes) {
  const std::string version = efi::systemd_boot_version(bytes).value_or("");
  walk.found("loader core", fmt::format("systemd-boot {} in {}, {} bytes", printable(version), path,
                                        bytes.size()));
  const std::vector<std::string> partitions =
      efi::loader_partitions(walk.guest, walk.facts.filesystems, esp);
  const efi::LoaderMenu menu =
      efi::read_loader_menu(walk.guest, partitions, walk.facts.arch, version);
  if (!menu.chosen) {
    walk.broken("menu",
                fmt::format("systemd-boot finds no kernel by loader/entries or EFI/Linux in {}",
                            join(partitions, " or ")),
                "run kernel-install (or the distribution's own tool) in the source");
    return std::nullopt;
  }
  const efi::LoaderEntry& chosen = menu.entries[*menu.chosen];
  BootEntry entry = boot_entry(walk, chosen);
  walk.found("menu", fmt::format("entry {} of {}, {}, \"{}\"", *menu.chosen + 1,
                                 menu.entries.size(), chosen.file, printable(entry.title)));
  return entry;
}

std::optional<BootEntry> walk_unified_kernel(BootWalk& walk, const std::string& path,
                                             const std::string& bytes) {
  walk.found("loader core", fmt::format("a unified kernel image in {}", path));
  const auto image = efi::read_image(bytes, path);
  if (!image) {
    return std::nullopt;
  }
  BootEntry entry = boot_entry(walk, *image);
  walk.found("menu", fmt::format("none: the firmware starts \"{}\"", printable(entry.title)));
  return entry;
}

}  // namespace vmconvert::guest
