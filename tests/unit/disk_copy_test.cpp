#include "disk/copy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "base/error.hpp"
#include "disk/bytes.hpp"
#include "disk/units.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using model::Extent;
using model::ExtentKind;

std::size_t sectors(std::size_t bytes) {
  return (bytes + k_sector_size - 1) / k_sector_size;
}

void count(std::vector<unsigned char>& times, std::size_t offset, std::size_t length) {
  for (std::size_t i = offset / k_sector_size; i < sectors(offset + length); ++i) {
    ++times.at(i);
  }
}

// Remembers which sectors were asked for: skipped ones must not be among them.
class WatchedReader final : public BlockReader {
 public:
  explicit WatchedReader(const Bytes& bytes) : m_bytes(bytes), m_read(sectors(bytes.size())) {}
  [[nodiscard]] ByteCount size() const override { return {m_bytes.size()}; }
  void read(std::span<std::byte> buffer, ByteCount offset) override {
    const std::lock_guard lock(m_mutex);
    const auto part = slice(m_bytes, offset.value, buffer.size());
    std::copy(part.begin(), part.end(), buffer.begin());
    count(m_read, offset.value, buffer.size());
  }
  [[nodiscard]] bool was_read(const Extent& extent, int times) const {
    const auto from = m_read.begin() + static_cast<long>(extent.offset.value / k_sector_size);
    return std::all_of(from, from + static_cast<long>(sectors(extent.length.value)),
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
  explicit MemoryTarget(std::size_t size, ByteCount shortest_zeros = {})
      : m_bytes(size, std::byte{0xee}), m_times(sectors(size)), m_shortest_zeros(shortest_zeros) {}
  [[nodiscard]] ByteCount shortest_zeros() const override { return m_shortest_zeros; }
  [[nodiscard]] int requests() const { return m_requests; }
  void write(std::span<const std::byte> bytes, ByteCount offset) override {
    const std::lock_guard lock(m_mutex);
    ++m_requests;
    static_cast<void>(slice(m_bytes, offset.value, bytes.size()));
    std::copy(bytes.begin(), bytes.end(), m_bytes.begin() + static_cast<long>(offset.value));
    count(m_times, offset.value, bytes.size());
  }
  void write_zeros(ByteCount offset, ByteCount length) override {
    const Bytes zeros(length.value);
    write(zeros, offset);
  }
  void sync() override {}
  void finish() override { m_finished = true; }
  [[nodiscard]] bool each_byte_once() const {
    return m_finished && std::all_of(m_times.begin(), m_times.end(), [](int n) { return n == 1; });
  }
  [[nodiscard]] const Bytes& bytes() const { return m_bytes; }

 private:
  std::mutex m_mutex;
  Bytes m_bytes;
  std::vector<unsigned char> m_times;
  ByteCount m_shortest_zeros;
  int m_requests = 0;
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

class Copy : public Scratch {
 protected:
  Manifest new_manifest(std::size_t size, model::HashKind hash = model::HashKind::xxh3_128) {
    return Manifest::create(m_folder.path() / fmt::format("{}.manifest", m_next++),
                            {hash, ByteCount{size}, {}});
  }
  std::string root_of(const Bytes& bytes, model::HashKind hash = model::HashKind::xxh3_128) {
    return manifest_of(bytes, m_folder.path() / fmt::format("{}.manifest", m_next++), hash).root();
  }

 private:
  int m_next = 0;
};

// Skipped bytes that no request could have brought in besides.
bool far_from_others(const Extent& extent) {
  return extent.length.value > k_merge_gap + 2 * 4096;
}

Extent core_of(const Extent& extent) {
  return {extent.offset + ByteCount{4096}, extent.length - ByteCount{8192}, extent.kind};
}

TEST_F(Copy, TakesEachByteFromWhereTheExtentsSay) {
  std::mt19937 random(42);
  for (int round = 0; round < 8; ++round) {
    const std::size_t size = 512 * (1 + random() % 30000);
    Bytes source = random_bytes(size, random());
    std::fill_n(source.begin() + static_cast<long>(size / 4), size / 4, std::byte{0});
    const Bytes overlay = random_bytes(size, random());
    const std::vector<Extent> extents = random_extents(size, random);
    const Bytes expected = expected_content(extents, source, overlay);
    // An overlay shows the source below what it does not hold itself.
    Bytes seen_through = source;
    for (const Extent& extent : extents) {
      if (extent.kind == ExtentKind::patched) {
        std::copy_n(overlay.begin() + static_cast<long>(extent.offset.value), extent.length.value,
                    seen_through.begin() + static_cast<long>(extent.offset.value));
      }
    }
    WatchedReader source_reader(source);
    WatchedReader overlay_reader(seen_through);
    MemoryTarget target(size);
    Manifest manifest = new_manifest(size);
    ByteCount last;
    const CopyResult result = copy_disk(
        {"vda", ByteCount{size}, extents, source_reader, &overlay_reader, target, manifest},
        [&](const model::Progress& progress) {
          EXPECT_EQ(progress.stage, "copy");
          EXPECT_GE(progress.done, last);
          EXPECT_LE(progress.done, progress.total);
          last = progress.done;
        });
    EXPECT_TRUE(target.bytes() == expected);
    EXPECT_TRUE(target.each_byte_once());
    for (const Extent& extent : extents) {
      if (extent.kind == ExtentKind::skipped && far_from_others(extent)) {
        EXPECT_TRUE(source_reader.was_read(core_of(extent), 0));
        EXPECT_TRUE(overlay_reader.was_read(core_of(extent), 0));
      }
    }
    const model::ExtentTotals sum = model::totals(extents);
    EXPECT_EQ(result.read, sum.patched + sum.needed);
    EXPECT_EQ(result.skipped, sum.skipped);
    EXPECT_EQ(last, result.read);
    EXPECT_TRUE(manifest.head().complete);
    EXPECT_EQ(manifest.root(), root_of(expected));
  }
}

TEST_F(Copy, WritesShortZerosAlongWhereTheTargetWantsThat) {
  Bytes source = random_bytes(k_node_size, 8);
  const auto clear = [&](std::size_t from, std::size_t length) {
    std::fill_n(source.begin() + static_cast<long>(from), length, std::byte{0});
  };
  clear(0, 64 * k_kib);
  clear(k_mib, 192 * k_kib);
  clear(2 * k_mib, 256 * k_kib);
  const std::vector<Extent> extents = {{{}, ByteCount{k_node_size}, ExtentKind::needed}};
  const auto copy = [&](ByteCount shortest_zeros) {
    WatchedReader reader(source);
    MemoryTarget target(k_node_size, shortest_zeros);
    Manifest manifest = new_manifest(k_node_size);
    const CopyResult result =
        copy_disk({"vda", ByteCount{k_node_size}, extents, reader, nullptr, target, manifest}, {});
    EXPECT_TRUE(target.bytes() == source);
    EXPECT_TRUE(target.each_byte_once());
    EXPECT_EQ(manifest.root(), root_of(source));
    return std::pair(target.requests(), result.written.value);
  };
  EXPECT_EQ(copy({}), std::pair(6, k_node_size - 512 * k_kib));
  EXPECT_EQ(copy(ByteCount{256 * k_kib}), std::pair(3, k_node_size - 256 * k_kib));
}

TEST_F(Copy, RefusesExtentsThatDoNotCoverTheDisk) {
  const Bytes source(4096);
  WatchedReader reader(source);
  const auto refused = [&](std::vector<Extent> extents) {
    MemoryTarget target(4096);
    Manifest manifest = new_manifest(4096);
    EXPECT_THROW(
        copy_disk({"vda", ByteCount{4096}, extents, reader, nullptr, target, manifest}, {}), Error);
  };
  refused({});
  refused({{ByteCount{0}, ByteCount{4095}, ExtentKind::needed}});
  refused({{ByteCount{0}, ByteCount{4097}, ExtentKind::needed}});
  refused({{ByteCount{1}, ByteCount{4095}, ExtentKind::needed}});
  refused({{ByteCount{0}, ByteCount{4096}, ExtentKind::patched}});
}

// A disk with a sector that cannot be read.
class BadSector final : public BlockReader {
 public:
  BadSector(const Bytes& bytes, std::uint64_t bad) : m_bytes(bytes), m_bad(bad) {}
  [[nodiscard]] ByteCount size() const override { return {m_bytes.size()}; }
  void read(std::span<std::byte> buffer, ByteCount offset) override {
    if (offset.value <= m_bad && m_bad < offset.value + buffer.size()) {
      throw Error(ErrorKind::io, fmt::format("reading at byte {}: bad sector", offset.value));
    }
    std::copy_n(m_bytes.begin() + static_cast<long>(offset.value), buffer.size(), buffer.begin());
  }

 private:
  const Bytes& m_bytes;
  std::uint64_t m_bad;
};

TEST_F(Copy, ABadSectorInFreeSpaceDoesNotMatterAndOneInDataDoes) {
  const Bytes source = random_bytes(k_mib, 5);
  const std::vector<Extent> extents = {
      {ByteCount{0}, ByteCount{65536}, ExtentKind::needed},
      {ByteCount{65536}, ByteCount{16384}, ExtentKind::skipped},
      {ByteCount{81920}, ByteCount{k_mib - 81920}, ExtentKind::needed}};
  {
    BadSector reader(source, 70000);
    MemoryTarget target(k_mib);
    Manifest manifest = new_manifest(k_mib);
    copy_disk({"vda", ByteCount{k_mib}, extents, reader, nullptr, target, manifest}, {});
    EXPECT_TRUE(target.bytes() == expected_content(extents, source, source));
  }
  BadSector reader(source, 90000);
  MemoryTarget target(k_mib);
  Manifest manifest = new_manifest(k_mib);
  EXPECT_THROW(copy_disk({"vda", ByteCount{k_mib}, extents, reader, nullptr, target, manifest}, {}),
               Error);
  EXPECT_FALSE(manifest.head().complete);
}

// Stops the copy with an exception after so many reads.
class Interrupting final : public BlockReader {
 public:
  Interrupting(const Bytes& bytes, int reads) : m_bytes(bytes), m_left(reads) {}
  [[nodiscard]] ByteCount size() const override { return {m_bytes.size()}; }
  void read(std::span<std::byte> buffer, ByteCount offset) override {
    if (--m_left < 0) {
      throw Error(ErrorKind::interrupted, "stopped");
    }
    std::copy_n(m_bytes.begin() + static_cast<long>(offset.value), buffer.size(), buffer.begin());
  }

 private:
  const Bytes& m_bytes;
  std::atomic<int> m_left;
};

TEST_F(Copy, GoesOnFromTheLastCheckpoint) {
  constexpr std::size_t k_size = 24 * k_node_size + 512;
  const Bytes source = random_bytes(k_size, 9);
  const std::vector<Extent> extents = {{ByteCount{0}, ByteCount{k_size}, ExtentKind::needed}};
  const auto path = m_folder.path() / "vda.manifest";
  {
    Manifest manifest = Manifest::create(path, {{}, ByteCount{k_size}, {}});
    Interrupting reader(source, 20);
    MemoryTarget target(k_size);
    EXPECT_THROW(
        copy_disk({"vda", ByteCount{k_size}, extents, reader, nullptr, target, manifest}, {}),
        Error);
    manifest.checkpoint(10);
  }
  Manifest manifest = Manifest::open(path);
  EXPECT_EQ(manifest.head().durable_nodes, 10);
  WatchedReader reader(source);
  MemoryTarget target(k_size);
  const CopyResult result =
      copy_disk({"vda", ByteCount{k_size}, extents, reader, nullptr, target, manifest}, {});
  EXPECT_EQ(result.resumed, ByteCount{10 * k_node_size});
  EXPECT_TRUE(reader.was_read({ByteCount{0}, ByteCount{10 * k_node_size}, {}}, 0));
  EXPECT_TRUE(
      reader.was_read({ByteCount{10 * k_node_size}, ByteCount{k_size - 10 * k_node_size}, {}}, 1));
  EXPECT_EQ(manifest.root(), root_of(source));
}

// The last node ends in the middle of a leaf, the third has zeros that are not written, the sixth
// is skipped: none of it may be counted otherwise when a second process goes on behind it.
TEST_F(Copy, CountsWhatAnEarlierProcessWrote) {
  constexpr std::size_t k_size = 8 * k_node_size + 512;
  Bytes source = random_bytes(k_size, 11);
  std::fill_n(source.begin() + static_cast<long>(2 * k_node_size), k_mib, std::byte{0});
  std::fill_n(source.begin() + static_cast<long>(3 * k_node_size), 64 * k_kib, std::byte{0});
  const std::vector<Extent> extents = {
      {ByteCount{0}, ByteCount{5 * k_node_size}, ExtentKind::needed},
      {ByteCount{5 * k_node_size}, ByteCount{k_node_size}, ExtentKind::skipped},
      {ByteCount{6 * k_node_size}, ByteCount{k_size - 6 * k_node_size}, ExtentKind::needed}};
  const auto copy = [&](Manifest& manifest) {
    WatchedReader reader(source);
    MemoryTarget target(k_size, ByteCount{128 * k_kib});
    return copy_disk({"vda", ByteCount{k_size}, extents, reader, nullptr, target, manifest}, {});
  };
  const auto path = m_folder.path() / "counted.manifest";
  Manifest manifest = Manifest::create(path, {{}, ByteCount{k_size}, {}});
  const CopyResult whole = copy(manifest);
  EXPECT_EQ(whole.written.value, k_size - k_node_size - k_mib);
  for (const std::uint64_t durable : {9U, 7U, 4U, 1U}) {
    manifest.trust_only(durable);
    const CopyResult resumed = copy(manifest);
    EXPECT_EQ(resumed.written, whole.written) << durable << " nodes were there";
    EXPECT_EQ(resumed.read, whole.read) << durable;
    EXPECT_GT(resumed.resumed.value, 0U) << durable;
  }
}

TEST_F(Copy, KeepsToItsRate) {
  const Bytes source = random_bytes(8 * k_mib, 3);
  const std::vector<Extent> extents = {{ByteCount{0}, ByteCount{8 * k_mib}, ExtentKind::needed}};
  WatchedReader reader(source);
  MemoryTarget target(8 * k_mib);
  Manifest manifest = new_manifest(8 * k_mib);
  Throttle throttle(16 * k_mib);
  const auto start = std::chrono::steady_clock::now();
  std::string held_up_by;
  copy_disk({"vda", ByteCount{8 * k_mib}, extents, reader, nullptr, target, manifest, &throttle},
            [&](const model::Progress& progress) { held_up_by = progress.held_up_by; });
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(480));
  EXPECT_EQ(held_up_by, "the rate limit");
}

TEST(ThrottleTest, AChangedRateCountsAtOnce) {
  Throttle throttle(1024);
  std::jthread changer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    throttle.set_rate(0);
  });
  const auto start = std::chrono::steady_clock::now();
  throttle.take(ByteCount{k_gib});  // a fortnight at the first rate
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
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

// Readers of several disks that answer only when each of them was asked.
class Meeting {
 public:
  explicit Meeting(std::size_t expected) : m_expected(expected) {}
  void arrive(const void* who) {
    std::unique_lock lock(m_mutex);
    m_there.insert(who);
    m_changed.notify_all();
    if (!m_changed.wait_for(lock, std::chrono::seconds(60),
                            [&] { return m_there.size() >= m_expected; })) {
      throw Error(ErrorKind::internal, "the other disks are not read at the same time");
    }
  }

