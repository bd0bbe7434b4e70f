#include "disk/copy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <xxhash.h>

#include <algorithm>
#include <mutex>

#include "base/error.hpp"
#include "disk/bytes.hpp"
#include "disk/units.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using model::Extent;
using model::ExtentKind;

// Remembers which bytes were asked for: skipped ones must not be among them.
class WatchedReader final : public BlockReader {
 public:
  explicit WatchedReader(const Bytes& bytes) : m_bytes(bytes), m_read(bytes.size()) {}
  [[nodiscard]] ByteCount size() const override { return {m_bytes.size()}; }
  void read(std::span<std::byte> buffer, ByteCount offset) override {
    const std::lock_guard lock(m_mutex);
    for (std::size_t i = 0; i < buffer.size(); ++i) {
      buffer[i] = m_bytes.at(offset.value + i);
      ++m_read[offset.value + i];
    }
  }
  [[nodiscard]] bool was_read(const Extent& extent, int times) const {
    const auto from = m_read.begin() + static_cast<long>(extent.offset.value);
    return std::all_of(from, from + static_cast<long>(extent.length.value),
                       [&](unsigned char n) { return n == times; });
  }

 private:
  const Bytes& m_bytes;
  std::mutex m_mutex;
  std::vector<unsigned char> m_read;
};

// A target in memory that insists on the port's promise: each byte once, then finish().
class MemoryTarget final : public TargetWriter {
 public:
  explicit MemoryTarget(std::size_t size) : m_bytes(size, std::byte{0xee}), m_times(size) {}
  void write(std::span<const std::byte> bytes, ByteCount offset) override {
    const std::lock_guard lock(m_mutex);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      m_bytes.at(offset.value + i) = bytes[i];
      ++m_times[offset.value + i];
    }
  }
  void write_zeros(ByteCount offset, ByteCount length) override {
    const Bytes zeros(length.value);
    write(zeros, offset);
  }
  void finish() override { m_finished = true; }
  [[nodiscard]] bool each_byte_once() const {
    return m_finished && std::all_of(m_times.begin(), m_times.end(), [](int n) { return n == 1; });
  }
  [[nodiscard]] const Bytes& bytes() const { return m_bytes; }

 private:
  std::mutex m_mutex;
  Bytes m_bytes;
  std::vector<unsigned char> m_times;
  bool m_finished = false;
};

std::vector<Extent> random_extents(std::size_t size, std::mt19937& random) {
  std::vector<Extent> extents;
  for (std::size_t at = 0; at < size;) {
    const std::size_t unit = random() % 2 == 0 ? 512 : 64 * k_kib;
    const std::size_t length = std::min((1 + random() % 40) * unit, size - at);
    const auto kind =
        std::array{ExtentKind::patched, ExtentKind::needed, ExtentKind::skipped}[random() % 3];
    extents.push_back({ByteCount{at}, ByteCount{length}, kind});
    at += length;
  }
  return extents;
}

Bytes expected_content(const std::vector<Extent>& extents, const Bytes& source,
                       const Bytes& overlay) {
  Bytes bytes(source.size());
  for (const Extent& extent : extents) {
    const Bytes& from = extent.kind == ExtentKind::patched ? overlay : source;
    if (extent.kind != ExtentKind::skipped) {
      std::copy_n(from.begin() + static_cast<long>(extent.offset.value), extent.length.value,
                  bytes.begin() + static_cast<long>(extent.offset.value));
    }
  }
  return bytes;
}

