#include "disk/manifest.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <xxhash.h>

#include <algorithm>

#include "base/error.hpp"
#include "disk/bytes.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

class ManifestFile : public Scratch {
 protected:
  Manifest new_manifest(std::size_t size) {
    return Manifest::create(m_folder.path() / fmt::format("{}.manifest", m_next++),
                            {{}, ByteCount{size}, {}});
  }
  std::string root_of(const Bytes& bytes, model::HashKind hash = model::HashKind::xxh3_128) {
    return manifest_of(bytes, m_folder.path() / fmt::format("{}.manifest", m_next++), hash).root();
  }

 private:
  int m_next = 0;
};

TEST_F(ManifestFile, KnowsTheHashOfZerosAndAChangesPlace) {
  Bytes bytes(3 * k_node_size + 512);
  EXPECT_EQ(new_manifest(bytes.size()).root(), root_of(bytes));
  EXPECT_NE(new_manifest(bytes.size()).root(), new_manifest(bytes.size() + 512).root());
  const std::string before = root_of(bytes);
  bytes[2 * k_node_size + 5] = std::byte{1};
  EXPECT_NE(root_of(bytes), before);
  Manifest manifest = new_manifest(bytes.size());
  EXPECT_THROW(manifest.set_node(0, NodeHashes(1)), Error);
  EXPECT_THROW(manifest.set_node(4, NodeHashes(1)), Error);
  manifest.set_node(3, NodeHashes(1));
}

// The definition, followed by hand: checksums outlive the program that made them.
TEST_F(ManifestFile, RootIsWhatItsDefinitionSays) {
  Bytes bytes = random_bytes(2 * k_node_size + 70000, 77);
  std::fill_n(bytes.begin() + 65536, 65536, std::byte{0});
  const auto hash = [](const Bytes& content) {
    const XXH128_hash_t value = XXH3_128bits(content.data(), content.size());
    Bytes canonical;
    for (const std::uint64_t half : {value.high64, value.low64}) {
      for (int shift = 56; shift >= 0; shift -= 8) {
        canonical.push_back(static_cast<std::byte>(half >> shift));
      }
    }
    return canonical;
  };
  const auto part = [&](std::size_t from, std::size_t length) {
    const auto first = bytes.begin() + static_cast<long>(from);
    return Bytes(first, first + static_cast<long>(std::min(length, bytes.size() - from)));
  };
  Bytes list(24);
  store_le<std::uint64_t>(list, 0, bytes.size());
  store_le<std::uint64_t>(list, 8, 65536);
  store_le<std::uint64_t>(list, 16, 64);
  for (std::size_t node = 0; node < bytes.size(); node += 4 * k_mib) {
    Bytes leaves;
    for (std::size_t at = node; at < std::min(node + 4 * k_mib, bytes.size()); at += 65536) {
      const Bytes one = hash(part(at, 65536));
      leaves.insert(leaves.end(), one.begin(), one.end());
    }
    const Bytes one = hash(leaves);
    list.insert(list.end(), one.begin(), one.end());
  }
  const XXH128_hash_t root = XXH3_128bits(list.data(), list.size());
  EXPECT_EQ(root_of(bytes), fmt::format("xxh3-128:{:016x}{:016x}", root.high64, root.low64));
}

TEST_F(ManifestFile, Sha256IsTheOneThatEverybodyKnows) {
  const Bytes none;
  EXPECT_EQ(to_text(model::HashKind::sha256, hash_of(model::HashKind::sha256, none)),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const Bytes bytes = random_bytes(k_node_size + 1, 3);
  RunningHash running(model::HashKind::sha256);
  running.add(std::span(bytes).first(100));
  running.add(std::span(bytes).subspan(100));
  EXPECT_EQ(running.finish(), hash_of(model::HashKind::sha256, bytes));
  EXPECT_NE(root_of(bytes, model::HashKind::sha256), root_of(bytes));
}

TEST_F(ManifestFile, IsSparseAndSurvivesATornHead) {
  const auto path = m_folder.path() / "vda.manifest";
  {
    Manifest manifest = Manifest::create(path, {{}, ByteCount{1024 * k_gib}, {}});
    manifest.set_node(200000, NodeHashes(k_leaves_per_node, hash_of({}, Bytes(1))));
    manifest.checkpoint(5);
    manifest.checkpoint(7);
    const std::uint64_t stored = manifest.next_stored(0);
    EXPECT_GT(stored, 199990);
    EXPECT_LE(stored, 200000);
    EXPECT_EQ(manifest.root().size(), std::string("xxh3-128:").size() + 32);
  }
  EXPECT_EQ(Manifest::open(path).head().durable_nodes, 7);
  const auto damage = [&](std::uint64_t at) {
    Fd fd = open_file(path, O_RDWR);
    pwrite_exactly(fd.get(), Bytes(8, std::byte{0x55}), at, "manifest");
  };
  // Heads are written in turn: 1 when it was made, then 2 (five nodes), then 3 (seven).
  damage(4096 + 48);
  EXPECT_EQ(Manifest::open(path).head().durable_nodes, 5);
  damage(48);
  EXPECT_THROW(Manifest::open(path), Error);
}

TEST_F(ManifestFile, RefusesAFileOfTheWrongLength) {
  const auto path = m_folder.path() / "vda.manifest";
  static_cast<void>(Manifest::create(path, {{}, ByteCount{k_gib}, {}}));
  EXPECT_THROW(Manifest::create(path, {}), Error);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_THROW(Manifest::open(path), Error);
  std::filesystem::resize_file(path, 100);
  EXPECT_THROW(Manifest::open(path), Error);
}

}  // namespace
}  // namespace vmconvert::disk
