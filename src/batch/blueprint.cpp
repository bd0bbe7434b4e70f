#include "batch/blueprint.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t k_file_limit = 4U << 20U;
constexpr std::size_t k_shown_problems = 50;

template <class Value>
Value value_or(const Settings& settings, const std::string& key, Value fallback) {
  const auto found = settings.find(key);
  if (found == settings.end()) {
    return fallback;
  }
  const auto* value = std::get_if<Value>(&found->second.value);
  return value == nullptr ? fallback : *value;
}

}  // namespace

std::string GuestBlueprint::text(const std::string& key, const std::string& fallback) const {
  return value_or(settings, key, fallback);
}
std::uint64_t GuestBlueprint::number(const std::string& key, std::uint64_t fallback) const {
  return value_or(settings, key, fallback);
}
bool GuestBlueprint::flag(const std::string& key, bool fallback) const {
  return value_or(settings, key, fallback);
}
Texts GuestBlueprint::texts(const std::string& key) const {
  return value_or(settings, key, Texts{});
}
TextMap GuestBlueprint::map(const std::string& key) const {
  return value_or(settings, key, TextMap{});
}

Texts GuestBlueprint::changes() const {
  Texts texts;
  for (const auto& [from, to] : map("network.addresses")) {
    texts.push_back(from + "=" + to);
  }
  return texts;
}

std::string GuestBlueprint::label() const {
  const std::string source = text("source");
  const std::string own = text("connect").empty() ? fs::path(source).stem().string() : source;
  return text("name", own);
}

model::Adjustments GuestBlueprint::adjustments() const {
  model::Adjustments wanted;
  if (settings.contains("memory")) {
    wanted.memory = ByteCount{number("memory", 0)};
  }
  if (settings.contains("vcpus")) {
    wanted.vcpus = static_cast<unsigned>(number("vcpus", 1));
  }
  wanted.bridges = map("network.bridges");
  wanted.macs =
      text("network.mac", "keep") == "new" ? model::MacPolicy::fresh : model::MacPolicy::keep;
  wanted.xen_type = model::xen_type_from(text("type", "keep")).value_or(model::XenType::keep);
  return wanted;
}

std::string to_text(const Problem& problem) {
  return fmt::format("{}:{}: {}{}{}", printable(problem.file.string()), problem.line,
                     printable(problem.message), problem.hint.empty() ? "" : "; ",
                     printable(problem.hint));
}

BlueprintFile read_blueprint(const fs::path& path) {
  return parse_blueprint(read_text_file(path, k_file_limit), fs::absolute(path));
}

void require_sound(const BlueprintFile& file) {
  if (file.problems.empty()) {
    return;
  }
  std::string message =
      fmt::format("{} has {} mistake(s)", file.path.string(), file.problems.size());
  for (std::size_t i = 0; i < std::min(file.problems.size(), k_shown_problems); ++i) {
    message += "\n  " + to_text(file.problems[i]);
  }
  throw Error(ErrorKind::usage, message,
              "man 5 vmconvert-blueprint describes every key; vmconvert blueprint check FILE "
              "looks again");
}

GuestBlueprint pick_guest(const BlueprintFile& file, const std::string& source) {
  if (file.guests.empty()) {
    return file.defaults;
  }
  const std::string full = fs::absolute(source).lexically_normal().string();
  std::vector<const GuestBlueprint*> found;
  std::vector<std::string> names;
  for (const GuestBlueprint& guest : file.guests) {
    const std::string& own = guest.text("source");
    names.push_back(printable(guest.label()));
    if (guest.label() == source || own == source || own == full) {
      found.push_back(&guest);
    }
  }
  if (found.size() == 1) {
    return *found.front();
  }
  constexpr std::size_t k_most = 20;
  const std::string more = names.size() > k_most ? ", ..." : "";
  names.resize(std::min(names.size(), k_most));
  throw Error(ErrorKind::usage,
              fmt::format("{} has {} guest named {}", file.path.string(),
                          found.empty() ? "no" : "more than one", printable(source)),
              fmt::format("it has: {}{}", join(names, ", "), more));
}

}  // namespace vmconvert::batch
