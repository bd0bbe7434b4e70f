// What a device is called from now on, header only: the names that the guest's tables and its boot
// menu use, judged against the filesystems and disks of the target.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer {

enum class Verdict {
  keep,        // needs nothing: a stable name that resolves, or no name of a disk at all
  replace,     // Answer::name is what it should say
  unresolved,  // a UUID or label that no filesystem has
  unknown      // a disk or partition that the target does not have
};

struct Answer {
  Verdict verdict = Verdict::keep;
  std::string name;
};

// Content that is made anew at each boot (swap with a random key) must not be named by its UUID.
enum class Content { lasting, made_at_boot };

class Devices {
 public:
  explicit Devices(const Facts& facts) : m_facts(facts) {}

  // `spec` as in the first field of fstab: /dev/xvda1, UUID=..., /dev/disk/by-path/...
  [[nodiscard]] Answer judge(std::string_view spec, Content content = Content::lasting) const;

  // "xvda1", "sda1", "xvde1" -> "vda1"; nothing if the target has no such device.
  [[nodiscard]] std::optional<std::string> target_of(const std::string& source) const;

 private:
  [[nodiscard]] Answer judge_tag(std::string_view key, std::string_view value) const;
  [[nodiscard]] Answer stable_name(const std::string& spec, const std::string& source,
                                   Content content) const;
  [[nodiscard]] std::optional<std::string> renamed(const std::string& source) const;
  [[nodiscard]] bool has_partition(std::string_view name) const;

  const Facts& m_facts;
};

// The modules that carry the new machine's disks and its network.
inline std::vector<std::string> disk_modules(const Facts& facts) {
  if (facts.disk_bus != "ide") {
    return {"virtio_pci", "virtio_blk"};
  }
  const bool libata = !facts.disks.empty() && facts.disks.front().name.starts_with("sd");
  return libata ? std::vector<std::string>{"ata_piix", "sd_mod"}
                : std::vector<std::string>{"piix", "ide_disk"};
}
inline std::string network_module(const Facts& facts) {
  return facts.nic_model == "e1000"     ? "e1000"
         : facts.nic_model == "rtl8139" ? "8139cp"
                                        : "virtio_net";
}

// /dev/disk/by-path/xen-vbd-51713 -> xvda1; nothing if the link's name does not tell.
inline std::optional<std::string> disk_behind_link(std::string_view link);

