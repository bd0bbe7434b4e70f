// GRUB 2's grub.cfg. It is a script; what is read here is its commands in the order in which they
// stand, both branches of every `if`, which is enough to know the entries and the default.
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "guest/grub_config.hpp"
#include "guest/grub_path.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_most_grub2_entries = 1024;
constexpr std::size_t k_deepest = 16;
// Of a title, an id, a device, what is searched for: each entry has a copy of those around it.
constexpr std::size_t k_longest_name = 512;

std::string short_name(const std::string& name) {
  return name.substr(0, k_longest_name);
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}
bool ends_word(char c) {
  return is_blank(c) || c == '\n' || c == ';';
}

// Splits a script into commands, each a list of words; "{" and "}" are commands of their own.
class Script {
 public:
  explicit Script(std::string_view text) : m_text(text) {}

  // Nothing at the end of the script.
  std::optional<std::vector<std::string>> next() {
    std::vector<std::string> command;
    for (;;) {
      skip_blanks();
      if (m_at == m_text.size()) {
        return command.empty() ? std::nullopt : std::optional(std::move(command));
      }
      const char c = m_text[m_at];
      if (c == '\n' || c == ';') {
        ++m_at;
        if (!command.empty()) {
          return command;
        }
      } else if (is_brace(c)) {
        if (command.empty()) {
          ++m_at;
          return std::vector<std::string>{std::string(1, c)};
        }
        return command;
      } else {
        command.push_back(word());
      }
    }
  }

 private:
  [[nodiscard]] bool is_brace(char c) const {
    return (c == '{' || c == '}') && (m_at + 1 == m_text.size() || ends_word(m_text[m_at + 1]));
  }

  void skip_blanks() {
    while (m_at < m_text.size()) {
      if (is_blank(m_text[m_at])) {
        ++m_at;
      } else if (m_text.substr(m_at).starts_with("\\\n")) {
        m_at += 2;
      } else if (m_text[m_at] == '#') {
        m_at = std::min(m_text.find('\n', m_at), m_text.size());
      } else {
        return;
      }
    }
  }

  std::string word() {
    std::string result;
    while (m_at < m_text.size() && !ends_word(m_text[m_at])) {
      const char c = m_text[m_at];
      if (c == '\'' || c == '"') {
        quoted(c, result);
      } else if (c == '\\' && m_at + 1 < m_text.size()) {
        if (m_text[m_at + 1] != '\n') {
          result += m_text[m_at + 1];
        }
        m_at += 2;
      } else {
        result += c;
        ++m_at;
      }
    }
    return result;
  }

  void quoted(char quote, std::string& result) {
    for (++m_at; m_at < m_text.size() && m_text[m_at] != quote; ++m_at) {
      if (quote == '"' && m_text[m_at] == '\\' && m_at + 1 < m_text.size()) {
        ++m_at;
      }
      result += m_text[m_at];
    }
    m_at = std::min(m_at + 1, m_text.size());
  }

  std::string_view m_text;
  std::size_t m_at = 0;
};

// Where an entry or a submenu stands among its siblings, and its names there.
struct Place {
  std::size_t index = 0;
  std::string title;
  std::string id;

  [[nodiscard]] bool is_called(std::string_view name) const {
    return name == std::to_string(index) || name == title || (!id.empty() && name == id);
  }
};

enum class BlockKind { entry, submenu, other };

struct Block {
  BlockKind kind = BlockKind::other;
  std::size_t children = 0;
};

class Grub2Reader {
 public:
  BootMenu read(std::string_view text, std::string_view saved_entry) {
    Script script(text);
    while (const auto command = script.next()) {
      if (!take(*command)) {
        break;
      }
    }
    if (m_menu.entries.empty() && !m_global.kernel.empty()) {
      // A script that boots at once, without a menu.
      m_global.position = "0";
      m_menu.entries.push_back(m_global);
      m_paths.push_back({Place{}});
    }
    if (!m_menu.entries.empty()) {
      const bool saved = m_default.empty() && m_default_is_saved;
      m_menu.chosen = find_default(saved ? std::string(saved_entry) : m_default);
    }
    return std::move(m_menu);
  }

