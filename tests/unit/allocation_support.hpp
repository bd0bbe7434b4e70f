// What the tests of allocation maps share: real images made by the systems' own tools, and ways to
// show that what is called free really is.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "allocation/content.hpp"
#include "base/fd.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"

namespace vmconvert::allocation {

// An image in memory that changes without its file changing.
class Image {
 public:
  explicit Image(const std::filesystem::path& path) : m_size(std::filesystem::file_size(path)) {
    const Fd file = open_file(path, O_RDONLY);
    void* at =
        ::mmap(nullptr, m_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
    if (at == MAP_FAILED) {
      throw_errno(errno, "mapping an image");
    }
    m_data = static_cast<std::byte*>(at);
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image() { ::munmap(m_data, m_size); }

  [[nodiscard]] std::span<std::byte> bytes() const { return {m_data, m_size}; }
  [[nodiscard]] model::ByteRange region() const { return {ByteCount{0}, ByteCount{m_size}}; }
  // Of one region, or of all.
  [[nodiscard]] std::vector<Content> read() const { return read(region()); }
  [[nodiscard]] std::vector<Content> read(const model::ByteRange& region) const {
    return read_region(MemorySource(bytes()), region);
  }
  template <class T>
  void put(std::size_t at, T value) const {  // in the machine's order
    std::memcpy(m_data + at, &value, sizeof(T));
  }

 private:
  std::byte* m_data = nullptr;
  std::size_t m_size = 0;
};

inline std::uint64_t total(const std::vector<model::ByteRange>& ranges) {
  std::uint64_t sum = 0;
  for (const model::ByteRange& range : ranges) {
    sum += range.length.value;
  }
  return sum;
}

// Aligned, ascending, long enough, in the region: of any answer, whatever was read.
inline void expect_well_formed(const std::vector<Content>& contents,
                               const model::ByteRange& region) {
  ASSERT_FALSE(contents.empty());
  for (const Content& content : contents) {
    std::uint64_t next = region.offset.value;
    for (const model::ByteRange& run : content.free) {
      ASSERT_GE(run.offset.value, next);
      ASSERT_GE(run.length.value, k_shortest_run);
      ASSERT_EQ(run.offset.value % k_alignment, 0U);
      next = run.offset.value + run.length.value;
    }
    ASSERT_LE(next, region.offset.value + region.length.value);
    ASSERT_TRUE(content.why.empty() || content.free.empty());
  }
}

class AllocationTest : public ::testing::Test {
 protected:
  std::string run(const std::vector<std::string>& argv) { return run_or_throw(m_commands, {argv}); }

  [[nodiscard]] std::filesystem::path path(const std::string& name) const {
    return m_folder.path() / name;
  }
  std::filesystem::path blank(const std::string& name, std::uint64_t size) const {
    std::ofstream(path(name)).close();
    std::filesystem::resize_file(path(name), size);
    return path(name);
  }

  // A folder of files of all sizes, of bytes that no rubbish looks like.
  std::filesystem::path make_tree(std::uint64_t bytes, unsigned seed) {
    const std::filesystem::path tree = path("tree");
    std::mt19937_64 random(seed);
    for (std::uint64_t made = 0, number = 0; made < bytes; ++number) {
      const std::uint64_t size = 1ULL << (random() % 20U);
      const std::filesystem::path folder = tree / ("d" + std::to_string(number % 7));
      std::filesystem::create_directories(folder);
      std::string text(size, '\0');
      for (char& c : text) {
        c = static_cast<char>('a' + random() % 26);
      }
      std::ofstream(folder / ("f" + std::to_string(number)), std::ios::binary) << text;
      made += size;
    }
    return tree;
  }

  // A copy with every free byte overwritten.
  std::filesystem::path with_rubbish(const std::filesystem::path& image,
                                     const std::vector<Content>& contents) {
    std::filesystem::path copy = image.string() + ".rubbish";
    run({"cp", "--sparse=always", image.string(), copy.string()});
    const Fd file = open_file(copy, O_WRONLY);
    const std::vector<std::byte> rubbish(1 << 20, std::byte{0xe7});
    for (const Content& content : contents) {
      for (const model::ByteRange& range : content.free) {
        for (std::uint64_t done = 0; done < range.length.value;) {
          const std::size_t part =
              std::min<std::uint64_t>(rubbish.size(), range.length.value - done);
          pwrite_exactly(file.get(), std::span(rubbish).first(part), range.offset.value + done,
                         copy.string());
          done += part;
        }
      }
    }
    return copy;
  }

  TempDir m_folder{std::filesystem::temp_directory_path(), "vmc-allocation-test"};
  RealCommandRunner m_commands;
};

// One byte after the other of some places is changed, the image is read, and the byte put back:
// nothing crashes, and every answer is well-formed. `check` sees each answer.
template <class Check>
void mutate(const Image& image, const std::vector<model::ByteRange>& places, unsigned rounds,
            Check check) {
  std::mt19937_64 random(4711);
  for (unsigned round = 0; round < rounds; ++round) {
    const model::ByteRange& place = places[random() % places.size()];
    const std::size_t at = place.offset.value + random() % place.length.value;
    const std::byte before = image.bytes()[at];
    const std::byte after = round % 2 == 0 ? before ^ static_cast<std::byte>(1U << (random() % 8U))
                                           : static_cast<std::byte>(random());
    image.bytes()[at] = after;
    const std::vector<Content> contents = image.read();
    expect_well_formed(contents, image.region());
    if (after != before) {
      check(contents, at);
    }
    image.bytes()[at] = before;
    if (::testing::Test::HasFatalFailure()) {
      ADD_FAILURE() << "after changing byte " << at;
      return;
    }
  }
}

}  // namespace vmconvert::allocation
