// libarchive decompresses. But its readers of xz, zstd and lz4 take what follows a frame for more
// of the same, and fail on the plain cpio archive that an image may go on with. So the end of such
// a frame is found first, from its own structure, and the decoder gets no byte more.
#include "guest/initramfs_frames.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <lzma.h>

#include <array>
#include <cstdlib>

#include "base/error.hpp"
#include "base/owned.hpp"
#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

using namespace std::string_view_literals;

struct Format {
  Compression compression;
  std::string_view magic;
  int filter;
};

constexpr std::array k_formats = {
    Format{Compression::gzip, "\x1f\x8b"sv, ARCHIVE_FILTER_GZIP},
    Format{Compression::bzip2, "BZh"sv, ARCHIVE_FILTER_BZIP2},
    Format{Compression::xz,
           "\xfd"
           "7zXZ\0"sv,
           ARCHIVE_FILTER_XZ},
    Format{Compression::lz4, "\x04\x22\x4d\x18"sv, ARCHIVE_FILTER_LZ4},
    Format{Compression::lz4_legacy, "\x02\x21\x4c\x18"sv, ARCHIVE_FILTER_LZ4},
    Format{Compression::zstd, "\x28\xb5\x2f\xfd"sv, ARCHIVE_FILTER_ZSTD},
    Format{Compression::lzma, "\x5d\0\0"sv, ARCHIVE_FILTER_LZMA},
};

[[noreturn]] void refuse_frame(std::string_view why) {
  throw Error(ErrorKind::bad_input, fmt::format("the initramfs image is damaged: {}", why));
}

// Walks over a frame without ever leaving it.
class Cursor {
 public:
  explicit Cursor(std::string_view data) : m_data(data) {}

  [[nodiscard]] std::size_t at() const { return m_at; }
  [[nodiscard]] std::size_t left() const { return m_data.size() - m_at; }
  void skip(std::uint64_t count) {
    if (count > left()) {
      refuse_frame("a compressed part is cut off");
    }
    m_at += count;
  }
  // Little endian.
  std::uint32_t number(std::size_t bytes) {
    const std::size_t from = m_at;
    skip(bytes);
    std::uint32_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) {
      value = value << 8U | static_cast<unsigned char>(m_data[from + i]);
    }
    return value;
  }

 private:
  std::string_view m_data;
  std::size_t m_at = 0;
};

// RFC 8878, section 3.1.1.
std::size_t zstd_length(std::string_view data) {
  Cursor cursor(data);
  cursor.skip(4);
  const std::uint32_t flags = cursor.number(1);
  const bool single_segment = (flags & 0x20U) != 0;
  constexpr std::array<std::size_t, 4> k_dictionary_bytes = {0, 1, 2, 4};
  constexpr std::array<std::size_t, 4> k_content_bytes = {0, 2, 4, 8};
  std::size_t more = k_dictionary_bytes[flags & 3U] + k_content_bytes[flags >> 6U];
  more += single_segment ? (flags >> 6U == 0 ? 1U : 0U) : 1U;
  cursor.skip(more);
  for (bool last = false; !last;) {
    const std::uint32_t block = cursor.number(3);
    last = (block & 1U) != 0;
    const std::uint32_t type = block >> 1U & 3U;
    cursor.skip(type == 1 ? 1 : block >> 3U);  // 1: one byte, repeated
  }
  cursor.skip((flags & 4U) != 0 ? 4 : 0);
  return cursor.at();
}

// The LZ4 frame format, 1.6.
std::size_t lz4_length(std::string_view data) {
  Cursor cursor(data);
  cursor.skip(4);
  const std::uint32_t flags = cursor.number(1);
  const bool block_checksums = (flags & 0x10U) != 0;
  cursor.skip(2U + ((flags & 8U) != 0 ? 8U : 0U) + ((flags & 1U) != 0 ? 4U : 0U));
  for (std::uint32_t size = cursor.number(4); size != 0; size = cursor.number(4)) {
    cursor.skip((size & 0x7fffffffU) + (block_checksums ? 4ULL : 0ULL));
  }
  cursor.skip((flags & 4U) != 0 ? 4 : 0);
  return cursor.at();
}

// Blocks with their size before them, until something that cannot be the size of one.
std::size_t lz4_legacy_length(std::string_view data) {
  constexpr std::uint32_t k_block = 8U << 20U;
  constexpr std::uint32_t k_largest = k_block + k_block / 255 + 16;
  Cursor cursor(data);
  cursor.skip(4);
  while (cursor.left() >= 4) {
    Cursor ahead(data.substr(cursor.at()));
    const std::uint32_t size = ahead.number(4);
    if (size == 0 || size > k_largest) {
      break;
    }
    cursor.skip(4ULL + size);
  }
  return cursor.at();
}

std::uint32_t crc32(std::string_view data) {
  return lzma_crc32(reinterpret_cast<const std::uint8_t*>(data.data()), data.size(), 0);
}

// The .xz format, 1.1: a stream is a multiple of four bytes and ends with a footer of twelve:
// CRC32, size of the index before it, the flags of the header again, "YZ".
std::size_t xz_length(std::string_view data) {
  constexpr std::size_t k_footer = 12;
  for (std::size_t end = 2 * k_footer; end <= data.size(); end += 4) {
    const std::string_view footer = data.substr(end - k_footer, k_footer);
    if (!footer.ends_with("YZ") || footer.substr(8, 2) != data.substr(6, 2)) {
      continue;
    }
    Cursor cursor(footer);
    const std::uint32_t sum = cursor.number(4);
    const std::uint64_t index = (cursor.number(4) + 1ULL) * 4;
    if (sum == crc32(footer.substr(4, 6)) && index <= end - 2 * k_footer &&
        data[end - k_footer - index] == '\0') {
      return end;
    }
  }
  refuse_frame("a part compressed with xz is cut off");
}

