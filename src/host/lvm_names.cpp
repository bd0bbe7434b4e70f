#include "host/lvm_names.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "host/lvm.hpp"

namespace vmconvert::host {
namespace {

// LVM's NAME_LEN is 128; vg_validate() counts both names and three characters more.
constexpr std::size_t k_both_names = 125;
// DM_NAME_LEN with its NUL. LVM adds up to five characters ("-real") under a snapshot.
constexpr std::size_t k_device_mapper_name = 127 - 5;
constexpr std::size_t k_tag = 1024;

// What LVM 2.03.16 was seen to refuse: at the start of a name, and anywhere in it.
constexpr std::array<std::string_view, 2> k_reserved_starts = {"pvmove", "snapshot"};
constexpr std::array<std::string_view, 17> k_reserved_parts = {
    "_cdata", "_cmeta",   "_corig",  "_cpool", "_cvol",  "_wcorig", "_iorig", "_imeta",  "_mimage",
    "_mlog",  "_pmspare", "_rimage", "_rmeta", "_tdata", "_tmeta",  "_vdata", "_vorigin"};

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name_character(char c) {
  return is_letter_or_digit(c) || c == '+' || c == '_' || c == '.' || c == '-';
}

bool stays_in_tag(char c) {
  constexpr std::string_view k_others = "_.-/=:";
  return is_letter_or_digit(c) || k_others.find(c) != k_others.npos;
}

std::optional<unsigned> hex_digit(char c) {
  constexpr std::string_view k_digits = "0123456789ABCDEF";
  const auto at = k_digits.find(c);
  return at == k_digits.npos ? std::nullopt : std::optional(static_cast<unsigned>(at));
}

[[noreturn]] void refuse(const VolumeName& name, std::string_view why) {
  throw Error(ErrorKind::bad_input,
              fmt::format("LVM does not take the name {} for a volume in {}: {}",
                          printable(name.volume), printable(name.group), why),
              "choose another name with --name");
}

std::string doubled_dashes(std::string_view name) {
  return replace_all(std::string(name), "-", "--");
}

// "a--b-c" is {"a-b", "c"}: a single dash separates.
std::vector<std::string> device_mapper_parts(std::string_view name) {
  std::vector<std::string> parts(1);
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] != '-') {
      parts.back() += name[at];
    } else if (at + 1 < name.size() && name[at + 1] == '-') {
      parts.back() += '-';
      ++at;
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

std::optional<VolumeName> checked(VolumeName name) {
  const bool inner = std::any_of(k_reserved_parts.begin(), k_reserved_parts.end(), [&](auto part) {
    return name.volume.find(part) != name.volume.npos;
  });
  if (inner || !is_lvm_name(name.group) || !is_lvm_name(name.volume)) {
    return std::nullopt;
  }
  return name;
}

std::string sys_text(dev_t device, std::string_view file) {
  try {
    return std::string(trim(read_text_file(
        fmt::format("/sys/dev/block/{}:{}/dm/{}", ::major(device), ::minor(device), file), 4096)));
  } catch (const Error&) {
    return {};  // no device-mapper device
  }
}

}  // namespace

std::string to_text(const VolumeName& name) {
  return fmt::format("{}/{}", printable(name.group), printable(name.volume));
}

std::filesystem::path device_path(const VolumeName& name) {
  return std::filesystem::path("/dev") / name.group / name.volume;
}

std::string device_mapper_name(const VolumeName& name) {
  return doubled_dashes(name.group) + "-" + doubled_dashes(name.volume);
}

bool is_lvm_name(std::string_view name) {
  return !name.empty() && name.size() <= k_both_names && name.front() != '-' && name != "." &&
         name != ".." && std::all_of(name.begin(), name.end(), is_name_character);
}

void require_valid_name(const VolumeName& name) {
  const std::string& volume = name.volume;
  if (volume.empty()) {
    refuse(name, "it is empty");
  }
  if (volume == "." || volume == ".." || volume.front() == '-') {
    refuse(name, "it may not be . or .., nor start with a dash");
  }
  const auto odd =
      std::find_if_not(volume.begin(), volume.end(), [](char c) { return is_name_character(c); });
  if (odd != volume.end()) {
    refuse(name, "letters of ASCII, digits and + _ . - are allowed");
  }
  for (const std::string_view start : k_reserved_starts) {
    if (volume.starts_with(start)) {
      refuse(name, fmt::format("names that start with {} are its own", start));
    }
  }
  for (const std::string_view part : k_reserved_parts) {
    if (volume.find(part) != volume.npos) {
      refuse(name, fmt::format("names with {} in them are its own", part));
    }
  }
  if (name.group.size() + volume.size() > k_both_names ||
      device_mapper_name(name).size() > k_device_mapper_name) {
    refuse(name,
           fmt::format("with the group's name it is too long ({} characters; at most {}, and "
                       "{} when each dash counts twice)",
                       name.group.size() + volume.size(), k_both_names, k_device_mapper_name - 1));
  }
}

std::string to_tag(std::string_view text) {
  std::string tag;
  for (const char c : text) {
    // A tag must not start with a dash.
    const bool plain = stays_in_tag(c) && !(tag.empty() && c == '-');
    const std::string next =
        plain ? std::string(1, c) : fmt::format("+{:02X}", static_cast<unsigned char>(c));
    if (tag.size() + next.size() > k_tag) {
      break;
    }
    tag += next;
  }
  return tag;
}

std::string from_tag(std::string_view tag) {
  std::string text;
  for (std::size_t at = 0; at < tag.size(); ++at) {
    const auto high = at + 2 < tag.size() ? hex_digit(tag[at + 1]) : std::nullopt;
    const auto low = at + 2 < tag.size() ? hex_digit(tag[at + 2]) : std::nullopt;
    if (tag[at] == '+' && high && low) {
      text += static_cast<char>(*high * 16 + *low);
      at += 2;
    } else {
      text += tag[at];
    }
  }
  return text;
}

std::optional<VolumeName> volume_from_device_mapper(std::string_view name, std::string_view uuid) {
  // "LVM-", the group's UUID and the volume's, 32 characters each; inner devices have "-real" and
  // the like after it, partitions on a volume "part1-" before it.
  constexpr std::string_view k_lvm = "LVM-";
  constexpr std::size_t k_uuids = 64;
  if (!uuid.starts_with(k_lvm) || uuid.size() != k_lvm.size() + k_uuids) {
    return std::nullopt;
  }
  auto parts = device_mapper_parts(name);
  if (parts.size() != 2) {
    return std::nullopt;
  }
  return checked({std::move(parts[0]), std::move(parts[1])});
}

std::optional<VolumeName> volume_from_path(const std::filesystem::path& path) {
  const auto words = split(path.lexically_normal().string(), '/');
  if (words.size() != 4 || !words[0].empty() || words[1] != "dev") {
    return std::nullopt;
  }
  if (words[2] != "mapper") {
    return checked({words[2], words[3]});
  }
  auto parts = device_mapper_parts(words[3]);
  if (parts.size() != 2) {
    return std::nullopt;
  }
  return checked({std::move(parts[0]), std::move(parts[1])});
}

std::optional<VolumeName> volume_of(CommandRunner& commands, const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    return S_ISBLK(status.st_mode) ? volume_from_device_mapper(sys_text(status.st_rdev, "name"),
                                                               sys_text(status.st_rdev, "uuid"))
                                   : std::nullopt;
  }
  const auto name = volume_from_path(path);
  if (!name || !group_exists(commands, name->group) || !logical_volume(commands, *name)) {
    return std::nullopt;
  }
  return name;
}

}  // namespace vmconvert::host
