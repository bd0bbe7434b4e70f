#include "cli/settings.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "cli/paths.hpp"

namespace vmconvert::cli {
namespace {

constexpr const char* k_file = "/etc/vmconvert/vmconvert.toml";
constexpr std::uint64_t k_limit = 1U << 20U;

struct Bad {  // what is wrong with a value; the reader adds file and line
  std::string what;
  std::string remedy;
};

struct Setting {
  const char* key;
  const char* help;
  const char* also;  // the option and the variable that say the same
  std::string (*show)(const Options& options);
  void (*set)(Options& options, const toml::node& value);
};

std::string text_of(const toml::node& value) {
  const auto text = value.value_exact<std::string>();
  if (!text || printable(*text) != *text || text->find_first_of("\n\t") != std::string::npos) {
    throw Bad{"is no plain text", "write it in quotes, on one line"};
  }
  return *text;
}

std::string path_of(const toml::node& value) {
  std::string text = text_of(value);
  if (!text.empty() && text.front() != '/') {
    throw Bad{"is no absolute path", "begin it with /"};
  }
  return text;
}

std::string choice_of(const toml::node& value, const std::vector<std::string>& choices) {
  std::string text = text_of(value);
  if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
    throw Bad{fmt::format("cannot be \"{}\"", text), "write one of: " + join(choices, ", ")};
  }
  return text;
}

// "50M", or a number of bytes.
std::uint64_t size_of(const toml::node& value) {
  if (const auto number = value.value_exact<std::int64_t>(); number && *number >= 0) {
    return static_cast<std::uint64_t>(*number);
  }
  std::string text = text_of(value);
  try {
    if (const std::string problem = CLI::AsSizeValue(false)(text); problem.empty()) {
      return std::stoull(text);
    }
  } catch (const std::exception&) {  // CLI11 and stoull say nothing that helps people
  }
  throw Bad{"is no size", "write a number of bytes, or \"50M\""};
}

std::string in_quotes(const std::string& text) {
  return "\"" + replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\"") + "\"";
}

std::string list_of(const std::vector<std::string>& items) {
  std::vector<std::string> parts;
  parts.reserve(items.size());
  for (const std::string& item : items) {
    parts.push_back(in_quotes(item));
  }
  return "[" + join(parts, ", ") + "]";
}

const std::vector<Setting>& setting_table() {
  static const std::vector<Setting> k_settings = {
      {"state_dir",
       "Folder of the journal, of overlays while a job runs, and of what is kept of jobs.",
       "--state-dir, VMCONVERT_STATE_DIR",
       [](const Options& o) {
         return in_quotes(o.state_dir.empty() ? default_state_dir().string() : o.state_dir);
       },
       [](Options& o, const toml::node& value) { o.state_dir = path_of(value); }},
      {"target",
       "libvirt connection that new domains are defined on. Empty: qemu:///system, or an embedded\n"
       "driver in the state folder where no daemon runs.",
       "--target", [](const Options& o) { return in_quotes(o.target); },
       [](Options& o, const toml::node& value) { o.target = text_of(value); }},
      {"checksum", "xxh3 finds corruption; sha256 also what somebody forged.", "--checksum",
       [](const Options& o) { return in_quotes(o.checksum); },
       [](Options& o, const toml::node& value) {
         o.checksum = choice_of(value, {"xxh3", "sha256"});
       }},
      {"rate_limit", "Bytes a second that a copy reads at most, as \"50M\"; 0: no limit.",
       "--rate-limit", [](const Options& o) { return std::to_string(o.rate_limit); },
       [](Options& o, const toml::node& value) { o.rate_limit = size_of(value); }},
      {"trial_limit", "Seconds that a trial may take; 0: 300, under emulation 600.",
       "--trial-limit", [](const Options& o) { return std::to_string(o.trial_limit); },
       [](Options& o, const toml::node& value) {
         const auto seconds = value.value_exact<std::int64_t>();
         if (!seconds || *seconds < 0 || *seconds > 86400) {
           throw Bad{"is no number from 0 to 86400", "write seconds, without quotes"};
         }
         o.trial_limit = static_cast<unsigned>(*seconds);
       }},
      {"template", "Stylesheet of the site that makes the domain XML; empty: ours.", "--template",
       [](const Options& o) { return in_quotes(o.stylesheet); },
       [](Options& o, const toml::node& value) { o.stylesheet = path_of(value); }},
      {"fixers",
       "Folders with fixers of the site. One with the name of ours replaces ours. They run with "
       "our\n"
       "rights: keep the folders to root.",
       "", [](const Options& o) { return list_of(o.fixers); },
       [](Options& o, const toml::node& value) {
         const toml::array* list = value.as_array();
         if (list == nullptr) {
           throw Bad{"is no list", "write [\"/folder\"]"};
         }
         std::vector<std::string> folders;
         for (const toml::node& folder : *list) {
           folders.push_back(path_of(folder));
         }
         o.fixers = std::move(folders);
       }},
      {"metrics",
       "File that this host's jobs are written to after each, in Prometheus' text format; empty: "
       "none.",
       "--metrics", [](const Options& o) { return in_quotes(o.metrics); },
       [](Options& o, const toml::node& value) { o.metrics = path_of(value); }},
      {"progress", "How progress is shown on standard error: auto, bar, json or none.",
       "--progress", [](const Options& o) { return in_quotes(o.progress); },
       [](Options& o, const toml::node& value) {
         o.progress = choice_of(value, {"auto", "bar", "json", "none"});
       }},
  };
  return k_settings;
}

