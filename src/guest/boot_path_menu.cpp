// The boot path's menu: the entry that boots by itself.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "guest/boot_path_steps.hpp"
#include "guest/inspect.hpp"

namespace vmconvert::guest {
namespace {

constexpr int k_deepest_include = 3;
constexpr std::size_t k_most_entry_files = 256;
// Menus that load each other, and themselves, thirty times over.
constexpr std::size_t k_most_menus = 64;
// Of what stands for arguments: the kernel takes 2048 bytes.
constexpr std::size_t k_longest_arguments = 4096;

std::string menu_folder(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// Entries in files of their own, newest first, as Fedora and its family have them.
void add_loader_spec_entries(BootWalk& walk, const std::string& grubenv, BootMenu& menu) {
  std::vector<std::string> files = walk.guest.glob("/boot/loader/entries/*.conf");
  std::sort(files.begin(), files.end(),
            [](const std::string& a, const std::string& b) { return compare_versions(a, b) > 0; });
  files.resize(std::min(files.size(), k_most_entry_files));
  const std::string saved = grubenv_value(grubenv, "saved_entry");
  const std::string options = grubenv_value(grubenv, "kernelopts").substr(0, k_longest_arguments);
  for (const std::string& file : files) {
    BootEntry entry =
        read_loader_spec_entry(walk.guest.read(file), file.substr(file.rfind('/') + 1));
    entry.arguments =
        replace_all(entry.arguments.substr(0, k_longest_arguments), "$kernelopts", options);
    if (!menu.chosen || (!saved.empty() && entry.id == saved)) {
      menu.chosen = menu.entries.size();
    }
    menu.entries.push_back(std::move(entry));
  }
}

BootMenu read_menu(BootWalk& walk, const std::string& path, bool legacy, int depth);

// The first menu that this one loads counts if it has no entries itself.
void follow_includes(BootWalk& walk, BootMenu& menu, int depth) {
  for (const MenuInclude& include : menu.includes) {
    const auto path = path_in_guest(walk, {}, include.path);
    if (!menu.entries.empty() || depth == k_deepest_include || walk.menus == k_most_menus) {
      return;
    }
    if (path && walk.guest.is_file(*path)) {
      BootMenu loaded = read_menu(walk, *path, include.legacy, depth + 1);
      menu.entries = std::move(loaded.entries);
      menu.chosen = loaded.chosen;
    }
  }
}

// The folder of extlinux's menu, as the filesystem that it lies on has it.
std::string folder_on_filesystem(const BootWalk& walk, const std::string& path) {
  const bool own = walk.facts.boot_device != walk.facts.root_device && path.starts_with("/boot/");
  return menu_folder(own ? path.substr(std::string_view("/boot").size()) : path) + "/";
}

BootMenu read_menu(BootWalk& walk, const std::string& path, bool legacy, int depth) {
  ++walk.menus;
  const std::string text = walk.guest.read(path);
  if (is_extlinux_menu(path)) {
    return read_extlinux_menu(text, folder_on_filesystem(walk, path));
  }
  if (legacy) {
    return read_legacy_menu(text);
  }
  const std::string grubenv = walk.guest.read_if_there(menu_folder(path) + "/grubenv").value_or("");
  BootMenu menu = read_grub2_menu(text, grubenv_value(grubenv, "saved_entry"));
  if (menu.loader_spec && menu.entries.empty()) {
    add_loader_spec_entries(walk, grubenv, menu);
  }
  follow_includes(walk, menu, depth);
  return menu;
}

}  // namespace

std::optional<BootEntry> walk_menu(BootWalk& walk, const std::string& path) {
  const BootMenu menu = read_menu(walk, path, !path.ends_with("grub.cfg"), 0);
  if (!menu.chosen) {
    walk.broken("menu", fmt::format("{} has no entry", path),
                "add an entry for the guest's kernel");
    return std::nullopt;
  }
  const BootEntry& entry = menu.entries[*menu.chosen];
  const std::string title = fmt::format("entry {} of {} in {}, \"{}\"", *menu.chosen + 1,
                                        menu.entries.size(), path, printable(entry.title));
  if (entry.xen_host) {
    walk.broken("menu", title + " boots a Xen host, not a guest", "choose another default entry");
    return std::nullopt;
  }
  if (entry.kernel.empty()) {
    walk.broken("menu", title + " boots no Linux kernel", "choose another default entry");
    return std::nullopt;
  }
  walk.found("menu", title);
  return entry;
}

}  // namespace vmconvert::guest
