// The one file that sees toml++: it takes seconds to compile.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>

#include "base/text.hpp"
#include "batch/blueprint.hpp"
#include "batch/blueprint_check.hpp"
#include "batch/blueprint_keys.hpp"
#include "batch/nearest.hpp"

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;

// Far above what a site has; what is larger is a mistake, or an attack.
constexpr std::size_t k_most_guests = 10000;
constexpr std::size_t k_longest_text = 4096;
constexpr std::size_t k_most_items = 256;
constexpr std::size_t k_most_hooks = 32;

const char* type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a number";
    case toml::node_type::floating_point: return "a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::array: return "a list";
    case toml::node_type::table: return "a table";
    default: return "a date or time";
  }
}

const char* type_name(KeyType type) {
  switch (type) {
    case KeyType::text: return "a text";
    case KeyType::path: return "a path, in quotes";
    case KeyType::flag: return "true or false";
    case KeyType::number: return "a whole number";
    case KeyType::size: return "a size (\"4 GiB\", \"512M\", or bytes)";
    case KeyType::choice: return "one of its words, in quotes";
    case KeyType::texts: return "a list of texts";
    case KeyType::paths: return "a list of paths";
    case KeyType::map: return "a table of texts";
    case KeyType::argv: return "a list of texts: the program and its arguments";
  }
  return "?";
}

unsigned line_of(const toml::node& node) {
  return node.source().begin.line;
}

class Reader {
 public:
  explicit Reader(BlueprintFile& file) : m_file(file) {}

  void read(const toml::table& root);

 private:
  void problem(unsigned line, std::string message, std::string hint = {});
  void read_table(const toml::table& table, KeyScope scope, const std::string& prefix,
                  Settings& settings, std::vector<model::Hook>* hooks);
  void unknown(const std::string& name, unsigned line, KeyScope scope, const std::string& prefix);
  void read_value(const KeyEntry& key, const std::string& shown, unsigned line,
                  const toml::node& node, Settings& settings);
  std::optional<std::string> read_text(const std::string& shown, const toml::node& node);
  std::optional<Texts> read_texts(const std::string& shown, const toml::array& list);
  [[nodiscard]] std::string path_from_here(const std::string& text) const {
    return (m_file.path.parent_path() / text).lexically_normal().string();
  }
  std::optional<TextMap> read_map(const std::string& shown, const toml::table& table);
  bool check_number(const KeyEntry& key, const std::string& shown, unsigned line,
                    std::uint64_t number);
  void read_hooks(const toml::node& node, std::vector<model::Hook>& hooks);
  void read_guests(const toml::node& node);

  BlueprintFile& m_file;
};

void Reader::problem(unsigned line, std::string message, std::string hint) {
  add_problem(m_file, line, std::move(message), std::move(hint));
}

void Reader::unknown(const std::string& name, unsigned line, KeyScope scope,
                     const std::string& prefix) {
  std::vector<std::string> known;
  for (const KeyEntry& key : blueprint_keys()) {
    if (find_key(key.name, scope) == &key && key.name.starts_with(prefix)) {
      const std::string rest = key.name.substr(prefix.size());
      known.push_back(rest.substr(0, rest.find('.')));
    }
  }
  const std::string meant = nearest(name, known);
  std::string hint = meant.empty() ? "" : fmt::format("is \"{}\" meant?", meant);
  if (meant.empty() && scope == KeyScope::defaults && find_key(prefix + name, KeyScope::guest)) {
    hint = "it belongs to one [[guest]]";
  }
  problem(line, fmt::format("there is no key \"{}{}\" here", prefix, name), hint);
}

