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
      menu.entries.push_back({std::string(after(line.text, words[0])), "", "", ""});
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

inline bool is_linux_command(std::string_view word) {
  return word == "linux" || word == "linux16" || word == "linuxefi";
}

// GRUB 2: every linux command is an entry. Only a default that is a number is understood; a name
// or ${saved_entry} stands for the first, as GRUB itself has it when nothing was saved.
inline Menu parse_grub2_menu(std::string_view text) {
  Menu menu;
  std::string title;
  for (const Line& line : lines_of(text)) {
    const std::vector<std::string_view> words = active_words(line.text);
    if (words.empty()) {
      continue;
    }
    if (words[0] == "menuentry") {
      title = after(line.text, words[0]);
    } else if (is_linux_command(words[0]) && words.size() > 1) {
      const auto path = kernel_word(words);
      if (path) {
        menu.entries.push_back(
            {title, std::string(*path), "", std::string(after(line.text, *path))});
      }
    } else if (words[0].starts_with("initrd") && words.size() > 1 && !menu.entries.empty()) {
      menu.entries.back().initrd = words.back();
    } else if (words[0] == "set" && words.size() == 2) {
      if (const auto chosen = value_of(words[1], "default"); chosen && small_number(*chosen)) {
        menu.default_entry = *small_number(*chosen);
      } else if (const auto wait = value_of(words[1], "timeout"); wait && small_number(*wait)) {
        menu.timeout = small_number(*wait);
      }
    }
  }
  return menu;
}

inline bool is_grub2_menu(std::string_view path) {
  return base_name(path) == "grub.cfg";
}

inline Menu parse_menu(std::string_view path, std::string_view text) {
  return is_grub2_menu(path) ? parse_grub2_menu(text) : parse_legacy_menu(text);
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

inline std::optional<std::string> grub2_menu_path(Host& guest) {
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
  const auto legacy = legacy_menu_path(guest);
  return legacy ? legacy : grub2_menu_path(guest);
}

}  // namespace vmconvert::fixer
