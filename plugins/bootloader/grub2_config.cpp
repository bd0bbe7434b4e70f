// GRUB 2's configuration: grub.cfg is edited where it names devices and consoles, never made anew;
// the settings that the guest's own grub-mkconfig reads get the same corrections.
#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

// The initrd of a linux line stands below it, before the next entry.
Initrd initrd_below(const std::vector<Line>& lines, std::size_t at) {
  for (++at; at < lines.size(); ++at) {
    const auto words = active_words(lines[at].text);
    if (words.empty()) {
      continue;
    }
    if (words[0].starts_with("initrd")) {
      return Initrd::present;
    }
    if (words[0] == "menuentry" || is_linux_command(words[0])) {
      break;
    }
  }
  return Initrd::absent;
}

void correct_file(Host& guest, const std::string& path, Arguments& arguments,
                  std::string (*correct)(std::string_view, Arguments&)) {
  if (const auto text = text_file(guest, path)) {
    const std::string now = correct(*text, arguments);
    if (now != *text) {
      guest.update(path, now);
    }
  }
}

// grubenv is a block of exactly 1024 bytes, filled up with '#'.
std::string corrected_environment(std::string_view text, Arguments& arguments) {
  constexpr std::size_t k_size = 1024;
  constexpr std::string_view k_name = "kernelopts=";
  const std::size_t at = text.find(k_name);
  if (text.size() != k_size || at == std::string_view::npos || at == 0 || text[at - 1] != '\n') {
    return std::string(text);
  }
  const std::size_t end = text.find('\n', at);
  const std::size_t padding = text.find_last_not_of('#');
  if (end == std::string_view::npos || padding == std::string_view::npos || padding < end) {
    return std::string(text);
  }
  const std::size_t value = at + k_name.size();
  std::string now(text.substr(0, value));
  now += arguments.corrected(text.substr(value, end - value), {});
  now += text.substr(end, padding + 1 - end);
  return now.size() > k_size ? std::string(text) : now + std::string(k_size - now.size(), '#');
}

}  // namespace

// RHEL 8 keeps a copy of grubenv's kernelopts in the menu: set kernelopts="root=... ro"
static std::optional<std::string> corrected_kernelopts(std::string_view line,
                                                       Arguments& arguments) {
  const auto words = active_words(line);
  if (words.size() < 2 || words[0] != "set" || !words[1].starts_with("kernelopts=")) {
    return std::nullopt;
  }
  const auto value = value_of(after(line, words[0]), "kernelopts");
  const std::string_view inner = value ? unquoted(*value) : "";
  if (inner.find("root=") == std::string_view::npos) {
    return std::nullopt;
  }
  return with_part(line, inner, arguments.corrected(inner, {}));
}

std::string corrected_grub2_menu(std::string_view text, Arguments& arguments,
                                 std::string_view saved) {
  std::vector<Line> lines = lines_of(text);
  const std::size_t chosen = parse_grub2_menu(text, saved).default_entry;
  std::size_t entry = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string& line = lines[i].text;
    if (auto now = corrected_kernelopts(line, arguments)) {
      line = *now;
    }
    const auto words = active_words(line);
    const auto path =
        words.size() > 1 && is_linux_command(words[0]) ? kernel_word(words) : std::nullopt;
    if (!path) {
      continue;
    }
    const Importance importance = entry++ == chosen ? Importance::vital : Importance::other;
    const auto at = static_cast<std::size_t>(path->data() - line.data()) + path->size();
    if (line.find("root=", at) != std::string::npos) {
      const Occasion occasion{importance, Console::add_if_none, initrd_below(lines, i)};
      line = line.substr(0, at) + arguments.corrected(line.substr(at), occasion);
    }
  }
  return text_of(lines);
}

// GRUB_CMDLINE_LINUX="..." and its relatives; the console is added to the one that every entry has.
static std::string corrected_settings(std::string_view text, Arguments& arguments,
                                      Console console) {
  std::vector<Line> lines = lines_of(text);
  bool serial = console == Console::leave;
  for (const Line& line : lines) {
    serial |= trimmed(line.text).starts_with("GRUB_CMDLINE_LINUX") &&
              line.text.find("console=ttyS") != std::string::npos;
  }
  for (Line& line : lines) {
    const std::string_view whole = line.text;
    const std::string_view name = trimmed(whole).substr(0, trimmed(whole).find('='));
    if (!name.starts_with("GRUB_CMDLINE_LINUX") || name.find("XEN") != std::string_view::npos) {
      continue;
    }
    const auto value = value_of(whole, name);
    if (!value) {
      continue;
    }
    const std::string_view inner = unquoted(*value);
    const bool add = name == "GRUB_CMDLINE_LINUX" && !serial;
    const std::string now = arguments.corrected(
        inner, {Importance::other, add ? Console::add_if_none : Console::leave, Initrd::present});
    if (now == inner) {
      continue;
    }
    const bool quoted = inner.size() != value->size();
    line.text = quoted ? with_part(whole, inner, now) : with_part(whole, *value, "\"" + now + "\"");
  }
  return text_of(lines);
}

std::string corrected_defaults(std::string_view text, Arguments& arguments) {
  return corrected_settings(text, arguments, Console::add_if_none);
}

void correct_grub2_configuration(Host& guest, Arguments& arguments) {
  std::vector<std::string> menus = {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"};
  if (guest.facts().uefi) {  // Red Hat's family had the whole menu there up to 8
    const auto more = menus_on_esp(guest);
    menus.insert(menus.end(), more.begin(), more.end());
  }
  for (const std::string& menu : menus) {
    if (const auto text = text_file(guest, menu)) {
      const std::string folder = menu.substr(0, menu.rfind('/'));
      const std::string grubenv = guest.read_if_there(folder + "/grubenv").value_or("");
      guest.update(menu,
                   corrected_grub2_menu(*text, arguments, grubenv_value(grubenv, "saved_entry")));
    }
  }
  correct_file(guest, "/etc/default/grub", arguments, corrected_defaults);
  for (const std::string& path : guest.glob("/etc/default/grub.d/*.cfg")) {
    correct_file(guest, path, arguments, [](std::string_view text, Arguments& with) {
      return corrected_settings(text, with, Console::leave);
    });
  }
  correct_loader_entries(guest, arguments);
  for (const char* path : {"/boot/grub2/grubenv", "/boot/grub/grubenv"}) {
    correct_file(guest, path, arguments, corrected_environment);
  }
}

// "(hd0) /dev/xvda": read by grub-install and by GRUB legacy's tools.
void correct_device_map(Host& guest) {
  const Facts& facts = guest.facts();
  for (const char* path : {"/boot/grub/device.map", "/boot/grub2/device.map"}) {
    edit_lines(guest, path, [&](std::string_view line) -> std::optional<std::string> {
      const auto words = active_words(line);
      if (words.size() != 2 || !words[0].starts_with("(hd") || !words[1].starts_with("/dev/")) {
        return std::nullopt;
      }
      const auto name = facts.renamed(words[1].substr(5));
      const auto number = small_number(words[0].substr(3, words[0].size() - 4));
      if (name) {
        return with_part(line, words[1], "/dev/" + *name);
      }
      if (words[1].starts_with("/dev/disk/") && number && *number < facts.disks.size()) {
        return with_part(line, words[1], "/dev/" + facts.disks[*number].name);
      }
      return std::nullopt;
    });
  }
}

}  // namespace vmconvert::fixer::bootloader
