// Reads GRUB 2's menu, boot loader entries and extlinux's, header only. They are read line by line,
// as tools and people write them, not as the script language that GRUB 2's is.
#pragma once

#include <vmconvert/fixer_menu.hpp>

namespace vmconvert::fixer {

inline bool is_linux_command(std::string_view word) {
  return word == "linux" || word == "linux16" || word == "linuxefi";
}

// The value of a line "NAME=value" of grubenv; empty if it is not set.
inline std::string grubenv_value(std::string_view grubenv, std::string_view name) {
  for (const Line& line : lines_of(grubenv)) {
    if (line.text.size() > name.size() && line.text.starts_with(name) &&
        line.text[name.size()] == '=') {
      return line.text.substr(name.size() + 1);
    }
  }
  return {};
}

namespace grub2 {

// One menuentry or submenu among its siblings: what `default` may call it.
struct Place {
  std::size_t index = 0;
  std::string title, id;

  [[nodiscard]] bool is_called(std::string_view name) const {
    return name == std::to_string(index) || name == title || (!id.empty() && name == id);
  }
};

// Each entry has a copy of the names around it: without a limit, a menu of megabytes could become
// gigabytes.
inline constexpr std::size_t k_most_entries = 1024;
inline constexpr std::size_t k_longest_name = 512;

// 'in quotes', "in quotes" or one word, at most k_longest_name bytes of it.
inline std::string quoted_word(std::string_view text) {
  text = trimmed(text).substr(0, k_longest_name);
  if (!text.empty() && (text.front() == '\'' || text.front() == '"')) {
    const std::size_t end = text.find(text.front(), 1);
    return std::string(text.substr(1, end == std::string_view::npos ? end : end - 1));
  }
  return std::string(text.substr(0, text.find_first_of(" \t{")));
}

inline Place place_of(std::string_view line, std::string_view command, std::size_t index) {
  Place place{index, quoted_word(after(line, command)), {}};
  for (const std::string_view key : {"menuentry_id_option", "--id"}) {
    const std::size_t at = line.find(key);
    if (at == std::string_view::npos) {
      continue;
    }
    std::string_view rest = line.substr(at + key.size());
    rest.remove_prefix(std::min(rest.find_first_not_of("}= \t"), rest.size()));
    place.id = quoted_word(rest);
    break;
  }
  return place;
}

class Reader {
 public:
  Menu read(std::string_view text, std::string_view saved) {
    for (const Line& line : lines_of(text)) {
      const std::vector<std::string_view> words = active_words(line.text);
      if (!words.empty()) {
        take(line.text, words);
      }
    }
    if (m_default.empty() && m_default_is_saved) {
      m_default = saved;
    }
    m_menu.default_entry = find_default();
    return std::move(m_menu);
  }

 private:
  void take(std::string_view line, const std::vector<std::string_view>& words) {
    if (words[0] == "}") {
      close();
    }
    if (words[0] == "menuentry" || words[0] == "submenu") {
      open(place_of(line, words[0], m_children.back()++), true);
    } else if (words[0] == "function") {
      open({}, false);
    } else if (is_linux_command(words[0]) && words.size() > 1) {
      if (const auto path = kernel_word(words); path && m_places.size() < k_most_entries) {
        MenuEntry entry;
        entry.title = m_path.empty() ? "" : m_path.back().title;
        entry.id = m_path.empty() ? "" : m_path.back().id;
        entry.kernel = *path;
        entry.arguments = after(line, *path);
        m_menu.entries.push_back(std::move(entry));
        m_places.push_back(m_path);
      }
    } else if (words[0].starts_with("initrd") && words.size() > 1 && !m_menu.entries.empty()) {
      m_menu.entries.back().initrd = words.back();
    } else if (words[0] == "set" && words.size() >= 2) {
      set(trimmed(after(line, words[0])));
    }
  }

  void open(Place place, bool counts) {
    constexpr std::size_t k_deepest = 64;
    if (m_blocks.size() < k_deepest) {
      m_blocks.push_back(counts);
      m_children.push_back(0);
      if (counts) {
        m_path.push_back(std::move(place));
      }
    }
  }
  void close() {
    if (m_blocks.empty()) {
      return;
    }
    if (m_blocks.back()) {
      m_path.pop_back();
    }
    m_blocks.pop_back();
    m_children.pop_back();
  }

  void set(std::string_view assignment) {
    if (const auto chosen = value_of(assignment, "default")) {
      const std::string_view name = unquoted(*chosen);
      m_default_is_saved |= name.find("saved_entry") != std::string_view::npos;
      if (name.find('$') == std::string_view::npos) {
        m_default = name;
      }
    } else if (const auto wait = value_of(assignment, "timeout"); wait && small_number(*wait)) {
      m_menu.timeout = small_number(*wait);
    }
  }