 private:
  // False when the script is deeper or longer than any real one.
  bool take(std::vector<std::string> command) {
    while (command.size() > 1 && is_keyword(command.front())) {
      command.erase(command.begin());
    }
    const std::string& name = command.front();
    if (name == "menuentry" || name == "submenu" || name == "function") {
      m_pending = command;
      return true;
    }
    if (name == "{") {
      return open_block();
    }
    if (name == "}") {
      close_block();
      return true;
    }
    // The body of a function runs only when it is called.
    if (m_blocks.back().kind != BlockKind::other || m_blocks.size() == 1) {
      run(command);
    }
    return true;
  }

  // What may stand before a command on its line.
  static bool is_keyword(std::string_view word) {
    return word == "then" || word == "else" || word == "do";
  }

  bool open_block() {
    const std::vector<std::string> opener = std::exchange(m_pending, {});
    if (m_blocks.size() == k_deepest || m_menu.entries.size() == k_most_grub2_entries) {
      return false;
    }
    if (opener.empty() || opener.front() == "function") {
      m_blocks.push_back({BlockKind::other});
      return true;
    }
    Place place = read_place(opener, m_blocks.back().children++);
    m_path.push_back(place);
    if (opener.front() == "submenu") {
      m_blocks.push_back({BlockKind::submenu});
      return true;
    }
    BootEntry entry;
    entry.title = place.title;
    entry.id = place.id;
    for (const Place& part : m_path) {
      entry.position += (entry.position.empty() ? "" : ">") + std::to_string(part.index);
    }
    entry.device = m_global.device;
    entry.search_uuid = m_global.search_uuid;
    entry.search_label = m_global.search_label;
    m_menu.entries.push_back(std::move(entry));
    m_paths.push_back(m_path);
    m_blocks.push_back({BlockKind::entry});
    return true;
  }

  void close_block() {
    if (m_blocks.size() == 1) {
      return;
    }
    if (m_blocks.back().kind != BlockKind::other) {
      m_path.pop_back();
    }
    m_blocks.pop_back();
  }

  static Place read_place(const std::vector<std::string>& opener, std::size_t index) {
    Place place{index, opener.size() > 1 ? short_name(opener[1]) : std::string(), {}};
    for (std::size_t i = 2; i < opener.size(); ++i) {
      if (opener[i].starts_with("--id=")) {
        place.id = short_name(opener[i].substr(5));
      } else if ((opener[i] == "--id" ||
                  opener[i].find("menuentry_id_option") != std::string::npos) &&
                 i + 1 < opener.size()) {
        place.id = short_name(opener[++i]);
      }
    }
    return place;
  }

  void run(const std::vector<std::string>& command) {
    BootEntry& scope = m_blocks.back().kind == BlockKind::entry ? m_menu.entries.back() : m_global;
    const std::string& name = command.front();
    if (name == "set" && command.size() > 1) {
      set(scope, command[1]);
    } else if (name == "search" || name.starts_with("search.")) {
      search(scope, command);
    } else if (name == "linux" || name == "linux16" || name == "linuxefi") {
      kernel(scope, command);
    } else if (name == "initrd" || name == "initrd16" || name == "initrdefi") {
      for (std::size_t i = 1; i < command.size(); ++i) {
        scope.initrds.push_back(split_grub_path(command[i]).path);
      }
    } else if (name == "multiboot" || name == "multiboot2") {
      scope.xen_host = true;
    } else if (name == "module" || name == "module2") {
      module(scope, command);
    } else if (name == "blscfg") {
      m_menu.loader_spec = true;
    } else {
      include(command);
    }
  }

