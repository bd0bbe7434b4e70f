// The layout is that of LVM2's lib/format_text/layout.h, as src/allocation/lvm_label.cpp reads it.
#include "guest/lvm_ids.hpp"

#include <fmt/format.h>
#include <lzma.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "guest/raw_bytes.hpp"

namespace vmconvert::guest {
namespace {

using model::IdKind;

constexpr std::size_t k_lvm_id = 32;
constexpr std::size_t k_area_header = 512;
constexpr std::uint64_t k_longest_lvm_text = 16U << 20U;
constexpr std::string_view k_area_magic = " LVM2 x[5A%r0N*>";

// CRC-32 without its last step, begun with a number of LVM's own.
std::uint32_t lvm_crc(std::string_view bytes) {
  constexpr std::uint32_t k_first = 0xf597a6cf;
  return ~lzma_crc32(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), ~k_first);
}

struct LvmText {
  std::uint64_t area = 0;    // where it begins on the volume
  std::uint64_t size = 0;    // of the area
  std::uint64_t offset = 0;  // of the text in it; the ring goes on behind the header
  std::string header;
  std::string content;
};

struct LvmVolume {
  std::uint64_t at = 0;  // of the label's sector
  std::string label;
  std::size_t header = 0;  // in it
  std::vector<LvmText> texts;
};

[[noreturn]] void throw_unreadable(const std::string& device, const char* why) {
  throw Error(ErrorKind::bad_input, fmt::format("LVM on {}: {}", device, why));
}

std::optional<LvmText> read_text(GuestRoot& guest, const std::string& device, std::uint64_t area,
                                 std::uint64_t size) {
  constexpr std::uint64_t k_ignored = 1;
  LvmText text{area, size, 0, guest.read_disk(device, area, k_area_header), {}};
  const std::string& header = text.header;
  if (lvm_crc(std::string_view(header).substr(4)) != number_at(header, 0, 4) ||
      header.compare(4, k_area_magic.size(), k_area_magic) != 0) {
    throw_unreadable(device, "a metadata area is damaged");
  }
  text.offset = number_at(header, 40, 8);
  const std::uint64_t length = number_at(header, 48, 8);
  if (text.offset == 0 || (number_at(header, 60, 4) & k_ignored) != 0) {
    return std::nullopt;
  }
  if (number_at(header, 64, 8) != 0) {
    throw_unreadable(device, "its group is in the middle of a change");
  }
  if (text.offset < k_area_header || text.offset >= size || length == 0 ||
      length > k_longest_lvm_text || length > size - k_area_header) {
    throw_unreadable(device, "a metadata area is damaged");
  }
  const std::uint64_t first = std::min(length, size - text.offset);
  text.content = guest.read_disk(device, area + text.offset, first);
  if (first < length) {
    text.content += guest.read_disk(device, area + k_area_header, length - first);
  }
  if (lvm_crc(text.content) != number_at(header, 56, 4)) {
    throw_unreadable(device, "its text has a wrong checksum");
  }
  return text;
}

LvmVolume read_volume(GuestRoot& guest, const std::string& device) {
  LvmVolume volume;
  for (std::uint64_t sector = 0; sector < 4 && volume.label.empty(); ++sector) {
    const std::string bytes = guest.read_disk(device, sector * k_sector_size, k_sector_size);
    if (bytes.starts_with("LABELONE") && bytes.compare(24, 8, "LVM2 001") == 0 &&
        lvm_crc(std::string_view(bytes).substr(20)) == number_at(bytes, 16, 4)) {
      volume.at = sector * k_sector_size;
      volume.label = bytes;
    }
  }
  volume.header = volume.label.empty() ? 0 : number_at(volume.label, 20, 4);
  if (volume.header < 32 || volume.header > k_sector_size - k_lvm_id - 8) {
    throw_unreadable(device, "it has no label that can be read");
  }
  // Two lists of (offset, size): data, then metadata.
  std::size_t at = volume.header + k_lvm_id + 8;
  for (int list = 0; list < 2; ++list) {
    for (; at + 16 <= k_sector_size && number_at(volume.label, at, 8) != 0; at += 16) {
      const std::uint64_t size = number_at(volume.label, at + 8, 8);
      if (list == 1 && size >= 2 * k_area_header) {
        if (auto text = read_text(guest, device, number_at(volume.label, at, 8), size)) {
          volume.texts.push_back(std::move(*text));
        }
      }
    }
    at += 16;
  }
  return volume;
}

std::string without_dashes(const std::string& id) {
  return replace_all(id, "-", "");
}

void write_text(GuestRoot& guest, const std::string& device, LvmText text) {
  put_number(text.header, 56, 4, lvm_crc(text.content));
  put_number(text.header, 0, 4, lvm_crc(std::string_view(text.header).substr(4)));
  const std::uint64_t first = std::min<std::uint64_t>(text.content.size(), text.size - text.offset);
  guest.write_disk(device, text.area + text.offset, text.content.substr(0, first));
  if (first < text.content.size()) {
    guest.write_disk(device, text.area + k_area_header, text.content.substr(first));
  }
  guest.write_disk(device, text.area, text.header);
}

}  // namespace