std::string known_keys() {
  std::vector<std::string> keys;
  for (const Setting& setting : setting_table()) {
    keys.emplace_back(setting.key);
  }
  return join(keys, ", ");
}

void note_origin(Options& options, const Setting& setting, const std::string& from) {
  options.settings[setting.key] = {setting.show(options), from};
}

// As the options are now, after the command line.
SettingOrigin origin_of(const Options& options, const Setting& setting) {
  const std::string value = setting.show(options);
  const auto known = options.settings.find(setting.key);
  if (known != options.settings.end() && known->second.value == value) {
    return {value, known->second.from};
  }
  return {value, value == setting.show(Options()) ? "" : "command line"};
}

}  // namespace

void apply_settings_text(Options& options, std::string_view text, const std::string& path) {
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{}, line {}: {}", path, error.source().begin.line, error.description()),
        "mend the file; vmconvert config --example prints a good one");
  }
  for (const auto& [key, value] : table) {
    const auto& settings = setting_table();
    const auto setting = std::find_if(settings.begin(), settings.end(),
                                      [&k = key](const Setting& s) { return k.str() == s.key; });
    const std::string where = fmt::format("{}, line {}", path, key.source().begin.line);
    if (setting == settings.end()) {
      throw Error(ErrorKind::usage,
                  fmt::format("{}: there is no setting {}", where, printable(key.str())),
                  "the settings are: " + known_keys());
    }
    try {
      setting->set(options, value);
    } catch (const Bad& bad) {
      throw Error(ErrorKind::usage, fmt::format("{}: {} {}", where, setting->key, bad.what),
                  bad.remedy);
    }
    note_origin(options, *setting, where);
  }
}

void apply_settings(Options& options) {
  const char* chosen = std::getenv("VMCONVERT_CONFIG");
  const std::string path = chosen == nullptr ? k_file : chosen;
  if (!path.empty() && (chosen != nullptr || std::filesystem::exists(path))) {
    apply_settings_text(options, read_text_file(path, k_limit), path);
  }
  if (const char* folder = std::getenv("VMCONVERT_STATE_DIR"); folder != nullptr && *folder != 0) {
    options.state_dir = folder;
    note_origin(options, setting_table().front(), "VMCONVERT_STATE_DIR");
  }
}

bool from_settings(const Options& options, std::string_view key) {
  const auto& table = setting_table();
  const auto setting =
      std::find_if(table.begin(), table.end(), [&](const Setting& s) { return s.key == key; });
  const auto known = options.settings.find(std::string(key));
  return setting != table.end() && known != options.settings.end() &&
         known->second.value == setting->show(options);
}

std::string settings_to_text(const Options& options) {
  std::string text;
  for (const Setting& setting : setting_table()) {
    const SettingOrigin origin = origin_of(options, setting);
    text += fmt::format("{:<12} = {:<34} # {}\n", setting.key, printable(origin.value),
                        origin.from.empty() ? "default" : origin.from);
  }
  return text;
}

std::string settings_to_json(const Options& options) {
  nlohmann::ordered_json json = {{"version", 1}, {"settings", nlohmann::ordered_json::array()}};
  for (const Setting& setting : setting_table()) {
    const SettingOrigin origin = origin_of(options, setting);
    json["settings"].push_back({{"key", setting.key},
                                {"value", origin.value},
                                {"from", origin.from.empty() ? "default" : origin.from}});
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string example_settings() {
  std::string text =
      "# Settings of vmconvert for this host: see vmconvert-config(1). Every line shows a "
      "default;\n"
      "# take the # away to change one. Options of a command line go before this file.\n"
      "# What holds, and where it came from: vmconvert config\n";
  for (const Setting& setting : setting_table()) {
    text += "\n";
    for (const std::string& line : lines(setting.help)) {
      text += "# " + line + "\n";
    }
    // As it is for root, whoever builds this file.
    const std::string value = std::string_view(setting.key) == "state_dir"
                                  ? in_quotes("/var/lib/vmconvert")
                                  : setting.show(Options());
    text += fmt::format("# Default: {}.{}\n#{} = {}\n", value,
                        *setting.also == 0 ? "" : fmt::format(" Also: {}", setting.also),
                        setting.key, value);
  }
  return text;
}

}  // namespace vmconvert::cli