 private:
  std::size_t m_expected;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::set<const void*> m_there;
};

class MeetingReader final : public BlockReader {
 public:
  MeetingReader(const Bytes& bytes, Meeting& meeting) : m_bytes(bytes), m_meeting(meeting) {}
  [[nodiscard]] ByteCount size() const override { return {m_bytes.size()}; }
  void read(std::span<std::byte> buffer, ByteCount offset) override {
    m_meeting.arrive(this);
    const auto part = slice(m_bytes, offset.value, buffer.size());
    std::copy(part.begin(), part.end(), buffer.begin());
  }

 private:
  const Bytes& m_bytes;
  Meeting& m_meeting;
};

class NullTarget final : public TargetWriter {
 public:
  void write(std::span<const std::byte>, ByteCount) override {}
  void write_zeros(ByteCount, ByteCount) override {}
  void sync() override {}
  void finish() override {}
};

class FailingReader final : public BlockReader {
 public:
  explicit FailingReader(ByteCount size) : m_size(size) {}
  [[nodiscard]] ByteCount size() const override { return m_size; }
  void read(std::span<std::byte>, ByteCount) override {
    throw Error(ErrorKind::io, "the second disk is broken");
  }

 private:
  ByteCount m_size;
};

// As many disks as there are buffers: each has one, whatever the others would like to have.
TEST(CopyDisks, AreAllReadAtTheSameTime) {
  constexpr std::size_t k_disks = k_unit_threads;
  const TempDir folder(std::filesystem::temp_directory_path(), "copy-disks");
  const Bytes bytes = random_bytes(5 * k_node_size, 7);
  const std::vector<Extent> extents = {{{}, {bytes.size()}, ExtentKind::needed}};
  Meeting meeting(k_disks);
  std::vector<std::unique_ptr<MeetingReader>> readers;
  std::vector<std::unique_ptr<MemoryTarget>> targets;
  std::vector<Manifest> manifests;
  manifests.reserve(k_disks);
  std::vector<CopyRequest> requests;
  Throttle throttle;
  for (std::size_t i = 0; i < k_disks; ++i) {
    const std::string name = fmt::format("vd{}", static_cast<char>('a' + i));
    readers.push_back(std::make_unique<MeetingReader>(bytes, meeting));
    targets.push_back(std::make_unique<MemoryTarget>(bytes.size()));
    manifests.push_back(Manifest::create(folder.path() / name,
                                         {model::HashKind::xxh3_128, ByteCount{bytes.size()}, {}}));
    requests.push_back({name, ByteCount{bytes.size()}, extents, *readers.back(), nullptr,
                        *targets.back(), manifests.back(), &throttle});
  }
  std::vector<model::Progress> seen;
  const auto results =
      copy_disks(requests, [&](const model::Progress& progress) { seen.push_back(progress); });
  ASSERT_EQ(results.size(), k_disks);
  for (std::size_t i = 0; i < k_disks; ++i) {
    EXPECT_TRUE(targets[i]->bytes() == bytes) << i;
    EXPECT_EQ(results[i].read.value, bytes.size());
    EXPECT_EQ(manifests[i].root(), manifests[0].root());
  }
  // One measure for all, that only grows.
  EXPECT_EQ(seen.front().what, "vda, vdb, vdc, vdd, vde, vdf, vdg, vdh");
  EXPECT_EQ(seen.front().total.value, k_disks * bytes.size());
  EXPECT_EQ(seen.back().done.value, k_disks * bytes.size());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end(),
                             [](const auto& a, const auto& b) { return a.done < b.done; }));
}

TEST(CopyDisks, OneThatFailsEndsAllWithItsOwnError) {
  const TempDir folder(std::filesystem::temp_directory_path(), "copy-disks");
  const ByteCount size{std::uint64_t{1} << 40U};  // nobody copies that to its end
  const std::vector<Extent> all = {{{}, size, ExtentKind::needed}};
  ZeroReader endless(size);
  FailingReader broken(ByteCount{k_node_size});
  const std::vector<Extent> one = {{{}, {k_node_size}, ExtentKind::needed}};
  NullTarget first;
  NullTarget second;
  Manifest of_first = Manifest::create(folder.path() / "a", {model::HashKind::xxh3_128, size, {}});
  Manifest of_second = Manifest::create(folder.path() / "b",
                                        {model::HashKind::xxh3_128, ByteCount{k_node_size}, {}});
  try {
    copy_disks({{"vda", size, all, endless, nullptr, first, of_first},
                {"vdb", ByteCount{k_node_size}, one, broken, nullptr, second, of_second}},
               {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "the second disk is broken");
    EXPECT_THAT(error.trail(), testing::ElementsAre("copying disk vdb"));
  }
}

}  // namespace
}  // namespace vmconvert::disk
