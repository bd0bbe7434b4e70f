#include "cli/blueprint_options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "base/error.hpp"

namespace vmconvert::cli {
namespace {

using batch::Setting;
using batch::Texts;

// As it would stand on the command line; nothing for what no option can say.
std::optional<Texts> words_of(const Setting& setting) {
  if (const auto* text = std::get_if<std::string>(&setting.value)) {
    return Texts{*text};
  }
  if (const auto* number = std::get_if<std::uint64_t>(&setting.value)) {
    return Texts{fmt::format("{}", *number)};
  }
  if (const auto* flag = std::get_if<bool>(&setting.value)) {
    return Texts{*flag ? "true" : "false"};
  }
  if (const auto* texts = std::get_if<Texts>(&setting.value)) {
    return *texts;
  }
  if (const auto* map = std::get_if<batch::TextMap>(&setting.value)) {
    Texts pairs;
    for (const auto& [from, to] : *map) {
      pairs.push_back(from + "=" + to);
    }
    return pairs;
  }
  return std::nullopt;
}

// Most are called alike.
std::string option_of(const std::string& key) {
  static const batch::TextMap k_others = {{"define", "--no-define"},
                                          {"network.addresses", "--address"},
                                          {"network.gateway", "--gateway"},
                                          {"network.dns", "--dns"}};
  const auto other = k_others.find(key);
  std::string word = "--" + key;
  std::replace(word.begin(), word.end(), '_', '-');
  return other == k_others.end() ? word : other->second;
}

bool is_place(const std::string& key) {
  return key == "dir" || key == "vg" || key == "thin_pool" || key == "pool";
}

// One place for the disks on the command line is the whole answer, not a part of it.
bool place_given(const CLI::App& command) {
  for (const char* name : {"--dir", "--vg", "--pool"}) {
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option != nullptr && option->count() > 0) {
      return true;
    }
  }
  return false;
}

void lay_one(CLI::App& command, const std::string& key, Texts words) {
  if (key == "define") {
    words = {words.front() == "true" ? "false" : "true"};
  }
  CLI::Option* const option = command.get_option_no_throw(option_of(key));
  if (option == nullptr || option->count() > 0) {
    return;  // not this command's, or the command line said it
  }
  for (const std::string& text : words) {
    option->add_result(text);
  }
  if (!words.empty()) {
    option->run_callback();
  }
}

// The command line may want another hypervisor than the blueprint, and some commands make no
// domain.
void check_xen_type(const CLI::App& command, const batch::GuestBlueprint& guest,
                    const std::filesystem::path& file, Options& options) {
  if (options.adjustments.xen_type == model::XenType::keep) {
    return;
  }
  if (command.get_option_no_throw("--to") == nullptr) {
    options.adjustments.xen_type = model::XenType::keep;
  } else if (options.to != "xen") {
    throw Error(ErrorKind::usage,
                fmt::format("{}:{}: \"type\" is a kind of Xen guest, and --to {} asks for another",
                            file.string(), guest.settings.at("type").line, options.to),
                "leave --to or \"type\" out");
  }
}

}  // namespace

void lay_under(CLI::App& command, const batch::GuestBlueprint& guest,
               const std::filesystem::path& file, Options& options) {
  const bool place = place_given(command);
  for (const auto& [key, setting] : guest.settings) {
    if (key == "source" || (place && is_place(key))) {
      continue;
    }
    if (const auto words = words_of(setting)) {
      try {
        lay_one(command, key, *words);
      } catch (const CLI::Error& error) {
        throw Error(ErrorKind::usage,
                    fmt::format("{}:{}: {}", file.string(), setting.line, error.what()));
      }
    }
  }
  options.adjustments = guest.adjustments();
  check_xen_type(command, guest, file, options);
  options.hooks = guest.hooks;
  options.kernel_packages = guest.texts("kernel_packages");
}

void apply_blueprint(CLI::App& command, Options& options) {
  if (options.blueprint.empty()) {
    return;
  }
  const batch::BlueprintFile file = batch::read_blueprint(options.blueprint);
  batch::require_sound(file);
  const batch::GuestBlueprint guest = batch::pick_guest(file, options.source);
  options.source = guest.text("source", options.source);
  lay_under(command, guest, file.path, options);
}

}  // namespace vmconvert::cli
