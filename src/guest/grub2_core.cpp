// A core image is diskboot.img (one sector), a small program that unpacks the rest, and the rest:
// raw LZMA of GRUB's kernel followed by a list of modules, one of which is the prefix. The
// unpacking program tells the sizes but not where the packed bytes start, so that place is looked
// for.
#include "guest/grub2_core.hpp"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/units.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_packed_size_at = k_sector_size + 0x08;
constexpr std::size_t k_unpacked_size_at = k_sector_size + 0x0c;
// The unpacking program has between 2 and 4 KiB in all releases since 2.00.
constexpr std::size_t k_first_start = k_sector_size + 0x600;
constexpr std::size_t k_last_start = k_sector_size + 0x2000;
constexpr std::size_t k_most_unpacked = 4U << 20U;
constexpr std::size_t k_most_core = 4U << 20U;
// Of all that is unpacked while the start is looked for. What is no start mostly ends at once; a
// core made for the purpose would keep us for minutes.
constexpr std::size_t k_most_work = 64U << 20U;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

// Nothing unless exactly `size` bytes come out; `work` is what may still come out, and is taken
// from.
std::optional<std::string> unpack(std::string_view packed, std::size_t size, std::size_t& work) {
  lzma_options_lzma options = {};
  options.dict_size = 1U << 16U;
  options.lc = 3;
  options.lp = 0;
  options.pb = 2;
  const std::array<lzma_filter, 2> filters = {
      {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, nullptr}}};
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_raw_decoder(&stream, filters.data()) != LZMA_OK) {
    return std::nullopt;
  }
  std::string out(size, '\0');
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = out.size();
  const lzma_ret result = lzma_code(&stream, LZMA_RUN);
  work -= std::min(work, size - stream.avail_out);
  const bool whole = (result == LZMA_OK || result == LZMA_STREAM_END) && stream.avail_out == 0;
  lzma_end(&stream);
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

std::string text_of(std::string_view bytes) {
  constexpr std::size_t k_longest = 64U << 10U;
  return std::string(bytes.substr(0, std::min(bytes.find('\0'), k_longest)));
}

// Numbers of 32 bits, or of 64 behind four bytes that fill up.
enum class Width { bits_32, bits_64 };

// The list of modules: "mimg", where the first one is, the list's size; each has a type and a size.
std::optional<Grub2Core> read_modules(std::string_view image, Width width) {
  const bool wide = width == Width::bits_64;
  const std::size_t header = wide ? 24 : 12;
  constexpr std::uint32_t k_config = 2;
  constexpr std::uint32_t k_prefix = 3;
  constexpr std::size_t k_most_modules =
      4096;  // in all lists: "mimg" may stand there a million times
  std::size_t modules = 0;
  for (auto at = image.find("mimg"); at != std::string_view::npos;
       at = image.find("mimg", at + 1)) {
    if (image.size() - at < header) {
      break;
    }
    // Of 64 bits the lower half: what does not fit in it is in no image.
    const std::string_view list = image.substr(at, number_at(image, at + (wide ? 16 : 8)));
    std::size_t next = number_at(image, at + (wide ? 8 : 4));
    Grub2Core core;
    while (next >= header && next < list.size() && list.size() - next >= 8 &&
           modules < k_most_modules) {
      ++modules;
      const std::uint32_t type = number_at(list, next);
      const std::uint32_t size = number_at(list, next + 4);
      if (size < 8 || size > list.size() - next) {
        break;
      }
      const std::string_view body = list.substr(next + 8, size - 8);
      if (type == k_prefix) {
        core.prefix = text_of(body);
      } else if (type == k_config) {
        core.config = text_of(body);
      }
      next += size;
    }
    if (!core.prefix.empty()) {
      return core;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Grub2Core> read_grub2_core(std::string_view core) {
  core = core.substr(0, k_most_core);
  if (core.size() < k_first_start) {
    return std::nullopt;
  }
  const std::size_t packed = number_at(core, k_packed_size_at);
  const std::size_t unpacked = number_at(core, k_unpacked_size_at);
  if (packed == 0 || packed > core.size() || unpacked == 0 || unpacked > k_most_unpacked) {
    return std::nullopt;
  }
  std::size_t work = k_most_work;
  for (std::size_t start = k_first_start; start < k_last_start && start < core.size() && work > 0;
       ++start) {
    // Every LZMA stream starts with a zero byte, and what it unpacks to does not start with one.
    if (core[start] != '\0' || (start + 1 < core.size() && core[start + 1] == '\0')) {
      continue;
    }
    if (const auto image = unpack(core.substr(start, packed), unpacked, work)) {
      if (auto found = read_modules(*image, Width::bits_32)) {
        return found;
      }
    }
  }
  return std::nullopt;
}

std::optional<Grub2Core> read_grub2_efi(std::string_view program) {
  constexpr std::size_t k_most_program = 64U << 20U;
  program = program.substr(0, k_most_program);
  const auto found = read_modules(program, Width::bits_64);
  return found ? found : read_modules(program, Width::bits_32);
}

}  // namespace vmconvert::guest