void Reader::read_table(const toml::table& table, KeyScope scope, const std::string& prefix,
                        Settings& settings, std::vector<model::Hook>* hooks) {
  for (const auto& [toml_key, node] : table) {
    const std::string name(toml_key.str());
    const unsigned line = toml_key.source().begin.line;
    if (prefix.empty() && scope != KeyScope::batch && name == "network") {
      if (const toml::table* inner = node.as_table()) {
        read_table(*inner, scope, "network.", settings, nullptr);
      } else {
        problem(line, fmt::format("\"network\" is {}, it has to be a table", type_name(node)),
                "write [guest.network] and its keys below");
      }
    } else if (prefix.empty() && hooks != nullptr && name == "hook") {
      read_hooks(node, *hooks);
    } else if (const KeyEntry* key = find_key(prefix + name, scope);
               key != nullptr && name.find('.') == std::string::npos) {
      read_value(*key, prefix + name, line, node, settings);
    } else {
      unknown(name, line, scope, prefix);
    }
  }
}

std::optional<std::string> Reader::read_text(const std::string& shown, const toml::node& node) {
  const auto text = node.value<std::string>();
  const unsigned line = line_of(node);
  if (!node.is_string() || !text) {
    problem(line, fmt::format("\"{}\" has {} where a text is needed", shown, type_name(node)),
            "put it into quotes");
    return std::nullopt;
  }
  const bool control = std::any_of(text->begin(), text->end(), [](char c) {
    return std::iscntrl(static_cast<unsigned char>(c)) != 0;
  });
  if (text->size() > k_longest_text || control) {
    problem(line, control ? fmt::format("\"{}\" holds a control character", shown)
                          : fmt::format("\"{}\" has {} bytes, {} are allowed", shown, text->size(),
                                        k_longest_text));
    return std::nullopt;
  }
  return text;
}

std::optional<Texts> Reader::read_texts(const std::string& shown, const toml::array& list) {
  if (list.size() > k_most_items) {
    problem(line_of(list),
            fmt::format("\"{}\" has {} entries, {} are allowed", shown, list.size(), k_most_items));
    return std::nullopt;
  }
  Texts texts;
  for (const toml::node& entry : list) {
    if (auto text = read_text(shown, entry)) {
      texts.push_back(*std::move(text));
    }
  }
  return texts.size() == list.size() ? std::optional(texts) : std::nullopt;
}

std::optional<TextMap> Reader::read_map(const std::string& shown, const toml::table& table) {
  if (table.size() > k_most_items) {
    problem(line_of(table), fmt::format("\"{}\" has {} entries, {} are allowed", shown,
                                        table.size(), k_most_items));
    return std::nullopt;
  }
  TextMap map;
  for (const auto& [key, node] : table) {
    if (auto text = read_text(shown, node)) {
      map.emplace(key.str(), *std::move(text));
    }
  }
  return map.size() == table.size() ? std::optional(map) : std::nullopt;
}

bool Reader::check_number(const KeyEntry& key, const std::string& shown, unsigned line,
                          std::uint64_t number) {
  if (number >= key.least && number <= key.most) {
    return true;
  }
  const auto text = [&key](std::uint64_t value) {
    return key.type == KeyType::size ? vmconvert::to_text(ByteCount{value})
                                     : fmt::format("{}", value);
  };
  problem(line, fmt::format("\"{}\" is {}: out of range", shown, text(number)),
          fmt::format("it may be {} to {}", text(key.least), text(key.most)));
  return false;
}

