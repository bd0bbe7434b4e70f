// New qcow2 images, held against QEMU's own reading of them.
#include "disk/qcow2_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/error.hpp"
#include "disk/qcow2_tables.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t k_cluster = 64 * k_kib;
constexpr std::uint64_t k_tib = 1024 * k_gib;

struct Piece {
  std::uint64_t offset;
  Bytes bytes;
};

class Qcow2 : public Scratch {
 protected:
  void SetUp() override { new_file(); }
  void new_file() {
    std::filesystem::remove(m_image);
    write("vda.qcow2", {});
  }

  // A raw file of the same content, made without our code.
  void expect_equal(std::uint64_t size, const std::vector<Piece>& pieces) {
    const auto raw = m_folder.path() / "expected.raw";
    {
      const Fd file = open_file(raw, O_WRONLY | O_CREAT | O_TRUNC);
      ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
      for (const Piece& piece : pieces) {
        pwrite_exactly(file.get(), piece.bytes, piece.offset, "expected.raw");
      }
    }
    run({"qemu-img", "check", "-q", "-f", "qcow2", m_image.string()});
    run({"qemu-img", "compare", "-q", "-f", "qcow2", "-F", "raw", m_image.string(), raw.string()});
    // compare() lets zeros at the end pass.
    EXPECT_THAT(run({"qemu-img", "info", "-f", "qcow2", "--output", "json", m_image.string()}),
                HasSubstr(fmt::format("\"virtual-size\": {},", size)));
  }

  void write_and_compare(std::uint64_t size, const std::vector<Piece>& pieces) {
    SCOPED_TRACE(size);
    new_file();
    Qcow2Writer writer(m_image, ByteCount{size});
    std::uint64_t data = 0;
    for (const Piece& piece : pieces) {
      writer.write(piece.bytes, ByteCount{piece.offset});
      data += round_up(ByteCount{piece.bytes.size()}, ByteCount{k_cluster}).value;
    }
    writer.finish();
    expect_equal(size, pieces);
    EXPECT_LE(std::filesystem::file_size(m_image), data + 9 * k_cluster);
  }

  bool qemu_takes_it() {
    return m_commands.run({{"qemu-img", "info", "-f", "qcow2", m_image.string()}}).exit_code == 0;
  }

  void expect_error(ErrorKind kind, const std::string& text, const std::function<void()>& body) {
    try {
      body();
      ADD_FAILURE() << "accepted; expected: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.message();
      EXPECT_THAT(error.message(), HasSubstr(text));
    }
  }

  std::filesystem::path m_image = m_folder.path() / "vda.qcow2";
};

TEST_F(Qcow2, AnEmptyDiskIsSmall) {
  write_and_compare(20 * k_gib, {});
  EXPECT_EQ(std::filesystem::file_size(m_image), 4 * k_cluster);  // header, L1, refcounts
  const std::string info = run({"qemu-img", "info", "-f", "qcow2", m_image.string()});
  EXPECT_THAT(info, HasSubstr("virtual size: 20 GiB (21474836480 bytes)"));
  EXPECT_THAT(info, HasSubstr("cluster_size: 65536"));
  EXPECT_THAT(info, HasSubstr("compat: 1.1"));
  EXPECT_THAT(info, HasSubstr("lazy refcounts: false"));
  EXPECT_THAT(info, HasSubstr("refcount bits: 16"));
}

TEST_F(Qcow2, OneByteAtTheEnd) {
  for (const std::uint64_t size : {10 * k_mib, 10 * k_mib + 512, 10 * k_mib - 512}) {
    const std::uint64_t last = (size - 1) / k_cluster * k_cluster;
    Bytes bytes(size - last);
    bytes.back() = std::byte{1};
    write_and_compare(size, {{last, bytes}});
    EXPECT_EQ(std::filesystem::file_size(m_image) % k_cluster, 0U);
  }
}