// liblzma gets its memory before it looks at the first compressed byte, and libarchive sets it no
// limit: a few bytes would take 4 GiB. 64 MiB is what the best of xz's own presets asks for.
constexpr std::uint64_t k_largest_dictionary = 64U << 20U;
constexpr std::uint64_t k_decoder_memory = k_largest_dictionary + (1U << 20U);

void refuse_dictionary(std::uint64_t bytes) {
  if (bytes > k_decoder_memory) {
    refuse_frame(fmt::format("decompressing it takes {} bytes of memory, more than the limit of {}",
                             bytes, k_decoder_memory));
  }
}

// The .xz format, 2 and 3: a header of twelve bytes, then that of the first block.
void check_xz_memory(std::string_view data) {
  constexpr std::size_t k_stream_header = 12;
  if (data.size() <= k_stream_header || data[k_stream_header] == '\0') {
    return;  // no block
  }
  std::array<lzma_filter, LZMA_FILTERS_MAX + 1> filters{};
  lzma_block block{};
  block.header_size =
      lzma_block_header_size_decode(static_cast<std::uint8_t>(data[k_stream_header]));
  block.check = static_cast<lzma_check>(data[k_stream_header - 5] & 0x0f);
  block.filters = filters.data();
  if (data.size() - k_stream_header < block.header_size ||
      lzma_block_header_decode(
          &block, nullptr, reinterpret_cast<const std::uint8_t*>(data.data()) + k_stream_header) !=
          LZMA_OK) {
    return;  // the decoder says what is wrong with it
  }
  const std::uint64_t memory = lzma_raw_decoder_memusage(filters.data());
  for (lzma_filter& filter : filters) {
    ::free(filter.options);  // NOLINT(cppcoreguidelines-no-malloc): liblzma's own way
    if (filter.id == LZMA_VLI_UNKNOWN) {
      break;
    }
  }
  refuse_dictionary(memory);
}

void check_memory(Compression compression, std::string_view data) {
  if (compression == Compression::lzma) {
    Cursor cursor(data);
    cursor.skip(1);
    refuse_dictionary(cursor.number(4));
  } else if (compression == Compression::xz) {
    check_xz_memory(data);
  }
}

}  // namespace

std::optional<Compression> compression_of(std::string_view data) {
  for (const Format& format : k_formats) {
    if (data.starts_with(format.magic)) {
      return format.compression;
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> frame_length(Compression compression, std::string_view data) {
  switch (compression) {
    case Compression::xz: return xz_length(data);
    case Compression::lz4: return lz4_length(data);
    case Compression::lz4_legacy: return lz4_legacy_length(data);
    case Compression::zstd: return zstd_length(data);
    default: return std::nullopt;
  }
}

struct CompressedSource::Decoder {
  Owned<archive, archive_read_free> handle;
};

CompressedSource::CompressedSource(Compression compression, std::string_view data,
                                   std::uint64_t& budget)
    : m_decoder(std::make_unique<Decoder>()),
      m_budget(budget),
      m_frame(frame_length(compression, data)) {
  check_memory(compression, data);
  m_decoder->handle.reset(archive_read_new());
  archive* handle = m_decoder->handle.get();
  if (handle == nullptr) {
    throw std::bad_alloc();
  }
  int filter = ARCHIVE_FILTER_NONE;
  for (const Format& format : k_formats) {
    filter = format.compression == compression ? format.filter : filter;
  }
  archive_entry* entry = nullptr;
  if (archive_read_support_format_raw(handle) != ARCHIVE_OK ||
      archive_read_append_filter(handle, filter) != ARCHIVE_OK ||
      archive_read_open_memory(handle, data.data(), m_frame.value_or(data.size())) != ARCHIVE_OK ||
      archive_read_next_header(handle, &entry) != ARCHIVE_OK) {
    fail();
  }
}

CompressedSource::~CompressedSource() = default;

void CompressedSource::fail() const {
  const char* why = archive_error_string(m_decoder->handle.get());
  refuse_frame(
      fmt::format("decompressing it: {}", printable(why != nullptr ? why : "unknown error")));
}

std::string_view CompressedSource::next() {
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  int result = ARCHIVE_OK;
  do {
    result = archive_read_data_block(m_decoder->handle.get(), &data, &size, &offset);
  } while (result == ARCHIVE_OK && size == 0);
  if (result == ARCHIVE_EOF) {
    return {};
  }
  if (result != ARCHIVE_OK) {
    fail();
  }
  if (size > m_budget) {
    throw Error(ErrorKind::bad_input, "the initramfs image is too large when decompressed");
  }
  m_budget -= size;
  return {static_cast<const char*>(data), size};
}

std::size_t CompressedSource::consumed() const {
  if (m_frame) {
    return *m_frame;
  }
  // Filter -1 is the one next to our memory: how far the decoder has read.
  return static_cast<std::size_t>(archive_filter_bytes(m_decoder->handle.get(), -1));
}

}  // namespace vmconvert::guest
