// What systemd-boot would start, header only: its entries are files (Boot Loader Specification,
// type #1) and unified kernel images (type #2). Used by fixers and by the boot path, each with its
// own way to the guest's files. What the old machine's variable store said of a default is gone.
#pragma once

#include <charconv>
#include <system_error>
#include <vmconvert/efi_program.hpp>
#include <vmconvert/loader_order.hpp>

namespace vmconvert::efi {

struct LoaderMenu {
  std::vector<LoaderEntry> entries;   // as they are shown
  std::optional<std::size_t> chosen;  // what starts when nobody touches a key
};

inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return lower;
}

// Calls `take(key, value)` for each line that is no comment: "linux /vmlinuz". With '=' between
// them: os-release.
template <class Take>
void each_setting(std::string_view text, std::string_view separators, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line = text_in(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t key = line.find_first_of(separators);
    if (line.starts_with('#') || key == std::string::npos) {
      continue;
    }
    std::string value = text_in(std::string_view(line).substr(key + 1));
    if (value.size() > 1 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    take(std::string_view(line).substr(0, key), std::move(value));
  }
}

// "name+3-1.conf": three tries left, one done. The counters are no part of the name.
inline void take_counters(LoaderEntry& entry) {
  const std::size_t dot = entry.id.rfind('.'), plus = entry.id.rfind('+', dot);
  if (dot == std::string::npos || plus == std::string::npos) {
    return;
  }
  const char* end = entry.id.data() + dot;
  unsigned left = 0, done = 0;
  auto read = std::from_chars(entry.id.data() + plus + 1, end, left);
  const bool two = read.ec == std::errc() && read.ptr != end && *read.ptr == '-';
  if (two) {
    read = std::from_chars(read.ptr + 1, end, done);
  }
  if (read.ec == std::errc() && read.ptr == end) {
    entry.tries_left = left;
    entry.tries_done = done;
    entry.id.erase(plus, dot - plus);
  }
}

// A path on the entry's partition, as the guest has it. Some write it with backslashes.
inline std::string path_on(std::string_view mountpoint, std::string path) {
  std::replace(path.begin(), path.end(), '\\', '/');
  return std::string(mountpoint) + (path.starts_with('/') ? "" : "/") + path;
}

// Type #1. Nothing if it starts nothing, or a program of another kind of machine.
inline std::optional<LoaderEntry> read_entry(std::string_view text, std::string_view name,
                                             std::string_view mountpoint, std::string_view arch) {
  constexpr std::size_t k_most_initrds = 64;
  LoaderEntry entry;
  entry.id = lower_case(name);
  entry.file = std::string(mountpoint) + "/loader/entries/" + std::string(name);
  entry.partition = mountpoint;
  take_counters(entry);
  bool other_machine = false;
  each_setting(text, " \t", [&](std::string_view key, std::string value) {
    if (key == "title") {
      entry.title = value;
    } else if (key == "version") {
      entry.version = value;
    } else if (key == "machine-id") {
      entry.machine_id = value;
    } else if (key == "sort-key") {
      entry.sort_key = value;
    } else if (key == "linux" || key == "efi" || key == "uki") {
      entry.program = path_on(mountpoint, value);
    } else if (key == "initrd" && entry.initrds.size() < k_most_initrds) {
      entry.initrds.push_back(path_on(mountpoint, value));
    } else if (key == "options" && entry.arguments.size() < k_longest_text) {
      entry.arguments += (entry.arguments.empty() ? "" : " ") + value;
    } else if (key == "architecture") {
      other_machine = lower_case(value) != (arch == "x86_64" ? "x64" : "ia32");
    }
  });
  if (other_machine || entry.program.empty()) {
    return std::nullopt;
  }
  return entry;
}

// Type #2: what the image says of itself stands in its os-release.
inline std::optional<LoaderEntry> read_image(std::string_view program, const std::string& path) {
  const auto image = read_unified_kernel(program);
  if (!image) {
    return std::nullopt;
  }
  LoaderEntry entry;
  entry.id = lower_case(std::string_view(path).substr(path.rfind('/') + 1));
  entry.file = entry.program = path;
  take_counters(entry);
  entry.arguments = image->arguments;
  std::string id, image_id, image_version, version, version_id, build_id;
  each_setting(image->release.substr(0, k_longest_text), "=",
               [&](std::string_view key, std::string value) {
                 for (const auto& [name, known] :
                      {std::pair("PRETTY_NAME", &entry.title), std::pair("ID", &id),
                       std::pair("IMAGE_ID", &image_id), std::pair("VERSION", &version),
                       std::pair("IMAGE_VERSION", &image_version),
                       std::pair("VERSION_ID", &version_id), std::pair("BUILD_ID", &build_id)}) {
                   if (key == name) {
                     *known = value;
                   }
                 }
               });
  entry.sort_key = image_id.empty() ? id : image_id;
  for (const std::string* each : {&image_version, &version, &version_id, &build_id}) {
    entry.version = entry.version.empty() ? *each : entry.version;
  }
  return entry;
}

// The entries of one partition. `Root` is a fixer's Host or the program's GuestRoot.
template <class Root>
void add_entries(Root& root, const std::string& mountpoint, std::string_view arch,
                 std::vector<LoaderEntry>& entries) {
  constexpr std::size_t k_most_files = 256, k_most_images = 32;
  const std::string folder = mountpoint + "/loader/entries", images = mountpoint + "/EFI/Linux";
  std::size_t files = 0;
  for (const std::string& name : root.list(folder)) {
    const std::string lower = lower_case(name), path = folder + "/" + name;
    if (lower.ends_with(".conf") && !lower.starts_with('.') && !lower.starts_with("auto-") &&
        root.is_file(path) && files++ < k_most_files) {
      if (auto entry = read_entry(root.read(path), name, mountpoint, arch);
          entry && root.is_file(entry->program)) {
        entries.push_back(std::move(*entry));
      }
    }
  }
  files = 0;
  for (const std::string& name : root.list(images)) {
    const std::string lower = lower_case(name), path = images + "/" + name;
    if (lower.ends_with(".efi") && !lower.starts_with('.') && root.is_file(path) &&
        files++ < k_most_images) {
      if (auto entry = read_image(root.read(path, k_largest_program), path)) {
        entry->partition = mountpoint;
        entries.push_back(std::move(*entry));
      }
    }
  }
}

// `partitions` are the mount points that systemd-boot looks at, its own first; `version` its own.
template <class Root>
LoaderMenu read_loader_menu(Root& root, const std::vector<std::string>& partitions,
                            std::string_view arch, std::string_view version) {
  LoaderMenu menu;
  for (const std::string& mountpoint : partitions) {
    add_entries(root, mountpoint, arch, menu.entries);
  }
  unsigned number = 0;
  std::from_chars(version.data(), version.data() + version.size(), number);
  constexpr unsigned k_with_sort_keys = 250;
  for (LoaderEntry& entry : menu.entries) {
    if (number != 0 && number < k_with_sort_keys) {
      entry.sort_key.clear();
    }
  }
  std::stable_sort(menu.entries.begin(), menu.entries.end(),
                   [](const auto& a, const auto& b) { return order_of(a, b) < 0; });
  std::string wanted;
  if (const std::string file = partitions.front() + "/loader/loader.conf"; root.is_file(file)) {
    each_setting(root.read(file), " \t", [&](std::string_view key, std::string value) {
      wanted = key == "default" ? lower_case(value) : wanted;
    });
  }
  // Where nothing matches, the first of all.
  const auto found = std::find_if(menu.entries.begin(), menu.entries.end(),
                                  [&](const auto& entry) { return matches(wanted, entry.id); });
  if (!menu.entries.empty()) {
    menu.chosen =
        found == menu.entries.end() ? 0 : static_cast<std::size_t>(found - menu.entries.begin());
  }
  return menu;
}

// FAT's names have no case of their own. Empty if it is not there.
template <class Root>
std::string child(Root& root, const std::string& folder, std::string_view name) {
  for (const std::string& entry : root.list(folder)) {
    if (lower_case(entry) == lower_case(name)) {
      return folder + "/" + entry;
    }
  }
  return {};
}

// The mount points that systemd-boot on `esp` looks at: that one, and an extended boot loader
// partition at /boot if it can read it, by the firmware's own FAT or by a driver beside it.
template <class Root, class Filesystems>
std::vector<std::string> loader_partitions(Root& root, const Filesystems& all,
                                           const std::string& esp) {
  std::vector<std::string> found = {esp};
  for (const auto& fs : all) {
    if (fs.mountpoint != "/boot" || esp == "/boot") {
      continue;
    }
    const std::vector<std::string> drivers = root.list(esp + "/EFI/systemd/drivers");
    if (fs.type == "vfat" || std::any_of(drivers.begin(), drivers.end(), [&](const auto& name) {
          return name.starts_with(fs.type);
        })) {
      found.push_back("/boot");
    }
  }
  return found;
}

}  // namespace vmconvert::efi