TEST_F(Qcow2, DenseContentComesBackThroughQemu) {
  const Bytes bytes = random_bytes(9 * k_mib + 1536, 3);
  write_and_compare(bytes.size(), {{0, bytes}});
  const auto back = m_folder.path() / "back.raw";
  run({"qemu-img", "convert", "-f", "qcow2", "-O", "raw", m_image.string(), back.string()});
  EXPECT_TRUE(read_file(back) == bytes);
  // QEMU can go on with it: what is written then meets our reference counts.
  run({"qemu-img", "resize", "-q", "-f", "qcow2", m_image.string(), "600M"});
  run({"qemu-io", "-f", "qcow2", "-c", "write -P 7 0 20M", "-c", "write -P 8 513M 1M",
       m_image.string()});
  run({"qemu-img", "check", "-q", "-f", "qcow2", m_image.string()});
}

TEST_F(Qcow2, NothingOfTheFileShowsWhenTheDiskGrows) {
  const Bytes junk = random_bytes(k_mib, 9);
  const Bytes bytes = random_bytes(512, 4);
  {
    Qcow2Writer writer(m_image, ByteCount{k_mib});
    writer.write(junk, {});
  }  // lost: what lies in the file is not ours
  Qcow2Writer writer(m_image, ByteCount{512}, {});
  ::mallopt(M_PERTURB, 0x55);  // fresh memory is not zeros by luck
  writer.write(bytes, {});
  ::mallopt(M_PERTURB, 0);
  writer.finish();
  run({"qemu-img", "resize", "-q", "-f", "qcow2", m_image.string(), "64k"});
  expect_equal(k_cluster, {{0, bytes}});
}

TEST_F(Qcow2, SparsePatterns) {
  std::mt19937 random(11);
  for (int round = 0; round < 4; ++round) {
    std::vector<Piece> pieces;
    std::uint64_t at = 0;
    while (at < 40 * k_mib) {
      at += (1 + random() % 5) * k_cluster;
      const std::uint64_t length = (1 + random() % 9) * k_cluster;
      pieces.push_back({at, random_bytes(length, random())});
      at += length;
    }
    std::shuffle(pieces.begin(), pieces.end(), random);
    write_and_compare(at + 512, pieces);
  }
}

TEST_F(Qcow2, SizesAroundWhatOneTableMaps) {
  const std::uint64_t edge = 512 * k_mib;
  for (const std::uint64_t size :
       {std::uint64_t{512}, k_cluster - 512, k_cluster, k_cluster + 512, edge - k_cluster,
        edge - 512, edge, edge + 512, edge + k_cluster, 2 * edge}) {
    std::vector<Piece> pieces;
    const std::uint64_t last = (size - 1) / k_cluster * k_cluster;
    if (size > edge) {  // one request over the border between two tables
      pieces.push_back({edge - 3 * k_cluster,
                        random_bytes(std::min(size, edge + 2 * k_cluster) - edge + 3 * k_cluster,
                                     static_cast<unsigned>(size))});
    }
    if (size <= edge || size > edge + 2 * k_cluster) {
      pieces.push_back({last, random_bytes(size - last, static_cast<unsigned>(size + 1))});
    }
    write_and_compare(size, pieces);
  }
}

TEST_F(Qcow2, LargeDisksWithFewClusters) {
  for (const std::uint64_t size : {k_tib, 5 * k_tib + 512}) {  // L1 of one cluster, and of two
    const std::uint64_t last = (size - 1) / k_cluster * k_cluster;
    write_and_compare(size, {{last, random_bytes(size - last, 1)},
                             {300 * k_gib, random_bytes(3 * k_cluster, 2)},
                             {0, random_bytes(k_cluster, 3)}});
  }
}

