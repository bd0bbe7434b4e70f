// Programs for UEFI, header only: the sections of a PE/COFF file, a kernel with its initrd and its
// arguments in one such file (a unified kernel image), systemd-boot. Used by fixers and by the boot
// path. The files are the guest's: no offset and no size in them is believed before it was checked.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vmconvert::efi {

// Unified kernel images have tens of megabytes, with firmware in the initrd hundreds.
inline constexpr std::uint64_t k_largest_program = 512U << 20U;
// Of the texts in one: a kernel takes 4 KiB of arguments, os-release has a few hundred bytes.
inline constexpr std::size_t k_longest_text = 64U << 10U;

// Little-endian; 0 where the bytes end before.
inline std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  if (at > bytes.size() || size > bytes.size() - at) {
    return 0;
  }
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

struct Section {
  std::string_view name;
  std::string_view content;      // as long as it is in memory
  std::size_t header = 0;        // where its line of the table is
  std::uint32_t address = 0;     // in memory
  std::uint32_t file_at = 0;     // of its bytes in the file, and how many there are: filled up to
  std::uint32_t file_bytes = 0;  // a multiple of 512, mostly
};

// Places in the file, by the PE/COFF specification ("MS-DOS Stub", "COFF File Header", "Optional
// Header"); nothing if it is no such file.
struct PeHeader {
  std::size_t coff = 0, optional = 0, table = 0;
  std::size_t sections = 0;
};

inline std::optional<PeHeader> pe_header(std::string_view program) {
  constexpr std::size_t k_place = 0x3c, k_coff_bytes = 20;
  if (!program.starts_with("MZ") || program.size() < k_place + 4) {
    return std::nullopt;
  }
  const std::size_t at = number_at(program, k_place, 4);
  if (at > program.size() || program.substr(at, 4) != std::string_view("PE\0\0", 4) ||
      program.size() - at < 4 + k_coff_bytes) {
    return std::nullopt;
  }
  PeHeader header;
  header.coff = at + 4;
  header.sections = number_at(program, header.coff + 2, 2);
  header.optional = header.coff + k_coff_bytes;
  header.table = header.optional + number_at(program, header.coff + 16, 2);
  return header;
}

// Nothing if the file is no program, or if its table of sections, or one of them, leaves it.
inline std::optional<std::vector<Section>> sections_of(std::string_view program) {
  constexpr std::size_t k_line = 40, k_name = 8, k_most = 256;
  const auto header = pe_header(program);
  if (!header || header->sections == 0 || header->sections > k_most ||
      header->table > program.size() ||
      header->sections * k_line > program.size() - header->table) {
    return std::nullopt;
  }
  std::vector<Section> found;
  for (std::size_t i = 0; i < header->sections; ++i) {
    Section section;
    section.header = header->table + i * k_line;
    const std::string_view name = program.substr(section.header, k_name);
    section.name = name.substr(0, name.find('\0'));
    const std::uint32_t in_memory = number_at(program, section.header + 8, 4);
    section.address = number_at(program, section.header + 12, 4);
    section.file_bytes = number_at(program, section.header + 16, 4);
    section.file_at = number_at(program, section.header + 20, 4);
    if (section.file_bytes != 0 && (section.file_at > program.size() ||
                                    section.file_bytes > program.size() - section.file_at)) {
      return std::nullopt;
    }
    // What is in memory alone is zeros; what fills up the file is no content.
    section.content =
        section.file_bytes == 0
            ? std::string_view()
            : program.substr(section.file_at, std::min(in_memory, section.file_bytes));
    found.push_back(section);
  }
  return found;
}

// A table of certificates: its place and size are the fifth pair of the optional header's
// directories. What is signed must not be changed.
inline bool is_signed(std::string_view program) {
  constexpr std::uint32_t k_64_bits = 0x20b;
  const auto header = pe_header(program);
  if (!header) {
    return false;
  }
  const bool wide = number_at(program, header->optional, 2) == k_64_bits;
  const std::size_t directories = header->optional + (wide ? 112U : 96U);
  constexpr std::size_t k_certificates = 4;
  return number_at(program, directories + k_certificates * 8 + 4, 4) != 0;
}

