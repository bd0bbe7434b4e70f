#include "guest/table_ids.hpp"

#include <fmt/format.h>
#include <lzma.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "guest/raw_bytes.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_signature = 440;  // in sector 0
// In the header of a GPT (UEFI specification, 5.3.2).
constexpr std::size_t k_gpt_crc = 16;
constexpr std::size_t k_other_header = 32;
constexpr std::size_t k_disk_guid = 56;
constexpr std::size_t k_entries_at = 72;
constexpr std::size_t k_entries_crc = 88;
constexpr std::size_t k_guid_of_entry = 16;
constexpr std::size_t k_gpt_header = 92;

std::uint32_t crc32_of(std::string_view bytes) {
  return lzma_crc32(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), 0);
}

std::string guid_bytes(const std::string& text) {
  const std::string digits = replace_all(text, "-", "");
  std::string raw(k_guid_bytes, '\0');
  for (std::size_t i = 0; i < k_guid_bytes; ++i) {
    raw[k_guid_places[i]] = static_cast<char>(std::stoi(digits.substr(2 * i, 2), nullptr, 16));
  }
  return raw;
}

struct Gpt {
  std::uint64_t sector = 0;  // of this header
  std::string header;        // its sector
  std::uint64_t entries_at = 0;
  std::string entries;
};

// A header with its entries, if both have the checksums that they should have.
std::optional<Gpt> read_gpt(GuestRoot& guest, const std::string& disk, std::uint64_t sector,
                            std::uint64_t sectors) {
  if (sector == 0 || sector >= sectors) {
    return std::nullopt;
  }
  Gpt gpt{sector, guest.read_disk(disk, sector * k_sector_size, k_sector_size), 0, {}};
  if (gpt.header.size() != k_sector_size || !gpt.header.starts_with("EFI PART")) {
    return std::nullopt;
  }
  const std::uint64_t size = number_at(gpt.header, 12, 4);
  const std::uint64_t first = number_at(gpt.header, k_entries_at, 8);
  const std::uint64_t count = number_at(gpt.header, 80, 4);
  const std::uint64_t each = number_at(gpt.header, 84, 4);
  if (size < k_gpt_header || size > k_sector_size || count == 0 || count > 1024 || each < 128 ||
      each > 4096 || first >= sectors || count * each > (sectors - first) * k_sector_size) {
    return std::nullopt;
  }
  std::string plain = gpt.header.substr(0, size);
  put_number(plain, k_gpt_crc, 4, 0);
  gpt.entries_at = first * k_sector_size;
  gpt.entries = guest.read_disk(disk, gpt.entries_at, count * each);
  if (gpt.entries.size() != count * each ||
      crc32_of(plain) != number_at(gpt.header, k_gpt_crc, 4) ||
      crc32_of(gpt.entries) != number_at(gpt.header, k_entries_crc, 4)) {
    return std::nullopt;
  }
  return gpt;
}

void write_gpt(GuestRoot& guest, const std::string& disk, Gpt gpt,
               const model::IdChanges& changes) {
  const std::size_t each = number_at(gpt.header, 84, 4);
  for (const model::IdChange& change : changes) {
    if (change.kind == model::IdKind::disk && change.device == disk) {
      gpt.header.replace(k_disk_guid, k_guid_bytes, guid_bytes(change.to));
    }
    if (change.kind != model::IdKind::partition) {
      continue;
    }
    const std::string from = guid_bytes(change.from);
    for (std::size_t at = 0; at + each <= gpt.entries.size(); at += each) {
      if (gpt.entries.compare(at + k_guid_of_entry, k_guid_bytes, from) == 0) {
        gpt.entries.replace(at + k_guid_of_entry, k_guid_bytes, guid_bytes(change.to));
      }
    }
  }
  put_number(gpt.header, k_entries_crc, 4, crc32_of(gpt.entries));
  put_number(gpt.header, k_gpt_crc, 4, 0);
  const std::string_view counted(gpt.header.data(), number_at(gpt.header, 12, 4));
  put_number(gpt.header, k_gpt_crc, 4, crc32_of(counted));
  guest.write_disk(disk, gpt.entries_at, gpt.entries);
  guest.write_disk(disk, gpt.sector * k_sector_size, gpt.header);
}

}  // namespace

std::string table_id(GuestRoot& guest, const model::TargetDisk& disk) {
  const std::uint64_t sectors = disk.size.value / k_sector_size;
  if (disk.table == model::TableKind::gpt) {
    const auto gpt = read_gpt(guest, disk.name, 1, sectors);
    return gpt ? guid_text(std::string_view(gpt->header).substr(k_disk_guid, k_guid_bytes)) : "";
  }
  if (disk.table != model::TableKind::mbr || sectors == 0) {
    return {};
  }
  const std::string sector = guest.read_disk(disk.name, 0, k_sector_size);
  const std::uint64_t signature =
      sector.size() == k_sector_size ? number_at(sector, k_signature, 4) : 0;
  return signature == 0 ? std::string() : fmt::format("{:08x}", signature);
}

void set_table_ids(GuestRoot& guest, const model::TargetDisk& disk,
                   const model::IdChanges& changes) {
  const auto table =
      std::find_if(changes.begin(), changes.end(), [&](const model::IdChange& change) {
        return change.kind == model::IdKind::disk && change.device == disk.name;
      });
  if (table == changes.end()) {
    return;
  }
  if (table->type == "mbr") {
    std::string bytes(4, '\0');
    put_number(bytes, 0, 4, std::stoul(table->to, nullptr, 16));
    guest.write_disk(disk.name, k_signature, bytes);
    return;
  }
  const std::uint64_t sectors = disk.size.value / k_sector_size;
  const auto first = read_gpt(guest, disk.name, 1, sectors);
  if (!first) {
    throw Error(ErrorKind::bad_input, fmt::format("the GPT of {} cannot be read", disk.name));
  }
  const auto second =
      read_gpt(guest, disk.name, number_at(first->header, k_other_header, 8), sectors);
  write_gpt(guest, disk.name, *first, changes);
  if (second) {
    write_gpt(guest, disk.name, *second, changes);
  }
}

}  // namespace vmconvert::guest