// 2 GiB of the file have one block of reference counts. The data are a hole, named by a run, so
// that this costs nothing.
TEST_F(Qcow2, FilesAroundWhatOneRefcountBlockCovers) {
  const std::uint64_t size = 3 * k_gib;
  for (const std::uint32_t count : {32755U, 32756U, 32757U, 32758U, 32759U, 32760U, 32761U, 32762U,
                                    32766U, 32767U, 32768U, 40000U}) {
    SCOPED_TRACE(count);
    new_file();
    std::filesystem::resize_file(m_image, (1 + count) * k_cluster);
    const std::vector<Qcow2Run> hole = {{0, 1, count}};
    Qcow2Writer writer(m_image, ByteCount{size}, hole);
    const Bytes bytes = random_bytes(k_cluster, count);
    writer.write(bytes, ByteCount{size - k_cluster});
    writer.finish();
    expect_equal(size, {{size - k_cluster, bytes}});
  }
}

TEST_F(Qcow2, ManyThreadsWriteWhileTheStateIsRead) {
  constexpr std::size_t k_piece = 4 * k_cluster;
  const Bytes bytes = random_bytes(48 * k_mib, 5);
  Qcow2Writer writer(m_image, ByteCount{bytes.size()});
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> done = false;
  std::size_t snapshots = 0;
  {
    std::jthread watcher([&] {
      std::uint64_t before = 0;
      while (!done) {
        std::uint64_t clusters = 0;
        for (const Qcow2Run& run : writer.runs()) {
          clusters += run.count;
        }
        writer.sync();
        EXPECT_GE(clusters, before);
        before = clusters;
        ++snapshots;
      }
    });
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
          for (std::size_t at = next.fetch_add(k_piece); at < bytes.size();
               at = next.fetch_add(k_piece)) {
            writer.write(std::span(bytes).subspan(at, k_piece), ByteCount{at});
          }
        });
      }
    }
    done = true;
  }
  EXPECT_GT(snapshots, 0U);
  writer.finish();
  expect_equal(bytes.size(), {{0, bytes}});
}

TEST_F(Qcow2, GoesOnAfterAnInterruption) {
  const std::uint64_t size = 600 * k_mib + 512;
  const Bytes first = random_bytes(4 * k_mib, 1);
  const Bytes again = random_bytes(3 * k_cluster, 2);
  const Bytes border = random_bytes(2 * k_mib, 3);
  const Bytes end = random_bytes(512, 4);
  std::vector<Qcow2Run> recorded;
  {
    Qcow2Writer writer(m_image, ByteCount{size});
    writer.write(first, {});
    writer.write(border, ByteCount{511 * k_mib});
    writer.write(end, ByteCount{size - 512});
    recorded = writer.runs();
    writer.sync();
    writer.write(random_bytes(8 * k_mib, 99), ByteCount{100 * k_mib});  // never recorded
  }
  const std::vector<Qcow2Run> expected = {{0, 1, 64}, {8176, 65, 32}, {9600, 97, 1}};
  EXPECT_EQ(recorded, expected);
  EXPECT_FALSE(qemu_takes_it());
  const std::uint64_t before = std::filesystem::file_size(m_image);
  {
    Qcow2Writer writer(m_image, ByteCount{size}, recorded);
    EXPECT_EQ(writer.runs(), expected);
    writer.write(again, ByteCount{5 * k_cluster});  // once more, and zeros where data were
    writer.write_zeros(ByteCount{16 * k_cluster}, ByteCount{4 * k_cluster});
    writer.write(again, ByteCount{200 * k_mib});
    EXPECT_FALSE(qemu_takes_it());
    writer.finish();
  }
  EXPECT_TRUE(qemu_takes_it());
  EXPECT_LT(std::filesystem::file_size(m_image), before);
  Bytes changed = first;
  std::copy(again.begin(), again.end(), changed.begin() + 5 * k_cluster);
  std::fill_n(changed.begin() + 16 * k_cluster, 4 * k_cluster, std::byte{0});
  expect_equal(size, {{0, Bytes(changed.begin(), changed.begin() + 16 * k_cluster)},
                      {20 * k_cluster, Bytes(changed.begin() + 20 * k_cluster, changed.end())},
                      {511 * k_mib, border},
                      {size - 512, end},
                      {200 * k_mib, again}});
}