void Reader::read_value(const KeyEntry& key, const std::string& shown, unsigned line,
                        const toml::node& node, Settings& settings) {
  const auto wrong_type = [&] {
    problem(
        line,
        fmt::format("\"{}\" is {}, it has to be {}", shown, type_name(node), type_name(key.type)),
        fmt::format("for example: {} = {}", shown, key.example));
  };
  const auto put = [&](auto value) { settings[key.name] = Setting{std::move(value), line}; };
  switch (key.type) {
    case KeyType::flag: node.is_boolean() ? put(*node.value<bool>()) : wrong_type(); return;
    case KeyType::number:
    case KeyType::size: {
      std::optional<std::uint64_t> number;
      if (const auto* integer = node.as_integer(); integer != nullptr && integer->get() >= 0) {
        number = static_cast<std::uint64_t>(integer->get());
      } else if (key.type == KeyType::size && node.is_string()) {
        number = parse_size(*node.value<std::string>());
      } else if (integer != nullptr) {
        problem(line, fmt::format("\"{}\" is {}: it cannot be below 0", shown, integer->get()));
        return;
      }
      if (!number) {
        wrong_type();
      } else if (check_number(key, shown, line, *number)) {
        put(*number);
      }
      return;
    }
    case KeyType::texts:
    case KeyType::paths:
    case KeyType::argv:
      if (const toml::array* list = node.as_array()) {
        if (auto texts = read_texts(shown, *list)) {
          if (key.type == KeyType::paths) {
            std::transform(texts->begin(), texts->end(), texts->begin(),
                           [&](const std::string& text) { return path_from_here(text); });
          }
          put(*std::move(texts));
        }
      } else {
        wrong_type();
      }
      return;
    case KeyType::map:
      if (const toml::table* table = node.as_table()) {
        if (auto map = read_map(shown, *table)) {
          put(*std::move(map));
        }
      } else {
        wrong_type();
      }
      return;
    case KeyType::text:
    case KeyType::path:
    case KeyType::choice: break;
  }
  if (!node.is_string()) {
    wrong_type();
    return;
  }
  auto text = read_text(shown, node);
  if (!text) {
    return;
  }
  if (text->empty()) {
    problem(line, fmt::format("\"{}\" is empty", shown), "leave the key out instead");
    return;
  }
  if (key.type == KeyType::choice &&
      std::find(key.choices.begin(), key.choices.end(), *text) == key.choices.end()) {
    const std::string meant = nearest(*text, key.choices);
    problem(line, fmt::format("\"{}\" cannot be \"{}\"", shown, *text),
            fmt::format("it is one of: {}{}", join(key.choices, ", "),
                        meant.empty() ? "" : fmt::format("; is \"{}\" meant?", meant)));
    return;
  }
  if (key.type == KeyType::path) {
    text = path_from_here(*text);
  }
  put(*std::move(text));
}

void Reader::read_hooks(const toml::node& node, std::vector<model::Hook>& hooks) {
  const toml::array* list = node.as_array();
  if (list == nullptr || !list->is_array_of_tables()) {
    problem(line_of(node), "\"hook\" has to be a list of tables",
            "write [[guest.hook]] and its keys below, once for each hook");
    return;
  }
  if (list->size() > k_most_hooks) {
    problem(line_of(node), fmt::format("{} hooks, {} are allowed", list->size(), k_most_hooks));
    return;
  }
  for (const toml::node& entry : *list) {
    GuestBlueprint read;
    read_table(*entry.as_table(), KeyScope::guest, "hook.", read.settings, nullptr);
    model::Hook hook;
    hook.argv = read.texts("hook.run");
    hook.when = model::hook_point_from(read.text("hook.when")).value_or(model::HookPoint::end);
    hook.limit_seconds = static_cast<unsigned>(read.number("hook.limit", hook.limit_seconds));
    hook.on_failure = read.text("hook.on_failure", "stop") == "stop" ? model::HookFailure::stop
                                                                     : model::HookFailure::go_on;
    for (const char* needed : {"hook.when", "hook.run"}) {
      if (!read.settings.contains(needed) && !entry.as_table()->contains(needed + 5)) {
        problem(line_of(entry), fmt::format("a hook needs \"{}\"", needed + 5));
      }
    }
    if (read.settings.contains("hook.run") &&
        (hook.argv.empty() || !hook.argv.front().starts_with('/'))) {
      problem(read.settings["hook.run"].line, "\"hook.run\" does not begin with a full path",
              "name the program as /usr/local/bin/NAME");
    }
    hooks.push_back(std::move(hook));
  }
}

