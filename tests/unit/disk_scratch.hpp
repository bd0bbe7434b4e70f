// What the disk tests share: scratch files of known content, and a look at our own children.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "disk/manifest.hpp"
#include "disk/source.hpp"
#include "disk/units.hpp"
#include "model/extent.hpp"
#include "test_paths.hpp"

namespace vmconvert::disk {

using Bytes = std::vector<std::byte>;

inline model::Extent extent(std::uint64_t offset, std::uint64_t length, model::ExtentKind kind) {
  return {ByteCount{offset}, ByteCount{length}, kind};
}

inline Bytes random_bytes(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t value = random();
    std::memcpy(bytes.data() + at, &value, std::min<std::size_t>(8, size - at));
  }
  return bytes;
}

// The manifest that a faultless copy of these bytes makes.
inline Manifest manifest_of(const Bytes& bytes, const std::filesystem::path& path,
                            model::HashKind hash = model::HashKind::xxh3_128) {
  Manifest manifest = Manifest::create(path, {hash, ByteCount{bytes.size()}, {}});
  for (std::uint64_t node = 0; node < manifest.nodes(); ++node) {
    NodeHashes leaves(manifest.leaves_of(node));
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const std::size_t at = node * k_node_size + i * k_leaf_size;
      const auto leaf =
          std::span(bytes).subspan(at, std::min<std::size_t>(k_leaf_size, bytes.size() - at));
      leaves[i] = is_zero(leaf) ? LeafHash{} : hash_of(hash, leaf);
    }
    manifest.set_node(node, leaves);
  }
  manifest.complete();
  return manifest;
}

inline Bytes read_all(BlockReader& reader) {
  Bytes bytes(reader.size().value);
  reader.read(bytes, {});
  return bytes;
}

inline Bytes read_file(const std::filesystem::path& path) {
  const std::string text = read_text_file(path, 4 * k_gib);
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

// Programs that this process started and that still run.
inline std::vector<std::string> children() {
  std::vector<std::string> found;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    for (const std::string& pid : words(read_text_file(task.path() / "children"))) {
      found.push_back(read_text_file("/proc/" + pid + "/comm"));
    }
  }
  return found;
}

class Scratch : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const Bytes& bytes) {
    std::filesystem::path path = m_folder.path() / name;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  std::filesystem::path to_qcow2(const std::filesystem::path& raw) {
    const std::filesystem::path image = raw.string() + ".qcow2";
    run({"qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw.string(), image.string()});
    return image;
  }
  std::string run(const std::vector<std::string>& argv) { return run_or_throw(m_commands, {argv}); }
  [[nodiscard]] SourceFolders folders() const {
    return {m_folder.path(), vmconvert::test::build_dir() / "nbdkit"};
  }
  void TearDown() override { EXPECT_EQ(children(), std::vector<std::string>{}); }

  TempDir m_folder{std::filesystem::temp_directory_path(), "vmc-disk-test"};
  RealCommandRunner m_commands;
};

}  // namespace vmconvert::disk
