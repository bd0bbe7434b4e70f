// Reads boot menus, header only: what would be booted, from which files, with which arguments.
// Menus are the guest's text: whatever they say, reading stays linear in their size.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer {

struct MenuEntry {
  std::string title;
  std::string kernel;  // as the menu writes it: "/vmlinuz-2.6.18", "(hd0,0)/boot/vmlinuz"
  std::string initrd;  // the last of them; microcode comes first where there are several
  std::string arguments;
  std::string id;           // of GRUB 2 and of boot loader entries; empty if it has none
  bool hypervisor = false;  // Xen's own kernel is loaded first: the entry of a Xen host
};

struct Menu {
  std::vector<MenuEntry> entries;
  std::size_t default_entry = 0;
  std::optional<unsigned> timeout;

  [[nodiscard]] const MenuEntry* chosen() const {
    if (entries.empty()) {
      return nullptr;
    }
    return default_entry < entries.size() ? &entries[default_entry] : &entries.front();
  }
};

inline std::optional<unsigned> small_number(std::string_view text) {
  text = unquoted(text);
  if (text.empty() || text.size() > 6 ||
      !std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); })) {
    return std::nullopt;
  }
  return static_cast<unsigned>(std::stoul(std::string(text)));
}

// What follows `word` on its line, blanks trimmed; `word` is a view into the line.
inline std::string_view after(std::string_view line, std::string_view word) {
  const auto at = static_cast<std::size_t>(word.data() - line.data()) + word.size();
  return trimmed(line.substr(at));
}

// The kernel's path in the words of a kernel line: the first that is no option.
inline std::optional<std::string_view> kernel_word(const std::vector<std::string_view>& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!words[i].starts_with("--")) {
      return words[i];
    }
  }
  return std::nullopt;
}

inline std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
}

inline bool is_hypervisor(std::string_view kernel) {
  return base_name(kernel).starts_with("xen");
}

// One line inside a stanza of menu.lst. Under a Xen hypervisor the modules are kernel and initrd.
inline void read_stanza_line(std::string_view line, MenuEntry& entry) {
  const std::vector<std::string_view> words = active_words(line);
  if (words.size() < 2) {
    return;
  }
  const bool module = words[0] == "module";
  if (words[0] == "kernel" || (module && (entry.kernel.empty() || is_hypervisor(entry.kernel)))) {
    if (const auto path = kernel_word(words)) {
      entry.hypervisor = entry.hypervisor || (!module && is_hypervisor(*path));
      entry.kernel = *path;
      entry.arguments = after(line, *path);
    }
  } else if (words[0] == "initrd" || module) {
    entry.initrd = words.back();
  }
}

// GRUB legacy: menu.lst, grub.conf. "default 0", "default=0"; counts all stanzas.
inline Menu parse_legacy_menu(std::string_view text) {
  Menu menu;
  for (const Line& line : lines_of(text)) {
    const std::vector<std::string_view> words = active_words(line.text);
    if (words.empty()) {
      continue;
    }
    if (words[0] == "title") {
      menu.entries.push_back({});
      menu.entries.back().title = after(line.text, words[0]);
    } else if (!menu.entries.empty()) {
      read_stanza_line(line.text, menu.entries.back());
    } else {
      std::string setting(trimmed(line.text));
      std::replace(setting.begin(), setting.end(), '=', ' ');
      const std::vector<std::string_view> parts = words_of(setting);
      const auto number = parts.size() == 2 ? small_number(parts[1]) : std::nullopt;
      if (number && parts[0] == "default") {
        menu.default_entry = *number;
      } else if (number && parts[0] == "timeout") {
        menu.timeout = number;
      }
    }
  }
  return menu;
}

inline bool is_grub2_menu(std::string_view path) {
  return base_name(path) == "grub.cfg";
}

// The first legacy menu that is there. menu.lst is often a link to grub.conf, or the other way.
inline std::optional<std::string> legacy_menu_path(Host& guest) {
  for (const char* path : {"/boot/grub/menu.lst", "/boot/grub/grub.conf"}) {
    if (guest.is_file(path)) {
      return path;
    }
  }
  return std::nullopt;
}

inline bool is_extlinux_menu(std::string_view path) {
  return path.ends_with("linux.conf") || path.ends_with("syslinux.cfg");
}

inline std::optional<std::string> extlinux_menu_path(Host& guest) {
  for (const char* path : {"/boot/extlinux.conf", "/boot/extlinux/extlinux.conf",
                           "/boot/syslinux/syslinux.cfg", "/boot/syslinux/extlinux.conf"}) {
    if (guest.is_file(path)) {
      return path;
    }
  }
  return std::nullopt;
}

// The menu of GRUB 2. That which the source was booted from goes before others.
inline std::optional<std::string> grub2_menu_path(Host& guest) {
  const std::string& known = guest.facts().menu;
  if (is_grub2_menu(known) && guest.is_file(known)) {
    return known;
  }
  for (const char* path : {"/boot/grub2/grub.cfg", "/boot/grub/grub.cfg"}) {
    if (guest.is_file(path)) {
      return path;
    }
  }
  return std::nullopt;
}

// The menu that the source was booted from: as the facts say, else whichever is there.
inline std::optional<std::string> source_menu_path(Host& guest) {
  const std::string& known = guest.facts().menu;
  if (!known.empty() && guest.is_file(known)) {
    return known;
  }
  for (const auto& path :
       {legacy_menu_path(guest), grub2_menu_path(guest), extlinux_menu_path(guest)}) {
    if (path) {
      return path;
    }
  }
  return std::nullopt;
}

}  // namespace vmconvert::fixer
