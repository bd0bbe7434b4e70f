#include "guest/array_ids.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "base/text.hpp"
#include "guest/raw_bytes.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_md_block = 4096;  // of a superblock, of a bitmap's header
constexpr std::uint64_t k_md_magic = 0xa92b4efc;
constexpr std::size_t k_md_uuid = 16;
constexpr std::size_t k_md_group = 4;

// A superblock of 0.90 keeps the UUID as four numbers, in places of its own, of which mdadm and
// blkid write the highest byte first; one of 1.x as it is written.
constexpr std::array<std::size_t, 4> k_places_of_0 = {20, 52, 56, 60};
constexpr std::array<std::size_t, 4> k_places_of_1 = {16, 20, 24, 28};

struct Superblock {
  std::uint64_t at = 0;       // on the member
  bool first_format = false;  // 0.90
  std::string bytes;
  std::optional<std::uint64_t> bitmap;  // on the member
};

std::uint32_t folded(std::uint64_t sum) {
  return static_cast<std::uint32_t>((sum & 0xffffffffU) + (sum >> 32U));
}

std::size_t checksum_place(bool first_format) {
  return first_format ? 152 : 216;
}

// The sum of all numbers of four bytes, the checksum's own place being zero.
std::uint32_t checksum(const Superblock& block, std::size_t length) {
  std::string bytes = block.bytes;
  put_number(bytes, checksum_place(block.first_format), 4, 0);
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (; at + 4 <= length; at += 4) {
    sum += number_at(bytes, at, 4);
  }
  if (at + 2 == length) {
    sum += number_at(bytes, at, 2);
  }
  return folded(sum);
}

std::size_t checked_length(const Superblock& block) {
  constexpr std::size_t k_fixed_part = 256;
  constexpr std::size_t k_most_devices = (k_md_block - k_fixed_part) / 2;
  const std::uint64_t devices = number_at(block.bytes, 220, 4);
  if (block.first_format) {
    return k_md_block;
  }
  return devices > k_most_devices ? 0 : k_fixed_part + 2 * devices;
}

bool is_whole(const Superblock& block) {
  const std::size_t length = checked_length(block);
  return length != 0 &&
         number_at(block.bytes, checksum_place(block.first_format), 4) == checksum(block, length);
}

// Version 0.90, behind which its bitmap lies.
bool read_first_format(Superblock& block) {
  constexpr std::uint64_t k_has_bitmap = 1U << 8U;
  constexpr std::uint64_t k_plain = 90;  // 91: in the middle of a reshaping
  block.first_format = true;
  if (number_at(block.bytes, 4, 4) != 0 || number_at(block.bytes, 8, 4) != k_plain) {
    return false;
  }
  if ((number_at(block.bytes, 132, 4) & k_has_bitmap) != 0) {
    block.bitmap = block.at + k_md_block;
  }
  return true;
}

bool read_later_format(Superblock& block) {
  constexpr std::uint64_t k_has_bitmap = 1;
  // Bad blocks, a recovery under way, replacements, several zones of a linear or striped array:
  // nothing of these holds the UUID. Journals, partial parity, clusters and reshaping are left out.
  constexpr std::uint64_t k_harmless = k_has_bitmap | 2U | 8U | 16U | 128U | 4096U;
  const std::uint64_t features = number_at(block.bytes, 8, 4);
  if (number_at(block.bytes, 4, 4) != 1 || (features & ~k_harmless) != 0 ||
      number_at(block.bytes, 144, 8) != block.at / k_sector_size) {
    return false;
  }
  if ((features & k_has_bitmap) != 0) {
    const auto offset = static_cast<std::int32_t>(number_at(block.bytes, 96, 4));
    const std::int64_t at =
        static_cast<std::int64_t>(block.at) + std::int64_t{offset} * std::int64_t{k_sector_size};
    const std::int64_t sectors = k_md_block / k_sector_size;
    if ((offset > -sectors && offset < sectors) || at < 0) {  // over the superblock itself
      return false;
    }
    block.bitmap = static_cast<std::uint64_t>(at);
  }
  return true;
}

