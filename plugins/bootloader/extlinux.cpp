// Syslinux on a Linux filesystem: Alpine's loader, and others'. Its menu is corrected in place, and
// so is what update-extlinux makes the next one from.
#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

std::string corrected_menu(std::string_view text, const std::string& path, Arguments& arguments) {
  std::vector<Line> lines = lines_of(text);
  const Menu menu = parse_extlinux_menu(text, path);
  std::size_t labels = 0;
  for (Line& line : lines) {
    const auto words = active_words(line.text);
    if (words.size() < 2) {
      continue;
    }
    const std::string key = lower(words[0]);
    labels += key == "label" ? 1 : 0;
    const bool linux = line.text.find("root=") != std::string::npos;
    if (key != "append" || labels == 0 || !linux) {
      continue;
    }
    const MenuEntry& entry = menu.entries[labels - 1];
    const bool initrd = !entry.initrd.empty() || line.text.find("initrd=") != std::string::npos;
    const Occasion occasion{
        labels - 1 == menu.default_entry ? Importance::vital : Importance::other,
        Console::add_if_none, initrd ? Initrd::present : Initrd::absent};
    const std::size_t at = line.text.find(words[0]) + words[0].size();
    line.text = line.text.substr(0, at) + arguments.corrected(line.text.substr(at), occasion);
  }
  return text_of(lines);
}

// /etc/update-extlinux.conf: root=..., default_kernel_opts="..."
void correct_alpine_settings(Host& guest, Arguments& arguments) {
  edit_lines(
      guest, "/etc/update-extlinux.conf", [&](std::string_view line) -> std::optional<std::string> {
        const Occasion plain{Importance::other, Console::leave, Initrd::present};
        if (const auto root = value_of(line, "root"); root && !unquoted(*root).empty()) {
          const std::string now =
              arguments.corrected("root=" + std::string(unquoted(*root)), plain).substr(5);
          return now == unquoted(*root) ? std::nullopt
                                        : std::optional(with_part(line, unquoted(*root), now));
        }
        const auto options = value_of(line, "default_kernel_opts");
        if (!options) {
          return std::nullopt;
        }
        const std::string_view inner = unquoted(*options);
        const std::string now =
            arguments.corrected(inner, {Importance::other, Console::add_if_none, Initrd::present});
        return now == inner ? std::nullopt
                            : std::optional(with_part(line, *options, "\"" + now + "\""));
      });
}

}  // namespace

bool is_extlinux(Host& guest) {
  const Facts& facts = guest.facts();
  for (const Disk& disk : facts.disks) {
    for (const Partition& part : disk.partitions) {
      if (disk.name + std::to_string(part.number) == facts.boot_device) {
        const std::string sector = guest.read_disk(disk.name, part.start_bytes, 512);
        return sector.find("EXTLINUX") != std::string::npos ||
               sector.find("SYSLINUX") != std::string::npos;
      }
    }
  }
  return false;
}

void correct_extlinux(Host& guest, Arguments& arguments) {
  if (const auto path = extlinux_menu_path(guest)) {
    if (const auto text = text_file(guest, *path)) {
      guest.update(*path, corrected_menu(*text, *path, arguments));
    }
  }
  correct_alpine_settings(guest, arguments);
}

}  // namespace vmconvert::fixer::bootloader