void Reader::read_guests(const toml::node& node) {
  const toml::array* list = node.as_array();
  if (list == nullptr || !list->is_array_of_tables()) {
    problem(line_of(node), "\"guest\" has to be a list of tables",
            "write [[guest]], with two brackets, once for each guest");
    return;
  }
  if (list->size() > k_most_guests) {
    problem(line_of(node),
            fmt::format("{} guests, {} are allowed in a file", list->size(), k_most_guests));
    return;
  }
  for (const toml::node& entry : *list) {
    GuestBlueprint own;
    read_table(*entry.as_table(), KeyScope::guest, "", own.settings, &own.hooks);
    GuestBlueprint guest = m_file.defaults;
    guest.line = line_of(entry);
    for (auto& [name, setting] : own.settings) {
      // A place for the disks replaces another kind of place from the defaults.
      if (name == "dir" || name == "vg" || name == "pool") {
        for (const char* other : {"dir", "vg", "thin_pool", "pool"}) {
          guest.settings.erase(other);
        }
      }
    }
    for (auto& [name, setting] : own.settings) {
      guest.settings[name] = std::move(setting);
    }
    if (!own.hooks.empty()) {
      guest.hooks = std::move(own.hooks);
    }
    if (!guest.settings.contains("source")) {
      if (!entry.as_table()->contains("source")) {
        problem(guest.line, "the guest has no \"source\"",
                "name its XML file, its xl configuration, or with connect its domain");
      }
    } else if (guest.text("connect").empty()) {
      Setting& source = guest.settings["source"];
      source.value =
          (m_file.path.parent_path() / std::get<std::string>(source.value)).lexically_normal();
    }
    m_file.guests.push_back(std::move(guest));
  }
}

void Reader::read(const toml::table& root) {
  static const Texts k_tables = {"batch", "defaults", "guest"};
  // The defaults first: guests are laid over them.
  for (const std::string& name : k_tables) {
    const toml::node* node = root.get(name);
    if (node == nullptr) {
      continue;
    }
    if (name == "guest") {
      read_guests(*node);
      continue;
    }
    GuestBlueprint& part = name == "batch" ? m_file.batch : m_file.defaults;
    part.line = line_of(*node);
    if (const toml::table* table = node->as_table()) {
      read_table(*table, name == "batch" ? KeyScope::batch : KeyScope::defaults, "", part.settings,
                 name == "batch" ? nullptr : &part.hooks);
    } else {
      problem(part.line, fmt::format("\"{0}\" has to be a table: [{0}]", name));
    }
  }
  for (const auto& [key, node] : root) {
    const std::string name(key.str());
    if (std::find(k_tables.begin(), k_tables.end(), name) == k_tables.end()) {
      const bool belongs = find_key(name, KeyScope::guest) != nullptr;
      const std::string meant = nearest(name, k_tables);
      problem(key.source().begin.line, fmt::format("there is no table or key \"{}\" here", name),
              belongs         ? "it belongs below [[guest]] or [defaults]"
              : meant.empty() ? "the tables are [batch], [defaults] and [[guest]]"
                              : fmt::format("is \"{}\" meant?", meant));
    }
  }
  check_sense(m_file);
  std::stable_sort(m_file.problems.begin(), m_file.problems.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  m_file.problems.erase(std::unique(m_file.problems.begin(), m_file.problems.end()),
                        m_file.problems.end());
}

}  // namespace

BlueprintFile parse_blueprint(std::string_view text, const fs::path& path) {
  BlueprintFile file;
  file.path = path;
  try {
    const toml::table root = toml::parse(text, path.string());
    Reader(file).read(root);
  } catch (const toml::parse_error& error) {
    file.problems.push_back(
        {path, error.source().begin.line, fmt::format("not TOML: {}", error.description()), ""});
  }
  return file;
}

}  // namespace vmconvert::batch