std::string lvm_id_of(const std::string& letters) {
  std::string id = letters.substr(0, k_lvm_id);
  for (const std::size_t at : {26U, 22U, 18U, 14U, 10U, 6U}) {
    id.insert(at, 1, '-');
  }
  return id;
}

std::optional<LvmIds> read_lvm_ids(GuestRoot& guest, const std::string& device) {
  constexpr std::string_view k_key = "id = \"";
  constexpr std::size_t k_spelled = k_lvm_id + 6;
  try {
    const LvmVolume volume = read_volume(guest, device);
    LvmIds ids{lvm_id_of(volume.label.substr(volume.header, k_lvm_id)), {}, {}};
    if (!volume.texts.empty()) {
      const std::string& text = volume.texts.front().content;
      // The group's own id is the first; the name stands before the first brace.
      const std::size_t at = text.find(k_key);
      if (at != std::string::npos && at + k_key.size() + k_spelled <= text.size()) {
        ids.group = text.substr(at + k_key.size(), k_spelled);
        ids.name = text.substr(0, text.find_first_of(" {"));
      }
    }
    return ids;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_input) {
      throw;
    }
    return std::nullopt;
  }
}

// The text is "GROUP {", "id = ...", then sections; in that of logical volumes, an id is the first
// line of its volume: "NAME {", "id = ...". lvcreate allows no brace and no blank in a name.
std::string volume_of_ids(GuestRoot& guest, const std::string& device, std::string_view group,
                          std::string_view volume) {
  const auto ids = read_lvm_ids(guest, device);
  if (!ids || ids->group != group || volume.empty() || volume.find('"') != volume.npos) {
    return {};
  }
  for (const LvmText& text : read_volume(guest, device).texts) {
    const std::string& content = text.content;
    const std::size_t section = content.find("\nlogical_volumes {");
    const std::size_t id = section == std::string::npos
                               ? section
                               : content.find(fmt::format("id = \"{}\"", volume), section);
    const std::size_t brace = id == std::string::npos ? id : content.rfind('{', id);
    if (brace == std::string::npos || brace <= section) {
      continue;
    }
    const std::size_t line = content.rfind('\n', brace) + 1;
    const std::string_view name = trim(std::string_view(content).substr(line, brace - line));
    if (!name.empty() && name != "logical_volumes" &&
        trim(std::string_view(content).substr(brace + 1, id - brace - 1)).empty()) {
      return fmt::format("{}/{}", ids->name, name);
    }
  }
  return {};
}

void set_lvm_ids(GuestRoot& guest, const std::string& device, const model::IdChanges& changes) {
  LvmVolume volume = read_volume(guest, device);
  for (const model::IdChange& change : changes) {
    if (change.kind != IdKind::physical_volume && change.kind != IdKind::volume_group) {
      continue;
    }
    for (LvmText& text : volume.texts) {
      text.content = replace_all(std::move(text.content), change.from, change.to);
    }
    if (change.kind == IdKind::physical_volume && change.device == device) {
      volume.label.replace(volume.header, k_lvm_id, without_dashes(change.to));
    }
  }
  for (LvmText& text : volume.texts) {
    write_text(guest, device, std::move(text));
  }
  put_number(volume.label, 16, 4, lvm_crc(std::string_view(volume.label).substr(20)));
  guest.write_disk(device, volume.at, volume.label);
}

}  // namespace vmconvert::guest
