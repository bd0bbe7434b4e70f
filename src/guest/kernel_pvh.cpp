// Facts: xen/include/public/elfnote.h (the note), Documentation/arch/x86/boot.rst (the payload of a
// bzImage), arch/x86/xen/Kconfig: XEN_PVH is of Linux 4.11, and before that it was the name of
// another, abandoned mode. Since 5.0 a kernel with PVH alone has the entry for KVM and panics on
// Xen.
#include "guest/kernel_pvh.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/ask_or.hpp"
#include "base/text.hpp"
#include "guest/initramfs_cpio.hpp"
#include "guest/initramfs_frames.hpp"
#include "guest/inspect.hpp"

namespace vmconvert::guest {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t k_unpacked_limit = 512U << 20U;
constexpr std::uint64_t k_notes_limit = 64U << 10U;  // of one segment; a kernel's are 500 bytes
constexpr std::size_t k_most_segments = 64;
constexpr std::uint64_t k_phys32_entry = 18;
constexpr std::uint64_t k_segment_of_notes = 4;  // PT_NOTE

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
  }
  return value;
}

struct NoteSegment {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

bool has_entry(std::string_view notes) {
  const auto padded = [](std::uint64_t size) { return (size + 3) / 4 * 4; };
  while (notes.size() >= 12) {
    const std::uint64_t name = number_at(notes, 0, 4);
    const std::uint64_t content = number_at(notes, 4, 4);
    if (number_at(notes, 8, 4) == k_phys32_entry && notes.substr(12, name) == "Xen\0"sv) {
      return true;
    }
    const std::uint64_t all = 12 + padded(name) + padded(content);
    notes.remove_prefix(static_cast<std::size_t>(std::min<std::uint64_t>(all, notes.size())));
  }
  return false;
}

// Only what is needed is kept of the stream: a kernel is tens of megabytes.
PvhEntry read_elf(ByteSource& source) {
  ByteStream stream(source);
  const std::string header = stream.take(52);
  if (!header.starts_with("\x7f"
                          "ELF")) {
    return PvhEntry::unread;
  }
  const bool wide = header[4] == 2;
  const std::string rest = wide ? stream.take(12) : std::string();
  const std::string elf = header + rest;
  const std::uint64_t table = wide ? number_at(elf, 32, 8) : number_at(elf, 28, 4);
  const std::size_t entry = number_at(elf, wide ? 54 : 42, 2);
  const std::size_t count = number_at(elf, wide ? 56 : 44, 2);
  if (table < elf.size() || entry < (wide ? 56U : 32U) || count > k_most_segments) {
    return PvhEntry::unread;
  }
  stream.skip(table - elf.size());
  std::vector<NoteSegment> segments;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string segment = stream.take(entry);
    if (number_at(segment, 0, 4) == k_segment_of_notes) {
      segments.push_back(wide ? NoteSegment{number_at(segment, 8, 8), number_at(segment, 32, 8)}
                              : NoteSegment{number_at(segment, 4, 4), number_at(segment, 16, 4)});
    }
  }
  std::sort(segments.begin(), segments.end(),
            [](const NoteSegment& a, const NoteSegment& b) { return a.offset < b.offset; });
  for (const NoteSegment& segment : segments) {
    if (segment.offset < stream.position() || segment.size > k_notes_limit) {
      return PvhEntry::unread;
    }
    stream.skip(segment.offset - stream.position());
    if (has_entry(stream.take(segment.size))) {
      return PvhEntry::there;
    }
  }
  return PvhEntry::missing;
}

// The kernel proper within an image, which may be it already. Empty: it cannot be told.
std::string_view payload_of(std::string_view image) {
  constexpr std::size_t k_sector = 512;
  constexpr std::uint64_t k_first_with_payload = 0x208;
  if (image.size() < 0x400 || image.substr(0x202, 4) != "HdrS") {
    return image;
  }
  if (number_at(image, 0x206, 2) < k_first_with_payload) {
    return {};
  }
  constexpr std::uint64_t k_old_setup = 4;  // what 0 stands for
  const std::uint64_t setup = number_at(image, 0x1f1, 1);
  const std::uint64_t at =
      ((setup == 0 ? k_old_setup : setup) + 1) * k_sector + number_at(image, 0x248, 4);
  const std::uint64_t length = number_at(image, 0x24c, 4);
  return at > image.size() ? std::string_view() : image.substr(at, length);
}

PvhEntry find_in(std::string_view payload) {
  if (payload.starts_with("\x7f"
                          "ELF")) {
    MemorySource memory(payload);
    return read_elf(memory);
  }
  const auto compression = compression_of(payload);
  if (!compression) {
    return PvhEntry::unread;
  }
  // Linux' build appends the unpacked size to what does not carry it itself.
  constexpr std::size_t k_size_field = 4;
  if (*compression != Compression::gzip && payload.size() > k_size_field) {
    payload.remove_suffix(k_size_field);
  }
  std::uint64_t budget = k_unpacked_limit;
  CompressedSource unpacked(*compression, payload, budget);
  return read_elf(unpacked);
}

bool before_pvh(const std::string& version) {
  return !version.empty() && std::isdigit(static_cast<unsigned char>(version.front())) != 0 &&
         compare_versions(version, "4.11") < 0;
}

}  // namespace

PvhEntry find_pvh_entry(std::string_view image) {
  const std::string_view payload = payload_of(image);
  return ask_or(PvhEntry::unread, "the kernel's ELF notes", [&] { return find_in(payload); });
}

PvhVerdict can_run_as_pvh(std::string_view image, std::string_view config,
                          const std::string& version) {
  const PvhEntry entry = find_pvh_entry(image);
  if (entry == PvhEntry::missing) {
    return {false, "its image has no entry for PVH (the ELF note XEN_ELFNOTE_PHYS32_ENTRY)"};
  }
  if (entry == PvhEntry::unread && before_pvh(version)) {
    return {false, "by its version it is older than Linux 4.11, the first with PVH"};
  }
  if (config.find("\nCONFIG_") != std::string_view::npos) {
    const bool built = config.find("\nCONFIG_XEN_PVH=y") != std::string_view::npos;
    return {built, fmt::format("its configuration {} CONFIG_XEN_PVH=y", built ? "has" : "lacks")};
  }
  if (entry == PvhEntry::there) {
    return {true, "its image has an entry for PVH (the ELF note XEN_ELFNOTE_PHYS32_ENTRY)"};
  }
  return {std::nullopt, "neither its image nor its configuration can be read"};
}

}  // namespace vmconvert::guest