TEST(Copy, TakesEachByteFromWhereTheExtentsSay) {
  std::mt19937 random(42);
  for (int round = 0; round < 8; ++round) {
    const std::size_t size = 512 * (1 + random() % 12000);
    Bytes source = random_bytes(size, random());
    std::fill_n(source.begin() + static_cast<long>(size / 4), size / 4, std::byte{0});
    const Bytes overlay = random_bytes(size, random());
    const std::vector<Extent> extents = random_extents(size, random);
    WatchedReader source_reader(source);
    WatchedReader overlay_reader(overlay);
    MemoryTarget target(size);
    ByteCount last;
    const CopyResult result =
        copy_disk({"vda", ByteCount{size}, extents, source_reader, &overlay_reader, target},
                  [&](const model::Progress& progress) {
                    EXPECT_EQ(progress.stage, "copy");
                    EXPECT_GE(progress.done, last);
                    EXPECT_LE(progress.done, progress.total);
                    last = progress.done;
                  });
    const Bytes expected = expected_content(extents, source, overlay);
    EXPECT_TRUE(target.bytes() == expected);
    EXPECT_TRUE(target.each_byte_once());
    for (const Extent& extent : extents) {
      EXPECT_TRUE(source_reader.was_read(extent, extent.kind == ExtentKind::needed ? 1 : 0));
      EXPECT_TRUE(overlay_reader.was_read(extent, extent.kind == ExtentKind::patched ? 1 : 0));
    }
    const model::ExtentTotals sum = model::totals(extents);
    EXPECT_EQ(result.read, sum.patched + sum.needed);
    EXPECT_EQ(result.skipped, sum.skipped);
    EXPECT_EQ(last, result.read);
    EXPECT_EQ(result.checksum.text(), checksum_of(expected).text());
  }
}

TEST(Copy, RefusesExtentsThatDoNotCoverTheDisk) {
  const Bytes source(4096);
  WatchedReader reader(source);
  const auto refused = [&](std::vector<Extent> extents) {
    MemoryTarget target(4096);
    EXPECT_THROW(copy_disk({"vda", ByteCount{4096}, extents, reader, nullptr, target}, {}), Error);
  };
  refused({});
  refused({{ByteCount{0}, ByteCount{4095}, ExtentKind::needed}});
  refused({{ByteCount{0}, ByteCount{4097}, ExtentKind::needed}});
  refused({{ByteCount{1}, ByteCount{4095}, ExtentKind::needed}});
  refused({{ByteCount{0}, ByteCount{4096}, ExtentKind::patched}});
}

TEST(Checksum, KnowsTheHashOfZerosAndAChangesPlace) {
  Bytes bytes(3 * k_mib + 512);
  EXPECT_EQ(DiskChecksum(ByteCount{bytes.size()}).text(), checksum_of(bytes).text());
  EXPECT_NE(DiskChecksum(ByteCount{bytes.size()}).text(),
            DiskChecksum(ByteCount{bytes.size() + 512}).text());
  const DiskChecksum before = checksum_of(bytes);
  EXPECT_FALSE(before.first_difference(before));
  bytes[2 * k_mib + 5] = std::byte{1};
  EXPECT_EQ(checksum_of(bytes).first_difference(before), ByteCount{2 * k_mib});
  EXPECT_NE(checksum_of(bytes).text(), before.text());
  DiskChecksum none;
  EXPECT_THROW(none.set(0, bytes), Error);
}

// The definition, followed by hand: checksums outlive the program that made them.
TEST(Checksum, IsWhatItsDefinitionSays) {
  const Bytes bytes = random_bytes(2 * k_mib + 1000, 77);
  Bytes list(16);
  store_le<std::uint64_t>(list, 0, bytes.size());
  store_le<std::uint64_t>(list, 8, 1048576);
  for (std::size_t at = 0; at < bytes.size(); at += k_mib) {
    const XXH128_hash_t hash =
        XXH3_128bits(bytes.data() + at, std::min<std::size_t>(k_mib, bytes.size() - at));
    for (const std::uint64_t half : {hash.high64, hash.low64}) {
      for (int shift = 56; shift >= 0; shift -= 8) {
        list.push_back(static_cast<std::byte>(half >> shift));
      }
    }
  }
  const XXH128_hash_t root = XXH3_128bits(list.data(), list.size());
  EXPECT_EQ(checksum_of(bytes).text(),
            fmt::format("xxh3-128:{:016x}{:016x}", root.high64, root.low64));
}

TEST(Units, FindZerosOfAnyLength) {
  for (std::size_t size = 0; size < 70; ++size) {
    Bytes bytes(size);
    EXPECT_TRUE(is_zero(bytes)) << size;
    for (std::size_t at = 0; at < size; ++at) {
      bytes[at] = std::byte{0x40};
      EXPECT_FALSE(is_zero(bytes)) << size << " " << at;
      bytes[at] = std::byte{0};
    }
  }
}

}  // namespace
}  // namespace vmconvert::disk
