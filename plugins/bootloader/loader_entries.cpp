// Boot loader entries, one file each: GRUB's of the Red Hat family in /boot, systemd-boot's there
// or on the EFI system partition. Their `options` lines get what GRUB's arguments get.
#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

bool is_options(const std::vector<std::string_view>& words) {
  return words.size() > 1 && words[0] == "options";
}

bool has_root(const Line& line) {
  return line.text.find("root=") != std::string::npos;
}

// What all lines of one entry say together: one may name the root, another the console.
struct Seen {
  bool root = false, variable = false, initrd = false;
};

Seen look_at(const std::vector<Line>& lines) {
  Seen seen;
  for (const Line& line : lines) {
    const auto words = active_words(line.text);
    if (words.size() > 1 && (words[0] == "initrd" || words[0] == "efi" || words[0] == "uki")) {
      seen.initrd = true;
    }
    if (is_options(words)) {
      seen.root |= has_root(line);
      seen.variable |= line.text.find('$') != std::string::npos;
    }
  }
  return seen;
}

}  // namespace

std::string corrected_loader_entry(std::string_view text, Arguments& arguments,
                                   Importance importance) {
  std::vector<Line> lines = lines_of(text);
  const Seen seen = look_at(lines);
  // The root in a variable of GRUB's is corrected where that is set.
  if (!seen.root && seen.variable) {
    return std::string(text);
  }
  const Initrd initrd = seen.initrd ? Initrd::present : Initrd::absent;
  const auto correct = [&](Line& line, Console console) {
    const auto words = active_words(line.text);
    const std::size_t at = line.text.find(words[0]) + words[0].size();
    line.text = line.text.substr(0, at) +
                arguments.corrected(line.text.substr(at), {importance, console, initrd});
  };
  Line* main = nullptr;  // gets the console where no line has one
  bool serial = false;
  for (Line& line : lines) {
    if (!is_options(active_words(line.text))) {
      continue;
    }
    correct(line, Console::leave);
    serial |= names_serial_console(line.text);
    if (main == nullptr || (!has_root(*main) && has_root(line))) {
      main = &line;
    }
  }
  if (main != nullptr && !serial) {
    correct(*main, Console::add_if_none);
  }
  return text_of(lines);
}

void correct_loader_entries(Host& guest, Arguments& arguments) {
  const efi::LoaderMenu menu = systemd_menu(guest);
  const std::string chosen = menu.chosen ? menu.entries[*menu.chosen].file : std::string();
  for (const char* folder : {"/boot", "/boot/efi", "/efi"}) {
    for (const std::string& path : guest.glob(std::string(folder) + "/loader/entries/*.conf")) {
      if (const auto text = text_file(guest, path)) {
        const Importance importance = path == chosen ? Importance::vital : Importance::other;
        guest.update(path, corrected_loader_entry(*text, arguments, importance));
      }
    }
  }
}

}  // namespace vmconvert::fixer::bootloader
