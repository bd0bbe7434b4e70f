// The identifiers of GPT partition types, and the MBR types with the same meaning.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace vmconvert::disk {

using Guid = std::array<std::byte, 16>;  // as on disk

// "0FC63DAF-8483-4772-8E79-3D69D8477DE4": the first three groups are stored little-endian.
constexpr Guid parse_guid(std::string_view text) {
  constexpr std::array<std::size_t, 16> k_places = {3, 2, 1,  0,  5,  4,  7,  6,
                                                    8, 9, 10, 11, 12, 13, 14, 15};
  const auto digit = [](char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'A' + 10);
  };
  Guid guid{};
  std::size_t at = 0;
  for (const std::size_t place : k_places) {
    at += text[at] == '-' ? 1 : 0;
    guid[place] = static_cast<std::byte>(digit(text[at]) * 16 + digit(text[at + 1]));
    at += 2;
  }
  return guid;
}

inline constexpr Guid k_bios_boot = parse_guid("21686148-6449-6E6F-744E-656564454649");
inline constexpr Guid k_linux_data = parse_guid("0FC63DAF-8483-4772-8E79-3D69D8477DE4");

struct TypePair {
  std::uint8_t mbr;
  Guid guid;
};
// The first row of an MBR type is the one that is written.
inline constexpr std::array k_partition_types = {
    TypePair{0x83, k_linux_data},
    TypePair{0x82, parse_guid("0657FD6D-A4AB-43C4-84E5-0933C84B4F4F")},
    TypePair{0x8e, parse_guid("E6D6D379-F507-44C2-A23C-238F2A3DF928")},
    TypePair{0xfd, parse_guid("A19D880F-05FC-4D3B-A006-743F0F84911E")},
    TypePair{0xef, parse_guid("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")},
    TypePair{0x07, parse_guid("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")},
    TypePair{0x83, parse_guid("4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709")},  // root, x86-64
    TypePair{0x83, parse_guid("44479540-F297-41B2-9AF7-D131D5F0458A")},  // root, x86
    TypePair{0x83, parse_guid("933AC7E1-2EB4-4F13-B844-0E14E2AEF915")},  // home
};

std::uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace vmconvert::disk
