#include "allocation/lvm_label.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "allocation/crc.hpp"

namespace vmconvert::allocation {
namespace {

constexpr std::size_t k_label_sectors = 4;
constexpr std::size_t k_id_length = 32;
constexpr std::uint64_t k_area_header = 512;
constexpr std::uint64_t k_longest_text = 16 * k_mib;
constexpr std::string_view k_area_magic = " LVM2 x[5A%r0N*>";
constexpr std::uint32_t k_ignored = 1;  // raw_locn flag: this copy is not kept up to date

// The sector with the label. Two would be a riddle, and the scan of LVM itself takes the first.
std::vector<std::byte> find_label(const Volume& volume) {
  std::vector<std::byte> found;
  for (std::uint64_t sector = 0; sector < k_label_sectors; ++sector) {
    std::vector<std::byte> bytes = volume.read(sector * k_sector_size, k_sector_size);
    if (!has_text(bytes, 0, "LABELONE")) {
      continue;
    }
    if (!found.empty()) {
      refuse("it has two LVM labels");
    }
    if (load_le<std::uint64_t>(bytes, 8) != sector || !has_text(bytes, 24, "LVM2 001") ||
        lvm_crc(slice(bytes, 20, k_sector_size - 20)) != load_le<std::uint32_t>(bytes, 16)) {
      refuse("its LVM label is damaged");
    }
    found = std::move(bytes);
  }
  if (found.empty()) {
    refuse("it has no LVM label");
  }
  return found;
}

// A list of (offset, size) that ends with an offset of 0.
std::vector<model::ByteRange> read_areas(Bytes sector, std::size_t& at, const Volume& volume,
                                         bool size_may_be_zero) {
  std::vector<model::ByteRange> areas;
  while (true) {
    if (at + 16 > sector.size()) {
      refuse("its LVM label is damaged");
    }
    const auto offset = load_le<std::uint64_t>(sector, at);
    const auto size = load_le<std::uint64_t>(sector, at + 8);
    at += 16;
    if (offset == 0) {
      return areas;
    }
    // A data area of size 0 goes to the end.
    if (offset > volume.size() || size > volume.size() - offset ||
        (size == 0 && !size_may_be_zero)) {
      refuse("its LVM label points outside it");
    }
    areas.push_back({ByteCount{offset}, ByteCount{size}});
  }
}

// The committed text in one metadata area; it goes on behind the area's header where the ring ends.
std::string read_text(const Volume& volume, const model::ByteRange& area) {
  const std::uint64_t size = area.length.value;
  if (size < 2 * k_area_header) {
    refuse("an LVM metadata area is damaged");
  }
  const std::vector<std::byte> header = volume.read(area.offset.value, k_area_header);
  if (lvm_crc(slice(header, 4, k_area_header - 4)) != load_le<std::uint32_t>(header, 0) ||
      !has_text(header, 4, k_area_magic) || load_le<std::uint32_t>(header, 20) != 1 ||
      load_le<std::uint64_t>(header, 24) != area.offset.value ||
      load_le<std::uint64_t>(header, 32) != size) {
    refuse("an LVM metadata area is damaged");
  }
  const auto offset = load_le<std::uint64_t>(header, 40);
  const auto length = load_le<std::uint64_t>(header, 48);
  const auto checksum = load_le<std::uint32_t>(header, 56);
  if ((load_le<std::uint32_t>(header, 60) & k_ignored) != 0) {
    refuse("its LVM metadata is kept on other physical volumes");
  }
  if (offset == 0) {
    refuse("it belongs to no volume group");
  }
  if (load_le<std::uint64_t>(header, 64) != 0) {  // a second, precommitted text
    refuse("its volume group is in the middle of a change");
  }
  if (offset < k_area_header || offset >= size || length == 0 || length > k_longest_text ||
      length > size - k_area_header) {
    refuse("an LVM metadata area is damaged");
  }
  const std::uint64_t first = std::min(length, size - offset);
  std::vector<std::byte> bytes = volume.read(area.offset.value + offset, first);
  const std::vector<std::byte> rest =
      volume.read(area.offset.value + k_area_header, length - first);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  if (lvm_crc(bytes) != checksum) {
    refuse("its LVM metadata has a wrong checksum");
  }
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!text.empty() && text.back() == '\0') {
    text.pop_back();  // it is written as a C string
  }
  return text;
}

}  // namespace

LvmLabel read_lvm_label(const Volume& volume) {
  const std::vector<std::byte> sector = find_label(volume);
  std::size_t at = load_le<std::uint32_t>(sector, 20);  // of the header, in this sector
  if (at < 32 || at > k_sector_size - k_id_length - 8) {
    refuse("its LVM label is damaged");
  }
  LvmLabel label;
  label.id.assign(reinterpret_cast<const char*>(sector.data()) + at, k_id_length);
  label.size = load_le<std::uint64_t>(sector, at + k_id_length);
  if (label.size > volume.size()) {
    refuse("it is larger than its place");
  }
  at += k_id_length + 8;
  static_cast<void>(read_areas(sector, at, volume, true));  // data: the text says it better
  label.reserved = read_areas(sector, at, volume, false);
  const std::vector<model::ByteRange> texts = label.reserved;
  // The extension: version, flags, areas for boot loaders.
  if (at + 8 <= sector.size() && load_le<std::uint32_t>(sector, at) != 0) {
    at += 8;
    const std::vector<model::ByteRange> loaders = read_areas(sector, at, volume, true);
    label.reserved.insert(label.reserved.end(), loaders.begin(), loaders.end());
  }
  if (texts.empty()) {
    refuse("its LVM metadata is kept on other physical volumes");
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::string text = read_text(volume, texts[i]);
    if (i > 0 && text != label.text) {
      refuse("its copies of the LVM metadata differ");
    }
    label.text = std::move(text);
  }
  return label;
}

}  // namespace vmconvert::allocation
