// GRUB legacy's menu.lst, read by pygrub too: corrected in place, so that its readers and the tools
// that rewrite it (Debian's update-grub from its magic comments, grubby from the newest entry) go
// on with arguments that boot.
#include <vmconvert/fixer_boot.hpp>

#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

struct Stanza {
  bool initrd = false;
  bool linux = false;  // has an initrd or a root=: memtest and chain loaders have neither
};

std::vector<Stanza> stanzas_of(const std::vector<Line>& lines) {
  std::vector<Stanza> stanzas;
  for (const Line& line : lines) {
    const auto words = active_words(line.text);
    if (words.empty()) {
      continue;
    }
    if (words[0] == "title") {
      stanzas.emplace_back();
    } else if (!stanzas.empty()) {
      Stanza& stanza = stanzas.back();
      const bool module_initrd = words[0] == "module" && words.size() == 2;
      stanza.initrd |= words[0] == "initrd" || module_initrd;
      stanza.linux |= stanza.initrd || line.text.find("root=") != std::string::npos;
    }
  }
  return stanzas;
}

// "# kopt=root=/dev/xvda1 ro": what Debian's update-grub gives to each kernel; also kopt_2_6.
std::optional<std::string> corrected_magic(std::string_view line, Arguments& arguments) {
  if (!line.starts_with("# kopt") && !line.starts_with("# defoptions=") &&
      !line.starts_with("# xenkopt=")) {
    return std::nullopt;
  }
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) {
    return std::nullopt;
  }
  Occasion occasion;
  occasion.importance = Importance::vital;
  occasion.console = line.starts_with("# kopt") ? Console::add_if_none : Console::leave;
  return std::string(line.substr(0, equals + 1)) +
         arguments.corrected(line.substr(equals + 1), occasion);
}

std::optional<std::string> corrected_kernel(std::string_view line, const Stanza& stanza,
                                            Importance importance, Arguments& arguments) {
  const auto words = active_words(line);
  const auto path = kernel_word(words);
  if (!path || !stanza.linux || is_hypervisor(*path)) {
    return std::nullopt;
  }
  if (words[0] == "module" && line.find("root=") == std::string_view::npos) {
    return std::nullopt;  // the initrd under a hypervisor
  }
  const auto start = static_cast<std::size_t>(path->data() - line.data()) + path->size();
  const Occasion occasion{importance, Console::add_if_none,
                          stanza.initrd ? Initrd::present : Initrd::absent};
  return std::string(line.substr(0, start)) + arguments.corrected(line.substr(start), occasion);
}

// "root (hd0,0)" and "# groot=(hd0,0)": for a disk that was put together here.
std::optional<std::string> corrected_place(std::string_view line,
                                           const std::optional<std::string>& place) {
  const auto words = words_of(line);
  if (!place) {
    return std::nullopt;
  }
  constexpr std::string_view k_groot = "# groot=";
  if (line.starts_with(k_groot)) {
    return std::string(k_groot) + *place;
  }
  if (words.size() == 2 && words[0] == "root" && words[1].starts_with("(hd")) {
    return with_part(line, words[1], *place);
  }
  return std::nullopt;
}

}  // namespace

std::string corrected_legacy_menu(std::string_view text, Arguments& arguments,
                                  const std::optional<std::string>& place) {
  std::vector<Line> lines = lines_of(text);
  const std::vector<Stanza> stanzas = stanzas_of(lines);
  const std::size_t chosen = parse_legacy_menu(text).default_entry;
  std::size_t seen = 0;
  for (Line& line : lines) {
    const auto words = active_words(line.text);
    std::optional<std::string> now = corrected_place(line.text, place);
    if (!now && words.empty()) {
      now = corrected_magic(line.text, arguments);
    } else if (!now && words[0] == "title") {
      ++seen;
    } else if (!now && seen > 0 && (words[0] == "kernel" || words[0] == "module")) {
      now = corrected_kernel(line.text, stanzas[seen - 1],
                             seen - 1 == chosen ? Importance::vital : Importance::other, arguments);
    }
    if (now) {
      line.text = *now;
    }
  }
  return text_of(lines);
}

void correct_legacy_menus(Host& guest, Arguments& arguments,
                          const std::optional<std::string>& place) {
  for (const char* path : {"/boot/grub/menu.lst", "/boot/grub/grub.conf"}) {
    if (guest.is_link(path) && guest.is_file("/boot/grub/menu.lst") &&
        guest.is_file("/boot/grub/grub.conf")) {
      continue;  // the file that it points to is corrected
    }
    if (const auto text = text_file(guest, path)) {
      const std::string now = corrected_legacy_menu(*text, arguments, place);
      if (now != *text) {
        guest.update(path, now);
      }
    }
  }
}

}  // namespace vmconvert::fixer::bootloader