  // "0", "1>2", a title or an id, or the last part of such a path alone; else the first.
  [[nodiscard]] std::size_t find_default() const {
    std::vector<std::string_view> parts;
    for (std::string_view rest = m_default; !rest.empty();) {
      const std::size_t end = rest.find('>');
      parts.push_back(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    for (std::size_t i = 0; i < m_places.size() && !parts.empty(); ++i) {
      bool matches = parts.size() <= m_places[i].size();
      for (std::size_t part = 0; matches && part < parts.size(); ++part) {
        matches = m_places[i][part].is_called(parts[part]);
      }
      if (matches) {
        return i;
      }
    }
    for (std::size_t i = 0; i < m_menu.entries.size() && !m_default.empty(); ++i) {
      if (m_menu.entries[i].id == m_default) {
        return i;
      }
    }
    return 0;
  }

  Menu m_menu;
  std::vector<Place> m_path;
  std::vector<std::vector<Place>> m_places;  // of each entry
  std::vector<bool> m_blocks;                // open braces; true: of an entry or a submenu
  std::vector<std::size_t> m_children = {0};
  std::string m_default;
  bool m_default_is_saved = false;
};

}  // namespace grub2

// Every linux command is an entry. `saved` is saved_entry of grubenv.
inline Menu parse_grub2_menu(std::string_view text, std::string_view saved = {}) {
  return grub2::Reader().read(text, saved);
}

// /boot/loader/entries/ID.conf
inline MenuEntry parse_loader_entry(std::string_view text, std::string_view file,
                                    std::string_view kernelopts) {
  constexpr std::size_t k_longest = 64U << 10U;  // of arguments; a kernel takes 4 KiB at most
  kernelopts = kernelopts.substr(0, k_longest);
  MenuEntry entry;
  entry.id = base_name(file).substr(0, base_name(file).rfind(".conf"));
  for (const Line& line : lines_of(text)) {
    const auto words = active_words(line.text);
    if (words.size() < 2) {
      continue;
    }
    if (words[0] == "title") {
      entry.title = after(line.text, words[0]);
    } else if (words[0] == "linux") {
      entry.kernel = words[1];
    } else if (words[0] == "initrd") {
      for (std::size_t i = 1; i < words.size(); ++i) {
        entry.initrd = words[i].starts_with('$') ? entry.initrd : std::string(words[i]);
      }
    } else if (words[0] == "options") {
      // Each mention stands for all of it: a few megabytes of them would fill any memory.
      for (std::size_t i = 1; i < words.size() && entry.arguments.size() < k_longest; ++i) {
        const bool options = words[i] == "$kernelopts";
        if (options || !words[i].starts_with('$')) {  // $tuned_params: empty on most guests
          entry.arguments +=
              (entry.arguments.empty() ? "" : " ") + std::string(options ? kernelopts : words[i]);
        }
      }
    }
  }
  return entry;
}

// extlinux.conf: LABEL, LINUX or KERNEL, INITRD, APPEND in any case. Relative paths are of the
// file's own folder.
inline Menu parse_extlinux_menu(std::string_view text, std::string_view file) {
  Menu menu;
  std::string wanted;
  const std::string folder(file.substr(0, file.rfind('/') + 1));
  const auto absolute = [&](std::string_view path) {
    return path.starts_with('/') ? std::string(path) : folder + std::string(path);
  };
  for (const Line& line : lines_of(text)) {
    const auto words = active_words(line.text);
    if (words.size() < 2) {
      continue;
    }
    const std::string key = lower(words[0]);
    if (key == "label") {
      menu.entries.push_back({});
      menu.entries.back().id = words[1];
      menu.entries.back().title = words[1];
    } else if (key == "default" || key == "ontimeout") {
      wanted = words[1];
    } else if (key == "timeout") {
      const auto tenths = small_number(words[1]);
      menu.timeout = tenths ? std::optional(*tenths / 10) : std::nullopt;
    } else if (menu.entries.empty()) {
      continue;
    } else if (key == "menu" && lower(words[1]) == "default") {
      menu.default_entry = menu.entries.size() - 1;
    } else if (key == "linux" || key == "kernel") {
      menu.entries.back().kernel = absolute(words[1]);
    } else if (key == "initrd") {
      menu.entries.back().initrd = absolute(words[1]);
    } else if (key == "append") {
      menu.entries.back().arguments = after(line.text, words[0]);
    }
  }
  for (std::size_t i = 0; i < menu.entries.size(); ++i) {
    if (menu.entries[i].id == wanted) {
      menu.default_entry = i;
    }
  }
  return menu;
}

}  // namespace vmconvert::fixer