// "255.4-1-arch" of systemd-boot; nothing for other programs. By the words that systemd's own
// bootctl knows it by.
inline std::optional<std::string> systemd_boot_version(std::string_view program) {
  constexpr std::string_view k_mark = "#### LoaderInfo: systemd-boot ";
  constexpr std::size_t k_longest = 64;
  const std::size_t at = program.find(k_mark);
  if (!program.starts_with("MZ") || at == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view version = program.substr(at + k_mark.size(), k_longest);
  version = version.substr(0, version.find_first_of(std::string_view(" #\0", 3)));
  return std::string(version);
}

// Bytes of the program that this was read from.
struct UnifiedKernel {
  std::string_view kernel;   // .linux
  std::string_view initrd;   // .initrd; empty if there is none
  std::string_view release;  // .osrel: an os-release file
  std::string arguments;     // .cmdline in one line, without blanks around it
  std::string version;       // .uname
};

inline std::string text_in(std::string_view content) {
  content = content.substr(0, std::min(content.find('\0'), k_longest_text));
  const auto is_space = [](char byte) { return std::isspace(static_cast<unsigned char>(byte)); };
  while (!content.empty() && is_space(content.front())) {
    content.remove_prefix(1);
  }
  while (!content.empty() && is_space(content.back())) {
    content.remove_suffix(1);
  }
  return std::string(content);
}

// The section that counts when nobody chooses a profile: of the sections before the first
// ".profile" the first of that name, unless that profile brings its own (UAPI.5, "Multi-profile
// UKIs").
inline const Section* find_section(const std::vector<Section>& sections, std::string_view name) {
  const Section* found = nullptr;
  int profiles = 0;
  bool own = false;
  for (const Section& section : sections) {
    profiles += section.name == ".profile" ? 1 : 0;
    if (profiles > 1) {
      break;
    }
    if (section.name == name && (found == nullptr || (profiles == 1 && !own))) {
      found = &section;
      own = profiles == 1;
    }
  }
  return found;
}

inline std::optional<UnifiedKernel> read_unified_kernel(std::string_view program) {
  const auto sections = sections_of(program);
  const Section* kernel = sections ? find_section(*sections, ".linux") : nullptr;
  if (kernel == nullptr) {
    return std::nullopt;
  }
  const auto content = [&](std::string_view name) {
    const Section* section = find_section(*sections, name);
    return section == nullptr ? std::string_view() : section->content;
  };
  std::string arguments = text_in(content(".cmdline"));
  std::replace(arguments.begin(), arguments.end(), '\n', ' ');  // the kernel takes both
  return UnifiedKernel{kernel->content, content(".initrd"), content(".osrel"), std::move(arguments),
                       text_in(content(".uname"))};
}

// The program with other arguments in it, in the room that their section has in the file and in
// memory. Nothing if there is not enough, or if other bytes of the file's are in it.
inline std::optional<std::string> with_arguments(std::string_view program, std::string_view text) {
  constexpr std::size_t k_image_size = 56;  // in the optional header
  const auto header = pe_header(program);
  const auto sections = sections_of(program);
  const Section* cmdline = sections ? find_section(*sections, ".cmdline") : nullptr;
  if (cmdline == nullptr || text.size() > cmdline->file_bytes) {
    return std::nullopt;
  }
  const std::size_t table_end = header->table + sections->size() * std::size_t{40};
  std::uint64_t end = number_at(program, header->optional + k_image_size, 4);
  for (const Section& other : *sections) {
    if (other.address > cmdline->address) {
      end = std::min<std::uint64_t>(end, other.address);
    }
    const bool apart = other.header == cmdline->header ||
                       std::uint64_t{other.file_at} + other.file_bytes <= cmdline->file_at ||
                       std::uint64_t{cmdline->file_at} + cmdline->file_bytes <= other.file_at;
    if (other.file_bytes != 0 && (!apart || other.file_at < table_end)) {
      return std::nullopt;
    }
  }
  if (end < std::uint64_t{cmdline->address} + text.size()) {
    return std::nullopt;
  }
  std::string changed(program);
  changed.replace(cmdline->file_at, cmdline->file_bytes, cmdline->file_bytes, '\0');
  changed.replace(cmdline->file_at, text.size(), text);
  for (std::size_t i = 0; i < 4; ++i) {
    changed[cmdline->header + 8 + i] = static_cast<char>(text.size() >> (8 * i));
  }
  return changed;
}

}  // namespace vmconvert::efi
