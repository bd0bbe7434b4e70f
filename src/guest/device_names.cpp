#include "guest/device_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/text.hpp"
#include "base/units.hpp"
#include "guest/raw_bytes.hpp"

namespace vmconvert::guest {
namespace {

// "a" after "PREFIX", for "PREFIXa"; nothing otherwise.
std::optional<std::string_view> after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return std::nullopt;
  }
  return text.substr(prefix.size());
}

// udev writes odd bytes of a label as \x20 below /dev/disk/by-label.
std::string undo_udev_escapes(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("\\x") && i + 3 < text.size() &&
        std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0 &&
        std::isxdigit(static_cast<unsigned char>(text[i + 3])) != 0) {
      result += static_cast<char>(std::stoi(std::string(text.substr(i + 2, 2)), nullptr, 16));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string gpt_partition_uuid(GuestRoot& guest, std::string_view disk, unsigned number) {
  const std::string header = guest.read_disk(disk, k_sector_size, k_sector_size);
  if (header.size() < 92 || !header.starts_with("EFI PART")) {
    return {};
  }
  const std::uint64_t first = number_at(header, 72, 8);
  const std::uint64_t count = number_at(header, 80, 4);
  const std::uint64_t size = number_at(header, 84, 4);
  if (number == 0 || number > count || count > 1024 || size < 128 || size > 4096 ||
      first > (1ULL << 40U)) {
    return {};
  }
  const std::string entry = guest.read_disk(disk, first * k_sector_size + (number - 1) * size, 128);
  return entry.size() < 32 ? std::string() : guid_text(std::string_view(entry).substr(16, 16));
}

struct PartitionName {
  std::string disk;
  unsigned number = 0;
};

std::optional<PartitionName> split_partition(std::string_view device) {
  const auto letter = device.find_last_not_of("0123456789");
  if (letter == std::string_view::npos || letter + 1 == device.size() ||
      device.find('/') != std::string_view::npos) {
    return std::nullopt;
  }
  const auto number = parse_number(device.substr(letter + 1));
  if (!number || *number > 255) {
    return std::nullopt;
  }
  return PartitionName{std::string(device.substr(0, letter + 1)), static_cast<unsigned>(*number)};
}

const model::Filesystem* by_device(const DeviceNames& names, std::string_view device) {
  std::string wanted(device);
  const auto rename = std::find_if(names.renames.begin(), names.renames.end(),
                                   [&](const model::DeviceRename& r) { return r.from == wanted; });
  if (rename != names.renames.end()) {
    wanted = rename->to;
  }
  const auto found = std::find_if(
      names.filesystems.begin(), names.filesystems.end(), [&](const model::Filesystem& fs) {
        return fs.device == wanted ||
               (fs.array && std::count(fs.array->names.begin(), fs.array->names.end(), wanted) > 0);
      });
  return found == names.filesystems.end() ? nullptr : &*found;
}

const model::Filesystem* by_partition_uuid(const DeviceNames& names, std::string_view uuid) {
  if (names.guest == nullptr) {
    return nullptr;
  }
  const std::string wanted = lower_case(uuid);
  for (const model::Filesystem& fs : names.filesystems) {
    const auto partition = split_partition(fs.device);
    if (partition && partition_uuid(*names.guest, partition->disk, partition->number) == wanted) {
      return &fs;
    }
  }
  return nullptr;
}

// An empty wish finds nothing: filesystems without a label are many.
const model::Filesystem* by_uuid(const DeviceNames& names, std::string_view uuid) {
  for (const model::Filesystem& fs : names.filesystems) {
    if (!uuid.empty() && lower_case(fs.uuid) == lower_case(uuid)) {
      return &fs;
    }
  }
  return nullptr;
}

const model::Filesystem* by_label(const DeviceNames& names, std::string_view label) {
  for (const model::Filesystem& fs : names.filesystems) {
    if (!label.empty() && fs.label == label) {
      return &fs;
    }
  }
  return nullptr;
}

}  // namespace

std::string volume_of_mapper_name(std::string_view mapper_name) {
  std::string volume;
  bool separated = false;
  for (std::size_t i = 0; i < mapper_name.size(); ++i) {
    if (mapper_name[i] != '-') {
      volume += mapper_name[i];
    } else if (i + 1 < mapper_name.size() && mapper_name[i + 1] == '-') {
      volume += '-';
      ++i;
    } else if (!separated && i > 0 && i + 1 < mapper_name.size()) {
      volume += '/';
      separated = true;
    } else {
      return {};
    }
  }
  return separated ? volume : std::string();
}

std::string partition_uuid(GuestRoot& guest, std::string_view disk, unsigned number) {
  const std::string sector = guest.read_disk(disk, 0, k_sector_size);
  if (sector.size() < k_sector_size || !sector.ends_with("\x55\xaa")) {
    return {};
  }
  constexpr unsigned char k_protective = 0xee;
  if (static_cast<unsigned char>(sector[450]) == k_protective) {
    return gpt_partition_uuid(guest, disk, number);
  }
  const std::uint64_t signature = number_at(sector, 440, 4);
  return signature == 0 ? std::string() : fmt::format("{:08x}-{:02x}", signature, number);
}

const model::Filesystem* DeviceNames::find(std::string_view spec) const {
  if (const auto uuid = after(spec, "UUID=")) {
    return by_uuid(*this, *uuid);
  }
  if (const auto uuid = after(spec, "/dev/disk/by-uuid/")) {
    return by_uuid(*this, *uuid);
  }
  if (const auto label = after(spec, "LABEL=")) {
    return by_label(*this, *label);
  }
  if (const auto label = after(spec, "/dev/disk/by-label/")) {
    return by_label(*this, undo_udev_escapes(*label));
  }
  if (const auto uuid = after(spec, "PARTUUID=")) {
    return by_partition_uuid(*this, *uuid);
  }
  if (const auto uuid = after(spec, "/dev/disk/by-partuuid/")) {
    return by_partition_uuid(*this, *uuid);
  }
  if (const auto mapper = after(spec, "/dev/mapper/")) {
    return by_device(*this, volume_of_mapper_name(*mapper));
  }
  if (const auto device = after(spec, "/dev/")) {
    return by_device(*this, *device);
  }
  return nullptr;
}

}  // namespace vmconvert::guest
