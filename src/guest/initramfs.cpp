#include "guest/initramfs.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "guest/guest_root.hpp"
#include "guest/initramfs_cpio.hpp"
#include "guest/initramfs_frames.hpp"

namespace vmconvert::guest {
namespace {

struct Budget {
  CpioBudget cpio;
  std::uint64_t output = k_gib;  // of all that is decompressed
};

// The member at the start of `rest`; returns its length.
std::size_t read_member(std::string_view rest, Budget& budget, const CpioHandler& handler) {
  if (starts_cpio(rest)) {
    MemorySource source(rest);
    ByteStream stream(source);
    read_cpio(stream, budget.cpio, handler);
    return stream.position();
  }
  const auto compression = compression_of(rest);
  if (!compression) {
    throw Error(ErrorKind::bad_input,
                "the initramfs image holds something that is neither a cpio archive nor compressed "
                "with gzip, xz, lzma, bzip2, lz4 or zstd");
  }
  CompressedSource source(*compression, rest, budget.output);
  ByteStream stream(source);
  for (stream.skip_zeros(); !stream.at_end(); stream.skip_zeros()) {
    read_cpio(stream, budget.cpio, handler);
  }
  return source.consumed();
}

void walk(std::string_view image, const CpioHandler& handler) {
  Budget budget;
  std::size_t members = 0;
  for (;;) {
    image.remove_prefix(std::min(image.find_first_not_of('\0'), image.size()));
    if (image.empty()) {
      break;
    }
    const std::size_t length = read_member(image, budget, handler);
    if (length == 0 || length > image.size()) {
      throw Error(ErrorKind::internal, "an initramfs member without an end");
    }
    image.remove_prefix(length);
    ++members;
  }
  if (members == 0) {
    throw Error(ErrorKind::bad_input, "the initramfs image is empty");
  }
}

std::string driver_name(std::string_view path) {
  std::string name(path.substr(path.rfind('/') + 1));
  for (const std::string_view suffix : {".gz", ".xz", ".zst", ".bz2", ".lzma", ".lz4"}) {
    if (name.ends_with(suffix)) {
      name.resize(name.size() - suffix.size());
      break;
    }
  }
  if (!name.ends_with(".ko")) {
    return {};
  }
  name.resize(name.size() - 3);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace

std::vector<std::string> list_initramfs(std::string_view image) {
  std::vector<std::string> names;
  walk(image, [&](const CpioEntry& entry, const auto&) { names.push_back(entry.name); });
  return names;
}

std::optional<std::string> read_initramfs_file(std::string_view image, std::string_view path) {
  std::optional<std::string> found;
  walk(image, [&](const CpioEntry& entry, const auto& content) {
    if (entry.name != path) {
      return;
    }
    if (!S_ISREG(entry.mode)) {
      found.reset();
      return;
    }
    if (entry.size > GuestRoot::k_text_limit) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{} in the initramfs image has {} bytes", path, entry.size));
    }
    // Of several names for one file, the last one in the archive carries the content.
    if (entry.size != 0 || entry.links < 2 || !found) {
      found = content();
    }
  });
  return found;
}

bool initramfs_holds(std::string_view image, const std::vector<std::string>& values) {
  constexpr std::uint64_t k_largest = 1U << 20U;
  const auto any_in = [&](std::string_view text) {
    return std::any_of(values.begin(), values.end(), [&](const std::string& value) {
      return text.find(value) != std::string_view::npos;
    });
  };
  bool found = false;
  walk(image, [&](const CpioEntry& entry, const auto& content) {
    found = found || any_in(entry.name) ||
            (entry.size <= k_largest && driver_name(entry.name).empty() && any_in(content()));
  });
  return found;
}

bool initramfs_has_driver(const std::vector<std::string>& paths, std::string_view driver) {
  const std::string wanted = driver_name(std::string(driver) + ".ko");
  return std::any_of(paths.begin(), paths.end(),
                     [&](const std::string& path) { return driver_name(path) == wanted; });
}

}  // namespace vmconvert::guest