TEST_F(Qcow2, DoesNotGoOnFromWhatDoesNotFit) {
  const ByteCount size{10 * k_mib};  // 160 clusters
  std::filesystem::resize_file(m_image, 100 * k_cluster);
  const auto refused = [&](const std::string& why, const std::vector<Qcow2Run>& runs) {
    expect_error(ErrorKind::bad_input, why, [&] { Qcow2Writer(m_image, size, runs); });
  };
  const std::vector<Qcow2Run> sound = {{159, 1, 1}, {0, 98, 2}, {2, 2, 90}};
  EXPECT_EQ(Qcow2Writer(m_image, size, sound).runs().size(), 3U);
  refused("does not fit", {{0, 1, 0}});
  refused("does not fit", {{0, 0, 1}});
  refused("does not fit", {{159, 1, 2}});
  refused("does not fit", {{0, 99, 2}});
  refused("does not fit", {{0xffffffff, 1, 2}});
  refused("does not fit", {{0, 0xffffffff, 0xffffffff}});
  refused("overlaps", {{0, 1, 5}, {4, 10, 1}});
  refused("overlaps", {{0, 1, 5}, {10, 5, 1}});
  refused("overlaps", {{0, 1, 1}, {0, 2, 1}});
  Qcow2Writer writer(m_image, size, sound);
  writer.finish();
  refused("finished image", sound);
}

TEST_F(Qcow2, RefusesHalfClustersAndHalfSectors) {
  Qcow2Writer writer(m_image, ByteCount{k_mib + 512});
  const auto refused = [&](std::uint64_t offset, std::uint64_t length) {
    expect_error(ErrorKind::internal, "no whole clusters",
                 [&] { writer.write(Bytes(length), ByteCount{offset}); });
    expect_error(ErrorKind::internal, "no whole clusters",
                 [&] { writer.write_zeros(ByteCount{offset}, ByteCount{length}); });
  };
  refused(512, k_cluster);
  refused(0, k_cluster - 512);
  refused(k_mib, 1024);
  refused(k_mib - k_cluster, k_cluster + 256);
  writer.write({}, {});
  EXPECT_TRUE(writer.runs().empty());
  expect_error(ErrorKind::internal, "whole sectors",
               [&] { Qcow2Writer(m_image, ByteCount{k_mib + 100}); });
  expect_error(ErrorKind::unsupported, "256 TiB",
               [&] { Qcow2Writer(m_image, ByteCount{256 * k_tib}); });
}

// A limit on the size of this process's files stands in for a full disk.
void limit_file_size(std::uint64_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

std::string failure_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.kind() == ErrorKind::io ? error.message() : "of another kind";
  }
  return {};
}

TEST_F(Qcow2, WithoutSpaceThereIsNoImage) {
  const Bytes bytes = random_bytes(k_mib, 6);  // 16 clusters, then 1 L2, 1 L1, 2 of refcounts
  const std::string place = "no space left in " + m_folder.path().string();
  for (const std::uint64_t clusters : {10, 17, 18, 19, 20}) {
    SCOPED_TRACE(clusters);
    new_file();
    EXPECT_EXIT(
        {
          limit_file_size(clusters * k_cluster + 4096);
          Qcow2Writer writer(m_image, ByteCount{k_mib});
          const std::string in_write = failure_of([&] { writer.write(bytes, {}); });
          const std::string said = clusters < 17 ? in_write : failure_of([&] { writer.finish(); });
          ::_exit(in_write.empty() == (clusters >= 17) && said.find(place) != std::string::npos
                      ? 0
                      : 1);
        },
        ::testing::ExitedWithCode(0), "");
    EXPECT_FALSE(qemu_takes_it());
  }
  new_file();
  EXPECT_EXIT(
      {
        limit_file_size(21 * k_cluster);
        Qcow2Writer writer(m_image, ByteCount{k_mib});
        writer.write(bytes, {});
        writer.finish();
        ::_exit(0);
      },
      ::testing::ExitedWithCode(0), "");
  expect_equal(k_mib, {{0, bytes}});
}

}  // namespace
}  // namespace vmconvert::disk
