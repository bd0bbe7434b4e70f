// What both of GRUB's menu languages share, GRUB legacy's menu.lst, and boot loader spec files.
#include "guest/grub_config.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "guest/grub_path.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_most_grub_entries = 1024;

// "default 0", "default=0" and "default = 0" are one.
struct Directive {
  std::string name;
  std::string value;
};

Directive read_directive(std::string_view line) {
  line = trim(line);
  const auto end = line.find_first_of(" \t=");
  if (end == std::string_view::npos) {
    return {std::string(line), {}};
  }
  const auto value = line.find_first_not_of(" \t=", end);
  return {std::string(line.substr(0, end)),
          value == std::string_view::npos ? std::string() : std::string(line.substr(value))};
}

struct KernelLine {
  GrubPath path;
  std::string arguments;
};

// "--no-mem-option (hd0,0)/vmlinuz root=/dev/sda1 ro"
KernelLine read_kernel_line(std::string_view value) {
  std::vector<std::string> parts = words(value);
  const auto first = std::find_if(parts.begin(), parts.end(),
                                  [](const std::string& word) { return !word.starts_with("--"); });
  parts.erase(parts.begin(), first);
  if (parts.empty()) {
    return {};
  }
  KernelLine line{split_grub_path(parts.front()), {}};
  parts.erase(parts.begin());
  line.arguments = join(parts, " ");
  return line;
}

void take_kernel(BootEntry& entry, const KernelLine& line) {
  entry.kernel = line.path.path;
  entry.arguments = line.arguments;
  if (!line.path.device.empty()) {
    entry.device = grub2_device(line.path.device);
  }
}

// In an entry of a Xen host, the first module is the kernel and the second its initrd.
void take_module(BootEntry& entry, std::string_view value) {
  const KernelLine line = read_kernel_line(value);
  if (!entry.xen_host) {
    entry.xen_host = true;
    take_kernel(entry, line);
  } else {
    entry.initrds.push_back(line.path.path);
  }
}

void read_entry_line(BootEntry& entry, const Directive& line) {
  if (line.name == "root" || line.name == "rootnoverify") {
    entry.device = grub2_device(line.value.substr(0, line.value.find_first_of(" \t")));
  } else if (line.name == "kernel") {
    take_kernel(entry, read_kernel_line(line.value));
  } else if (line.name == "initrd") {
    for (const std::string& path : words(line.value)) {
      entry.initrds.push_back(split_grub_path(path).path);
    }
  } else if (line.name == "module" || line.name == "modulenounzip") {
    take_module(entry, line.value);
  }
}

}  // namespace

GrubPath split_grub_path(std::string_view text) {
  if (!text.starts_with('(')) {
    return {{}, std::string(text)};
  }
  const auto end = text.find(')');
  if (end == std::string_view::npos) {
    return {{}, std::string(text)};
  }
  std::string device(text.substr(0, end + 1));
  // "($root)" is the root that is set already.
  if (device.find('$') != std::string::npos) {
    device.clear();
  }
  return {std::move(device), std::string(text.substr(end + 1))};
}

std::string grub2_device(std::string_view legacy_device) {
  const auto comma = legacy_device.find(',');
  if (comma == std::string_view::npos || !legacy_device.ends_with(')')) {
    return std::string(legacy_device);
  }
  const std::string_view digits = legacy_device.substr(comma + 1, legacy_device.size() - comma - 2);
  const auto number = parse_number(digits);
  if (!number || *number > 255) {
    return std::string(legacy_device);
  }
  return std::string(legacy_device.substr(0, comma + 1)) + std::to_string(*number + 1) + ")";
}

std::string BootEntry::argument(std::string_view name) const {
  std::string value;
  for (const std::string& word : words(arguments)) {
    if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') {
      value = word.substr(name.size() + 1);
    }
  }
  std::erase(value, '"');
  return value;
}

BootMenu read_legacy_menu(std::string_view text) {
  BootMenu menu;
  std::size_t wanted = 0;
  for (const std::string& line : lines(text)) {
    const Directive directive = read_directive(line);
    if (directive.name.empty() || directive.name.starts_with('#')) {
      continue;
    }
    if (directive.name == "title") {
      if (menu.entries.size() == k_most_grub_entries) {
        break;
      }
      BootEntry entry;
      entry.title = directive.value;
      entry.position = std::to_string(menu.entries.size());
      menu.entries.push_back(std::move(entry));
    } else if (!menu.entries.empty()) {
      read_entry_line(menu.entries.back(), directive);
    } else if (directive.name == "default") {
      // "saved" lives in a block of stage2 that nobody writes on a guest: entry 0.
      wanted = parse_number(trim(directive.value)).value_or(0);
    }
  }
  if (!menu.entries.empty()) {
    menu.chosen = wanted < menu.entries.size() ? wanted : 0;
  }
  return menu;
}

std::string grubenv_value(std::string_view grubenv, std::string_view name) {
  for (const std::string& line : lines(grubenv)) {
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=') {
      return line.substr(name.size() + 1);
    }
  }
  return {};
}

BootEntry read_loader_spec_entry(std::string_view text, std::string_view file_name) {
  BootEntry entry;
  entry.id = file_name.ends_with(".conf") ? file_name.substr(0, file_name.size() - 5) : file_name;
  for (const std::string& line : lines(text)) {
    const Directive directive = read_directive(line);
    if (directive.name == "title") {
      entry.title = directive.value;
    } else if (directive.name == "linux") {
      entry.kernel = directive.value;
    } else if (directive.name == "initrd") {
      for (const std::string& path : words(directive.value)) {
        // "$tuned_initrd" and the like are empty on most guests.
        if (!path.starts_with('$')) {
          entry.initrds.push_back(path);
        }
      }
    } else if (directive.name == "options") {
      entry.arguments += (entry.arguments.empty() ? "" : " ") + directive.value;
    }
  }
  return entry;
}

}  // namespace vmconvert::guest
