#include "guest/fstab.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_most_entries = 4096;

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// "\040" is a blank, as getmntent reads it.
std::string undo_escapes(std::string_view word) {
  std::string text;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\' && i + 3 < word.size() && is_octal(word[i + 1]) && is_octal(word[i + 2]) &&
        is_octal(word[i + 3])) {
      text += static_cast<char>((word[i + 1] - '0') * 64 + (word[i + 2] - '0') * 8 +
                                (word[i + 3] - '0'));
      i += 3;
    } else {
      text += word[i];
    }
  }
  return text;
}

// UUID="..." is as good as UUID=...
std::string without_quotes(std::string text) {
  std::erase(text, '"');
  return text;
}

}  // namespace

bool FstabEntry::has_option(std::string_view option) const {
  return std::find(options.begin(), options.end(), option) != options.end();
}

std::string FstabEntry::option_value(std::string_view name) const {
  for (const std::string& option : options) {
    if (option.size() > name.size() && option.starts_with(name) && option[name.size()] == '=') {
      return option.substr(name.size() + 1);
    }
  }
  return {};
}

bool FstabEntry::is_local_device() const {
  if (has_option("bind") || has_option("rbind") || has_option("loop") || has_option("_netdev")) {
    return false;
  }
  const bool tagged = device.starts_with("UUID=") || device.starts_with("LABEL=") ||
                      device.starts_with("PARTUUID=") || device.starts_with("PARTLABEL=");
  return tagged || device.starts_with("/dev/");
}

std::vector<FstabEntry> read_fstab(std::string_view text) {
  std::vector<FstabEntry> entries;
  unsigned number = 0;
  for (const std::string& line : lines(text)) {
    ++number;
    const std::vector<std::string> fields = words(line);
    if (fields.size() < 3 || fields[0].starts_with('#')) {
      continue;
    }
    if (entries.size() == k_most_entries) {
      break;
    }
    FstabEntry entry;
    entry.device = without_quotes(undo_escapes(fields[0]));
    entry.mountpoint = undo_escapes(fields[1]);
    entry.type = fields[2];
    entry.options = fields.size() > 3 ? split(fields[3], ',') : std::vector<std::string>{};
    entry.line = number;
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace vmconvert::guest
