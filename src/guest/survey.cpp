#include "guest/survey.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::uint64_t k_text_limit = 1U << 20U;
constexpr std::size_t k_most_references = 256;

// The word that starts at `at`, without quotes.
std::string word_at(std::string_view text, std::size_t at) {
  std::string_view rest = text.substr(std::min(at, text.size()));
  if (!rest.empty() && (rest[0] == '"' || rest[0] == '\'')) {
    rest.remove_prefix(1);
  }
  const std::size_t end = rest.find_first_of(" \t\n\r\"'");
  return printable(rest.substr(0, std::min(end, std::size_t{128})));
}

void add_reference(model::GuestSurvey& survey, const char* kind, std::string value) {
  const auto same = [&](const model::MenuReference& known) {
    return known.kind == kind && known.value == value;
  };
  if (!value.empty() && value.find('$') == std::string::npos &&
      survey.menu.size() < k_most_references &&
      std::none_of(survey.menu.begin(), survey.menu.end(), same)) {
    survey.menu.push_back({kind, std::move(value)});
  }
}

// "search --no-floppy --fs-uuid --set=root 1234": the first word that is no option.
std::string search_operand(const std::vector<std::string>& parts) {
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].starts_with("--hint") && parts[i].find('=') == std::string::npos) {
      ++i;  // "--hint hd0,msdos1"
    } else if (!parts[i].starts_with('-')) {
      return word_at(parts[i], 0);
    }
  }
  return {};
}

void read_menu_line(model::GuestSurvey& survey, const std::string& line) {
  const std::vector<std::string> parts = words(line);
  if (parts.empty() || parts[0].starts_with('#')) {
    return;
  }
  if (parts[0] == "search") {
    const auto has = [&](const char* option) {
      return std::find(parts.begin(), parts.end(), option) != parts.end();
    };
    if (has("--fs-uuid") || has("-u")) {
      add_reference(survey, "UUID", search_operand(parts));
    } else if (has("--label") || has("-l")) {
      add_reference(survey, "LABEL", search_operand(parts));
    }
    return;
  }
  for (const char* key : {"root=", "resume="}) {
    for (const char* kind : {"UUID", "LABEL"}) {
      const std::string start = std::string(key) + kind + "=";
      for (const std::string& part : parts) {
        if (part.starts_with(start)) {
          add_reference(survey, kind, word_at(part, start.size()));
        }
      }
    }
  }
}

}  // namespace

std::string survey_text(GuestRoot& guest, const std::string& path) {
  const FileStat found = guest.stat(path);
  if (found.kind != FileKind::file || found.size > k_text_limit) {
    return {};
  }
  try {
    return guest.read(path, k_text_limit);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_input && error.kind() != ErrorKind::not_found) {
      throw;
    }
    return {};
  }
}

void survey_boot(GuestRoot& guest, const std::string& menu, model::GuestSurvey& survey) {
  if (!menu.empty()) {
    for (const std::string& line : lines(survey_text(guest, menu))) {
      read_menu_line(survey, line);
    }
  }
  // On FAT, names have no case of their own: each letter is asked for in both.
  for (const char* mount : {"/boot/efi", "/efi", "/boot"}) {
    survey.uefi_fallback =
        survey.uefi_fallback ||
        !guest
             .glob(std::string(mount) +
                   "/[Ee][Ff][Ii]/[Bb][Oo][Oo][Tt]/[Bb][Oo][Oo][Tt]*.[Ee][Ff][Ii]")
             .empty();
  }
  for (const std::string& line : lines(survey_text(guest, "/etc/selinux/config"))) {
    survey.selinux_enforcing = survey.selinux_enforcing || trim(line) == "SELINUX=enforcing";
  }
}

void survey_tree(GuestRoot& guest, const model::GuestFacts& facts, model::GuestSurvey& survey) {
  survey_services(guest, survey);
  survey_network(guest, survey);
  survey_boot(guest, facts.menu, survey);
}

}  // namespace vmconvert::guest
