#include "devices.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer::fstab {

namespace {

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

std::size_t length_without_digits(std::string_view name) {
  std::size_t length = name.size();
  while (length > 0 && is_digit(name[length - 1])) {
    --length;
  }
  return length;
}

// xvda, sdb3, hdc, vda1: letters behind the prefix, then a partition's number or none.
bool looks_like_disk(std::string_view name) {
  for (const std::string_view prefix : {"xvd", "sd", "hd", "vd"}) {
    if (name.starts_with(prefix)) {
      const std::string_view letters = name.substr(0, length_without_digits(name));
      return letters.size() > prefix.size() && letters.size() <= prefix.size() + 3 &&
             std::all_of(letters.begin(), letters.end(),
                         [](char byte) { return byte >= 'a' && byte <= 'z'; });
    }
  }
  return name.starts_with("cciss/") || name.starts_with("ida/") || name.starts_with("nvme");
}

// fstab writes a blank as \040, udev writes it as \x20.
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size()) {
      const std::string digits(text.substr(at + 1, 3));
      const bool octal = std::all_of(digits.begin(), digits.end(),
                                     [](char byte) { return byte >= '0' && byte <= '7'; });
      const bool hex = digits[0] == 'x' && std::isxdigit(static_cast<unsigned char>(digits[1])) &&
                       std::isxdigit(static_cast<unsigned char>(digits[2]));
      if (octal || hex) {
        const int value =
            octal ? std::stoi(digits, nullptr, 8) : std::stoi(digits.substr(1), nullptr, 16);
        result += static_cast<char>(value);
        at += 3;
        continue;
      }
    }
    result += text[at];
  }
  return result;
}

constexpr std::string_view k_dev = "/dev/";
constexpr std::string_view k_by_uuid = "/dev/disk/by-uuid/";
constexpr std::string_view k_by_label = "/dev/disk/by-label/";
constexpr std::string_view k_by_path = "/dev/disk/by-path/";
constexpr std::string_view k_by_id = "/dev/disk/by-id/";

// Links to LVM volumes, device-mapper and RAID arrays name their content, not a place.
bool names_content(std::string_view link) {
  const std::string_view name = link.substr(k_by_id.size());
  for (const std::string_view start : {"dm-", "lvm-", "md-"}) {
    if (name.starts_with(start)) {
      return true;
    }
  }
  return false;
}

}  // namespace

Answer Devices::judge(std::string_view spec, Content content) const {
  for (const std::string_view key : {"UUID", "LABEL"}) {
    if (const auto value = value_of(spec, key)) {
      return judge_tag(key, unquoted(*value));
    }
  }
  if (spec.starts_with(k_by_uuid)) {
    return judge_tag("UUID", spec.substr(k_by_uuid.size()));
  }
  if (spec.starts_with(k_by_label)) {
    return judge_tag("LABEL", spec.substr(k_by_label.size()));
  }
  if (spec.starts_with(k_by_path) || (spec.starts_with(k_by_id) && !names_content(spec))) {
    const auto source = disk_behind_link(spec);
    return source ? stable_name(std::string(spec), *source, content) : Answer{Verdict::unknown, {}};
  }
  if (!spec.starts_with(k_dev)) {
    return {};
  }
  const std::string source(spec.substr(k_dev.size()));
  if (!looks_like_disk(source)) {
    return {};  // LVM, device-mapper, RAID, cdrom, floppy: not named by their place
  }
  return stable_name(std::string(spec), source, content);
}

Answer Devices::judge_tag(std::string_view key, std::string_view value) const {
  const std::string wanted = key == "UUID" ? lower(value) : unescaped(value);
  for (const Filesystem& fs : m_facts.filesystems) {
    const std::string has = key == "UUID" ? lower(fs.uuid) : fs.label;
    if (!has.empty() && has == wanted) {
      return {};
    }
  }
  return {Verdict::unresolved, {}};
}

Answer Devices::stable_name(const std::string& spec, const std::string& source,
                            Content content) const {
  const auto target = target_of(source);
  if (!target) {
    return {Verdict::unknown, {}};
  }
  std::string name = std::string(k_dev) + *target;
  const Filesystem* fs = m_facts.filesystem(*target);
  if (fs != nullptr && !fs->uuid.empty() && content == Content::lasting) {
    const auto twins = std::count_if(
        m_facts.filesystems.begin(), m_facts.filesystems.end(),
        [&](const Filesystem& other) { return lower(other.uuid) == lower(fs->uuid); });
    if (twins == 1) {  // a clone beside its original: only the device name tells them apart
      name = "UUID=" + fs->uuid;
    }
  }
  return name == spec ? Answer{} : Answer{Verdict::replace, name};
}

// The domain may say sda or hda where the guest's kernel says xvda, or the other way round.
std::optional<std::string> Devices::target_of(const std::string& source) const {
  if (auto target = renamed(source)) {
    return target;
  }
  std::set<std::string> candidates;
  for (const std::string_view old : {"xvd", "sd", "hd"}) {
    if (!source.starts_with(old)) {
      continue;
    }
    for (const std::string_view other : {"xvd", "sd", "hd"}) {
      if (const auto target = renamed(std::string(other) + source.substr(old.size()))) {
        candidates.insert(*target);
      }
    }
  }
  return candidates.size() == 1 ? std::optional(*candidates.begin()) : std::nullopt;
}

std::optional<std::string> Devices::renamed(const std::string& source) const {
  if (auto target = m_facts.renamed(source)) {
    return target;
  }
  const std::size_t length = length_without_digits(source);
  if (length == source.size()) {
    return std::nullopt;
  }
  const auto disk = m_facts.renamed(source.substr(0, length));
  const std::string target = disk.value_or("") + source.substr(length);
  return disk && has_partition(target) ? std::optional(target) : std::nullopt;
}

bool Devices::has_partition(std::string_view name) const {
  if (m_facts.filesystem(name) != nullptr) {
    return true;
  }
  for (const Disk& disk : m_facts.disks) {
    for (const Partition& part : disk.partitions) {
      if (disk.name + std::to_string(part.number) == name) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace vmconvert::fixer::fstab
