// Format: QEMU's docs/interop/qcow2.txt. All numbers are big-endian.
#include "disk/image_header.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/bytes.hpp"
#include "disk/file_reader.hpp"

namespace vmconvert::disk {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_header_and_names =
    64 * k_kib;  // header, extensions and the backing file's name
constexpr std::uint32_t k_image_magic = 0x514649fb;
constexpr std::uint32_t k_backing_format = 0xe2792aca;
constexpr std::uint32_t k_data_file = 0x44415441;
constexpr std::size_t k_longest_name = 1023;
constexpr std::uint32_t k_most_snapshots = 64;  // that are named; QEMU itself takes 65536
constexpr std::size_t k_deepest_chain = 16;

using Bytes = std::vector<std::byte>;

template <std::unsigned_integral T>
T load_be(std::span<const std::byte> bytes, std::size_t offset) {
  T value = 0;
  for (const std::byte byte : slice(bytes, offset, sizeof(T))) {
    value = static_cast<T>((static_cast<std::uint64_t>(value) << 8U) |
                           std::to_integer<std::uint8_t>(byte));
  }
  return value;
}

std::string text_at(std::span<const std::byte> bytes, std::size_t offset, std::size_t length) {
  if (offset > bytes.size() || length > bytes.size() - offset) {
    return {};
  }
  return {reinterpret_cast<const char*>(bytes.data()) + offset, length};
}

Bytes read_piece(FileReader& file, std::uint64_t offset, std::size_t length) {
  const std::uint64_t size = file.size().value;
  Bytes bytes(offset < size ? std::min<std::uint64_t>(length, size - offset) : 0);
  if (!bytes.empty()) {
    file.read(bytes, ByteCount{offset});
  }
  return bytes;
}

// One layer.
struct Layer {
  bool dirty = false;
  bool corrupt = false;
  std::string backing;
  std::string backing_format;
  std::string data_file;
  bool external_data = false;
  std::vector<std::string> snapshots;
};

void read_extensions(const Bytes& head, std::size_t at, Layer& layer) {
  while (at + 8 <= head.size()) {
    const auto type = load_be<std::uint32_t>(head, at);
    const std::size_t length = load_be<std::uint32_t>(head, at + 4);
    if (type == 0 || length > head.size() - at - 8) {
      return;
    }
    if (type == k_backing_format) {
      layer.backing_format = text_at(head, at + 8, length);
    } else if (type == k_data_file) {
      layer.data_file = text_at(head, at + 8, length);
    }
    at += 8 + (length + 7) / 8 * 8;
  }
}

void read_snapshots(FileReader& file, const Bytes& head, Layer& layer) {
  const auto count = load_be<std::uint32_t>(head, 60);
  std::uint64_t at = load_be<std::uint64_t>(head, 64);
  for (std::uint32_t i = 0; i < std::min(count, k_most_snapshots); ++i) {
    const Bytes entry = read_piece(file, at, 40 + 4 * k_kib);
    if (entry.size() < 40) {
      break;
    }
    const std::size_t id_length = load_be<std::uint16_t>(entry, 12);
    const std::size_t name_length = load_be<std::uint16_t>(entry, 14);
    const std::size_t extra = load_be<std::uint32_t>(entry, 36);
    if (extra > k_kib) {
      break;
    }
    layer.snapshots.push_back(
        printable(text_at(entry, 40 + extra + id_length, std::min<std::size_t>(name_length, 200))));
    at += (40 + extra + id_length + name_length + 7) / 8 * 8;
  }
  if (count > layer.snapshots.size()) {
    layer.snapshots.push_back(fmt::format("and {} more", count - layer.snapshots.size()));
  }
}

// Nothing for what is no qcow2.
std::optional<Layer> read_layer(const fs::path& path, const std::string& what) {
  FileReader file(path, what);
  const Bytes head = read_piece(file, 0, k_header_and_names);
  if (head.size() < 72 || load_be<std::uint32_t>(head, 0) != k_image_magic) {
    return std::nullopt;
  }
  Layer layer;
  const auto version = load_be<std::uint32_t>(head, 4);
  const auto backing_at = load_be<std::uint64_t>(head, 8);
  const std::size_t backing_length = load_be<std::uint32_t>(head, 16);
  if (backing_at != 0 && backing_length <= k_longest_name && backing_at < head.size()) {
    layer.backing = text_at(head, backing_at, backing_length);
  }
  std::size_t header_length = 72;
  if (version >= 3 && head.size() >= 104) {
    const auto features = load_be<std::uint64_t>(head, 72);
    layer.dirty = (features & 1U) != 0;
    layer.corrupt = (features & 2U) != 0;
    layer.external_data = (features & 4U) != 0;
    header_length = std::max<std::size_t>(load_be<std::uint32_t>(head, 100), 104);
  }
  read_extensions(head, header_length, layer);
  read_snapshots(file, head, layer);
  return layer;
}

// "json:{...}" and "nbd://..." stay as they are: they are no path, and no description names them.
fs::path resolve(const fs::path& image, const std::string& name) {
  std::string text = name.starts_with("file:") ? name.substr(5) : name;
  const auto colon = text.find(':');
  const auto slash = text.find('/');
  if (colon != std::string::npos && (slash == std::string::npos || colon < slash)) {
    return printable(text);
  }
  return (image.parent_path() / text).lexically_normal();
}

}  // namespace

model::ImageHeader read_image_header(const fs::path& path, const std::string& what) {
  model::ImageHeader header;
  fs::path current = fs::absolute(path);
  for (std::size_t depth = 0; depth < k_deepest_chain; ++depth) {
    const auto layer = read_layer(current, what);
    if (!layer) {
      if (depth == 0) {
        throw Error(ErrorKind::bad_input, fmt::format("{} is no qcow2 image", what),
                    "correct the disk's format in the description");
      }
      break;
    }
    header.dirty = header.dirty || layer->dirty;
    header.corrupt = header.corrupt || layer->corrupt;
    if (depth == 0) {
      header.snapshots = layer->snapshots;
    }
    if (layer->external_data || !layer->data_file.empty()) {
      header.chain.push_back(resolve(current, layer->data_file));
    }
    if (layer->backing.empty()) {
      break;
    }
    current = resolve(current, layer->backing);
    header.chain.push_back(current);
    std::error_code ignored;
    if (layer->backing_format != "qcow2" || !fs::is_regular_file(current, ignored)) {
      break;  // a raw layer has no further one; of another format nothing may be guessed
    }
  }
  return header;
}

}  // namespace vmconvert::disk