  void set(BootEntry& scope, const std::string& assignment) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos) {
      return;
    }
    const std::string name = assignment.substr(0, equals);
    const std::string value = assignment.substr(equals + 1);
    const bool variable = value.find('$') != std::string::npos;
    if (name == "root" && !variable) {
      scope.device = short_name(value.starts_with('(') ? value : "(" + value + ")");
      scope.search_uuid.clear();
      scope.search_label.clear();
    } else if (name == "default" && !variable) {
      m_default = value;
    } else if (name == "default" && value.find("saved_entry") != std::string::npos) {
      m_default_is_saved = true;
    }
  }

  static void search(BootEntry& scope, const std::vector<std::string>& command) {
    bool by_uuid = command.front() == "search.fs_uuid";
    bool by_label = command.front() == "search.fs_label";
    std::string wanted;
    for (std::size_t i = 1; i < command.size(); ++i) {
      const std::string& word = command[i];
      by_uuid = by_uuid || word == "--fs-uuid" || word == "-u";
      by_label = by_label || word == "--label" || word == "-l" || word == "--fs-label";
      if (word.starts_with("--set=") && word != "--set=root") {
        return;
      }
      // `--set root X` and the dotted forms name the variable in a word of its own.
      if (!word.starts_with('-') && word != "root" && wanted.empty()) {
        wanted = word;
      }
    }
    if (wanted.find('$') != std::string::npos || !(by_uuid || by_label)) {
      return;
    }
    (by_uuid ? scope.search_uuid : scope.search_label) = short_name(wanted);
    (by_uuid ? scope.search_label : scope.search_uuid).clear();
  }

  static void kernel(BootEntry& scope, const std::vector<std::string>& command) {
    if (command.size() < 2) {
      return;
    }
    const GrubPath path = split_grub_path(command[1]);
    scope.kernel = path.path;
    if (!path.device.empty()) {
      scope.device = short_name(path.device);
      scope.search_uuid.clear();
      scope.search_label.clear();
    }
    scope.arguments = join({command.begin() + 2, command.end()}, " ");
  }

  // Modules of Xen's kernel: Linux first (with "placeholder" for its own name), then its initrd.
  static void module(BootEntry& scope, const std::vector<std::string>& command) {
    std::vector<std::string> rest(command.begin() + 1, command.end());
    std::erase(rest, "--nounzip");
    std::erase(rest, "placeholder");
    if (rest.empty()) {
      return;
    }
    if (scope.kernel.empty()) {
      rest.insert(rest.begin(), "linux");
      kernel(scope, rest);
    } else {
      scope.initrds.push_back(split_grub_path(rest.front()).path);
    }
  }

  void include(const std::vector<std::string>& command) {
    constexpr std::array<std::string_view, 5> k_loaders = {"configfile", "source", ".",
                                                           "legacy_configfile", "legacy_source"};
    constexpr std::size_t k_most_includes = 32;
    if (command.size() < 2 || m_blocks.size() > 1 || m_menu.includes.size() == k_most_includes ||
        std::find(k_loaders.begin(), k_loaders.end(), command[0]) == k_loaders.end()) {
      return;
    }
    m_menu.includes.push_back({split_grub_path(command[1]).path, command[0].starts_with("legacy")});
  }

  [[nodiscard]] std::size_t find_default(const std::string& wanted) const {
    const std::vector<std::string> parts = split(wanted, '>');
    for (std::size_t i = 0; i < m_paths.size(); ++i) {
      const std::size_t depth = std::min(parts.size(), m_paths[i].size());
      bool matches = parts.size() <= m_paths[i].size();
      for (std::size_t part = 0; matches && part < depth; ++part) {
        matches = m_paths[i][part].is_called(parts[part]);
      }
      if (matches) {
        return i;
      }
    }
    // A saved entry may be named by its own id alone, wherever it stands.
    for (std::size_t i = 0; i < m_paths.size(); ++i) {
      if (!wanted.empty() && m_paths[i].back().id == wanted) {
        return i;
      }
    }
    return 0;
  }

  BootMenu m_menu;
  BootEntry m_global;
  std::vector<Block> m_blocks = {{}};  // the first is the script itself
  std::vector<Place> m_path;
  std::vector<std::vector<Place>> m_paths;  // of each entry
  std::vector<std::string> m_pending;       // what the next "{" opens
  std::string m_default;
  bool m_default_is_saved = false;
};

}  // namespace

BootMenu read_grub2_menu(std::string_view text, std::string_view saved_entry) {
  return Grub2Reader().read(text, saved_entry);
}

}  // namespace vmconvert::guest
