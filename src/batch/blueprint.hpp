// Blueprints: an operator's wishes for guests, in TOML. See vmconvert-blueprint(5).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/adjustments.hpp"

namespace vmconvert::batch {

using Texts = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

// A value that passed its key's checks. Sizes are numbers of bytes, paths are absolute.
struct Setting {
  std::variant<std::string, bool, std::uint64_t, Texts, TextMap> value;
  unsigned line = 0;
};
using Settings = std::map<std::string, Setting>;  // by the key's name

struct GuestBlueprint {
  Settings settings;  // defaults and the guest's own, which win
  std::vector<model::Hook> hooks;
  unsigned line = 0;  // where it begins

  [[nodiscard]] std::string text(const std::string& key, const std::string& fallback = {}) const;
  [[nodiscard]] std::uint64_t number(const std::string& key, std::uint64_t fallback) const;
  [[nodiscard]] bool flag(const std::string& key, bool fallback) const;
  [[nodiscard]] Texts texts(const std::string& key) const;
  [[nodiscard]] TextMap map(const std::string& key) const;
  // What it is called in lists and summaries: its name, else the source's.
  [[nodiscard]] std::string label() const;
  [[nodiscard]] model::Adjustments adjustments() const;
  // network.addresses, as --address takes them: OLD=NEW[/PREFIX].
  [[nodiscard]] Texts changes() const;
};

// A mistake, where it is, and what was meant.
struct Problem {
  std::filesystem::path file;
  unsigned line = 0;
  std::string message;
  std::string hint;  // may be empty

  bool operator==(const Problem&) const = default;
};
std::string to_text(const Problem& problem);  // "web.toml:3: there is no key \"memroy\"; memory?"

struct BlueprintFile {
  std::filesystem::path path;
  GuestBlueprint batch;     // of [batch]; only its settings
  GuestBlueprint defaults;  // of [defaults]
  std::vector<GuestBlueprint> guests;
  std::vector<Problem> problems;  // in the order of lines; with any, the rest is not to be used
};

// Reads the file and finds every mistake. Error(not_found), Error(io), and Error(bad_input) for a
// file that is larger than any blueprint.
BlueprintFile read_blueprint(const std::filesystem::path& path);
BlueprintFile parse_blueprint(std::string_view text, const std::filesystem::path& path);

// Error(usage) that names every problem of the file; nothing if there is none.
void require_sound(const BlueprintFile& file);

// The guest of the file that SOURCE names, by its name or its source; the defaults where the file
// names no guest. Error(usage) if it has others only, or several of that name.
GuestBlueprint pick_guest(const BlueprintFile& file, const std::string& source);

}  // namespace vmconvert::batch
