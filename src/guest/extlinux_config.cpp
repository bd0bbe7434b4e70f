// The menu of syslinux on a Linux filesystem. Keywords are in any case; doc/menu.txt of syslinux.
#include "base/text.hpp"
#include "guest/grub_config.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_most_entries = 1024;

std::string absolute(std::string_view path, std::string_view folder) {
  return path.starts_with('/') ? std::string(path) : std::string(folder) + std::string(path);
}

void read_append(BootEntry& entry, const std::vector<std::string>& parts, std::string_view folder) {
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (!parts[i].starts_with("initrd=")) {
      entry.arguments += (entry.arguments.empty() ? "" : " ") + parts[i];
      continue;
    }
    for (const std::string& path : split(parts[i].substr(7), ',')) {
      entry.initrds.push_back(absolute(path, folder));
    }
  }
}

}  // namespace

bool is_extlinux_menu(std::string_view path) {
  return path.ends_with("linux.conf") || path.ends_with("syslinux.cfg");
}

BootMenu read_extlinux_menu(std::string_view text, std::string_view folder) {
  BootMenu menu;
  std::string wanted;
  std::size_t marked = 0;
  for (const std::string& line : lines(text)) {
    const std::vector<std::string> parts = words(line);
    if (parts.size() < 2 || parts[0].starts_with('#')) {
      continue;
    }
    const std::string key = lower_case(parts[0]);
    if (key == "label") {
      if (menu.entries.size() == k_most_entries) {
        break;
      }
      BootEntry entry;
      entry.id = entry.title = parts[1];
      entry.position = std::to_string(menu.entries.size());
      menu.entries.push_back(std::move(entry));
    } else if (key == "default" || key == "ontimeout") {
      wanted = parts[1];
    } else if (menu.entries.empty()) {
      continue;
    } else if (key == "menu" && lower_case(parts[1]) == "default") {
      marked = menu.entries.size() - 1;
    } else if (key == "linux" || key == "kernel") {
      menu.entries.back().kernel = absolute(parts[1], folder);
    } else if (key == "initrd") {
      for (const std::string& path : split(parts[1], ',')) {
        menu.entries.back().initrds.push_back(absolute(path, folder));
      }
    } else if (key == "append") {
      read_append(menu.entries.back(), parts, folder);
    }
  }
  for (std::size_t i = 0; i < menu.entries.size(); ++i) {
    marked = menu.entries[i].id == wanted ? i : marked;
  }
  if (!menu.entries.empty()) {
    menu.chosen = marked;
  }
  return menu;
}

}  // namespace vmconvert::guest
