// The host name, where the system takes it from, and where it says it again.
#include "readdress.hpp"

namespace vmconvert::fixer::readdress {

namespace {

struct Names {
  std::string old_short, new_short, new_full;

  // web -> web2, web.example.org -> web2.example.org, or the new name's own
  // domain.
  [[nodiscard]] std::optional<std::string> renamed(std::string_view name) const {
    if (lower(name) == old_short) {
      return new_short;
    }
    if (lower(name).starts_with(old_short + ".")) {
      return new_full.find('.') != std::string::npos
                 ? new_full
                 : new_short + std::string(name.substr(old_short.size()));
    }
    return std::nullopt;
  }
};

std::string first_word(Host& guest, const std::string& path) {
  for (const Line& line : lines_of(guest.read_if_there(path).value_or(""))) {
    const auto words = active_words(line.text);
    if (!words.empty()) {
      return std::string(words[0]);
    }
  }
  return {};
}

std::string old_name(Host& guest) {
  for (const char* path : {"/etc/hostname", "/etc/HOSTNAME"}) {
    if (const std::string name = first_word(guest, path); !name.empty()) {
      return name;
    }
  }
  for (const auto& [path, key] : {std::pair{"/etc/sysconfig/network", "HOSTNAME"},
                                  std::pair{"/etc/conf.d/hostname", "hostname"}}) {
    for (const Line& line : lines_of(guest.read_if_there(path).value_or(""))) {
      if (const auto value = value_of(line.text, key)) {
        return std::string(unquoted(*value));
      }
    }
  }
  return {};
}

void set_value(Host& guest, const std::string& path, const char* key, const Names& names) {
  edit_lines(guest, path, [&](std::string_view line) -> std::optional<std::string> {
    const auto value = value_of(line, key);
    const auto now = value ? names.renamed(unquoted(*value)) : std::nullopt;
    return now ? std::optional(with_part(line, unquoted(*value), *now)) : std::nullopt;
  });
}

void set_words(Host& guest, const std::string& path, const Names& names, std::size_t first) {
  edit_lines(guest, path, [&](std::string_view line) -> std::optional<std::string> {
    const auto words = active_words(line);
    std::string now;
    std::size_t done = 0;  // of the line, so far
    for (std::size_t i = first; i < words.size() && !words[i].starts_with('#'); ++i) {
      if (const auto name = names.renamed(words[i])) {
        const auto at = static_cast<std::size_t>(words[i].data() - line.data());
        now += std::string(line.substr(done, at - done)) + *name;
        done = at + words[i].size();
      }
    }
    return done == 0 ? std::nullopt : std::optional(now + std::string(line.substr(done)));
  });
}

}  // namespace

void set_host_name(Host& guest, const std::string& name) {
  const std::string old = lower(old_name(guest));
  const Names names{old.substr(0, old.find('.')), name.substr(0, name.find('.')), name};
  if (names.old_short.empty()) {
    guest.update("/etc/hostname", names.new_short + "\n");
    return;
  }
  // The name may not become itself again: the second run finds the new one.
  if (names.old_short == lower(names.new_short) &&
      (old == lower(name) || name == names.new_short)) {
    return;
  }
  for (const char* path : {"/etc/hostname", "/etc/HOSTNAME", "/etc/mailname"}) {
    set_words(guest, path, names, 0);
  }
  set_words(guest, "/etc/hosts", names, 1);
  set_value(guest, "/etc/sysconfig/network", "HOSTNAME", names);
  set_value(guest, "/etc/conf.d/hostname", "hostname", names);
  set_value(guest, "/etc/postfix/main.cf", "myhostname", names);
  if (names.old_short.size() >= 7 && names.old_short != "localhost") {
    guest.watch_finding("address-left", VMCONVERT_INFORMS, names.old_short,
                        "the old host name " + names.old_short + " still stands in",
                        "Look at each: it is not edited, for it may mean the original.");
  }
}

}  // namespace vmconvert::fixer::readdress