namespace devices {

inline std::optional<unsigned> link_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

inline std::string disk_name(std::string_view prefix, unsigned index, unsigned partition) {
  std::string letters;
  for (unsigned rest = index + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return std::string(prefix) + letters + (partition == 0 ? "" : std::to_string(partition));
}

// A virtual block device's number, as xen-vbd-interface(7) lays it out.
inline std::optional<std::string> name_of_vbd(unsigned vbd) {
  if ((vbd >> 28U) == 1) {
    return disk_name("xvd", (vbd >> 8U) & 0xfffffU, vbd & 0xffU);
  }
  switch (vbd >> 8U) {
    case 202: return disk_name("xvd", (vbd >> 4U) & 0xfU, vbd & 0xfU);
    case 8: return disk_name("sd", (vbd >> 4U) & 0xfU, vbd & 0xfU);
    case 3: return disk_name("hd", (vbd >> 6U) & 0x3U, vbd & 0x3fU);
    case 22: return disk_name("hd", 2 + ((vbd >> 6U) & 0x3U), vbd & 0x3fU);
    default: return std::nullopt;
  }
}

struct IdePlace {
  std::string_view ending;  // of the link's name, without -partN
  std::string_view disk;
};

// The emulated IDE controller of an HVM guest has four places.
inline constexpr std::array<IdePlace, 18> k_ide_places = {{
    {"-ide-0:0", "hda"},
    {"-ide-0:1", "hdb"},
    {"-ide-1:0", "hdc"},
    {"-ide-1:1", "hdd"},
    {"-ata-1.0", "hda"},
    {"-ata-1.1", "hdb"},
    {"-ata-2.0", "hdc"},
    {"-ata-2.1", "hdd"},
    {"-ata-1", "hda"},
    {"-ata-2", "hdc"},
    {"-scsi-0:0:0:0", "hda"},
    {"-scsi-0:0:1:0", "hdb"},
    {"-scsi-1:0:0:0", "hdc"},
    {"-scsi-1:0:1:0", "hdd"},
    {"_QM00001", "hda"},
    {"_QM00002", "hdb"},
    {"_QM00003", "hdc"},
    {"_QM00004", "hdd"},
}};

}  // namespace devices

inline std::optional<std::string> disk_behind_link(std::string_view link) {
  std::string_view name = link.substr(link.rfind('/') + 1);
  std::string partition;
  if (const std::size_t part = name.rfind("-part"); part != std::string_view::npos) {
    if (!devices::link_number(name.substr(part + 5))) {
      return std::nullopt;
    }
    partition = name.substr(part + 5);
    name = name.substr(0, part);
  }
  if (const std::size_t vbd = name.find("vbd-"); vbd != std::string_view::npos) {
    const auto value = devices::link_number(name.substr(vbd + 4));
    const auto disk = value ? devices::name_of_vbd(*value) : std::nullopt;
    return disk ? std::optional(*disk + partition) : std::nullopt;
  }
  for (const devices::IdePlace& place : devices::k_ide_places) {
    if (name.ends_with(place.ending)) {
      return std::string(place.disk) + partition;
    }
  }
  return std::nullopt;
}

namespace devices {

inline bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

inline std::size_t length_without_digits(std::string_view name) {
  std::size_t length = name.size();
  while (length > 0 && is_digit(name[length - 1])) {
    --length;
  }
  return length;
}

// xvda, sdb3, hdc, vda1: letters behind the prefix, then a partition's number or none.
inline bool looks_like_disk(std::string_view name) {
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
inline std::string unescaped(std::string_view text) {
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

inline constexpr std::string_view k_dev = "/dev/";
inline constexpr std::string_view k_by_uuid = "/dev/disk/by-uuid/";
inline constexpr std::string_view k_by_label = "/dev/disk/by-label/";
inline constexpr std::string_view k_by_path = "/dev/disk/by-path/";
inline constexpr std::string_view k_by_id = "/dev/disk/by-id/";

// Links to LVM volumes, device-mapper and RAID arrays name their content, not a place.
inline bool names_content(std::string_view link) {
  const std::string_view name = link.substr(k_by_id.size());
  for (const std::string_view start : {"dm-", "lvm-", "md-"}) {
    if (name.starts_with(start)) {
      return true;
    }
  }
  return false;
}

}  // namespace devices

inline Answer Devices::judge(std::string_view spec, Content content) const {
  for (const std::string_view key : {"UUID", "LABEL"}) {
    if (const auto value = value_of(spec, key)) {
      return judge_tag(key, unquoted(*value));
    }
  }
  if (spec.starts_with(devices::k_by_uuid)) {
    return judge_tag("UUID", spec.substr(devices::k_by_uuid.size()));
  }
  if (spec.starts_with(devices::k_by_label)) {
    return judge_tag("LABEL", spec.substr(devices::k_by_label.size()));
  }
  if (spec.starts_with(devices::k_by_path) ||
      (spec.starts_with(devices::k_by_id) && !devices::names_content(spec))) {
    const auto source = disk_behind_link(spec);
    return source ? stable_name(std::string(spec), *source, content) : Answer{Verdict::unknown, {}};
  }
  if (!spec.starts_with(devices::k_dev)) {
    return {};
  }
  const std::string source(spec.substr(devices::k_dev.size()));
  if (!devices::looks_like_disk(source)) {
    return {};  // LVM, device-mapper, RAID, cdrom, floppy: not named by their place
  }
  return stable_name(std::string(spec), source, content);
}

inline Answer Devices::judge_tag(std::string_view key, std::string_view value) const {
  const std::string wanted = key == "UUID" ? lower(value) : devices::unescaped(value);
  for (const Filesystem& fs : m_facts.filesystems) {
    const std::string has = key == "UUID" ? lower(fs.uuid) : fs.label;
    if (!has.empty() && has == wanted) {
      return {};
    }
  }
  return {Verdict::unresolved, {}};
}

inline Answer Devices::stable_name(const std::string& spec, const std::string& source,
                                   Content content) const {
  const auto target = target_of(source);
  if (!target) {
    return {Verdict::unknown, {}};
  }
  if (*target == source && m_facts.disk_bus == "ide") {
    return {};  // the disk that it names is where it was
  }
  std::string name = std::string(devices::k_dev) + *target;
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
inline std::optional<std::string> Devices::target_of(const std::string& source) const {
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
  // Some kernels count an HVM guest's disks from xvde: the first four letters were the emulated
  // IDE disks' (xen-blkfront of RHEL 5 and 6).
  if (candidates.empty() && source.size() > 3 && source.starts_with("xvd") && source[3] >= 'e' &&
      source[3] <= 'h') {
    std::string shifted = source;
    shifted[3] = static_cast<char>(shifted[3] - 4);
    if (const auto target = renamed(shifted)) {
      candidates.insert(*target);
    }
  }
  return candidates.size() == 1 ? std::optional(*candidates.begin()) : std::nullopt;
}

inline std::optional<std::string> Devices::renamed(const std::string& source) const {
  if (auto target = m_facts.renamed(source)) {
    return target;
  }
  const std::size_t length = devices::length_without_digits(source);
  if (length == source.size()) {
    return std::nullopt;
  }
  const auto disk = m_facts.renamed(source.substr(0, length));
  const std::string target = disk.value_or("") + source.substr(length);
  return disk && has_partition(target) ? std::optional(target) : std::nullopt;
}

inline bool Devices::has_partition(std::string_view name) const {
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

}  // namespace vmconvert::fixer