// Where md looks: at the end, at the end in a later format, at the beginning, 4 KiB after it.
std::optional<Superblock> read_superblock(GuestRoot& guest, const std::string& device,
                                          ByteCount size) {
  constexpr std::uint64_t k_reserved = 64 * k_kib;  // for 0.90, and its place is a multiple of it
  if (size.value < 2 * k_reserved) {
    return std::nullopt;
  }
  const std::uint64_t end = size.value / k_sector_size;
  for (const auto& [first, at] :
       {std::pair{true, size.value / k_reserved * k_reserved - k_reserved},
        {false, (end - 16) / 8 * 8 * k_sector_size},
        {false, std::uint64_t{0}},
        {false, std::uint64_t{k_md_block}}}) {
    Superblock block{at, false, guest.read_disk(device, at, k_md_block), {}};
    if (block.bytes.size() == k_md_block && number_at(block.bytes, 0, 4) == k_md_magic &&
        (first ? read_first_format(block) : read_later_format(block)) && is_whole(block) &&
        block.bitmap.value_or(0) <= size.value - k_md_block) {
      return block;
    }
  }
  return std::nullopt;
}

const std::array<std::size_t, 4>& places(const Superblock& block) {
  return block.first_format ? k_places_of_0 : k_places_of_1;
}

std::string uuid_of(const Superblock& block) {
  std::string text;
  for (std::size_t i = 0; i < k_md_uuid; ++i) {
    const std::size_t in_group =
        block.first_format ? k_md_group - 1 - i % k_md_group : i % k_md_group;
    text += fmt::format(
        "{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
        static_cast<unsigned char>(block.bytes[places(block)[i / k_md_group] + in_group]));
  }
  return text;
}

// As the bytes lie in a superblock, in their order.
std::optional<std::string> bytes_of(const std::string& uuid, bool first_format) {
  const std::string digits = replace_all(uuid, "-", "");
  if (digits.size() != 2 * k_md_uuid ||
      digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return std::nullopt;
  }
  std::string bytes(k_md_uuid, '\0');
  for (std::size_t i = 0; i < k_md_uuid; ++i) {
    const std::size_t in_group = first_format ? k_md_group - 1 - i % k_md_group : i % k_md_group;
    bytes[i / k_md_group * k_md_group + in_group] =
        static_cast<char>(std::stoi(digits.substr(2 * i, 2), nullptr, 16));
  }
  return bytes;
}

// Its header: "bitm", version, UUID. With another UUID than the array's, md does not take it.
void set_bitmap(GuestRoot& guest, const std::string& device, std::uint64_t at,
                const std::string& from, const std::string& to) {
  constexpr std::string_view k_bitmap = "bitm";
  constexpr std::size_t k_uuid_at = 8;
  std::string header = guest.read_disk(device, at, k_md_block);
  if (header.starts_with(k_bitmap) && header.compare(k_uuid_at, k_md_uuid, from) == 0) {
    header.replace(k_uuid_at, k_md_uuid, to);
    guest.write_disk(device, at, header);
  }
}

}  // namespace

std::optional<std::string> read_array_id(GuestRoot& guest, const std::string& device,
                                         ByteCount size) {
  const auto block = read_superblock(guest, device, size);
  return block ? std::optional(uuid_of(*block)) : std::nullopt;
}

std::optional<unsigned> read_array_number(GuestRoot& guest, const std::string& device,
                                          ByteCount size) {
  const auto block = read_superblock(guest, device, size);
  return block && block->first_format
             ? std::optional(static_cast<unsigned>(number_at(block->bytes, 44, 4)))
             : std::nullopt;
}

bool set_array_id(GuestRoot& guest, const std::string& device, ByteCount size,
                  const std::string& from, const std::string& to) {
  auto block = read_superblock(guest, device, size);
  if (!block || uuid_of(*block) != from) {
    return false;
  }
  const auto before = bytes_of(from, block->first_format);
  const auto after = bytes_of(to, block->first_format);
  if (!before || !after) {
    return false;
  }
  for (std::size_t group = 0; group < places(*block).size(); ++group) {
    block->bytes.replace(places(*block)[group], k_md_group, *after, group * k_md_group, k_md_group);
  }
  put_number(block->bytes, checksum_place(block->first_format), 4,
             checksum(*block, checked_length(*block)));
  if (block->bitmap) {
    set_bitmap(guest, device, *block->bitmap, *before, *after);
  }
  guest.write_disk(device, block->at, block->bytes);
  return true;
}

}  // namespace vmconvert::guest
