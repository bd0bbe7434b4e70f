// One disk of a bundle as bytes: chunks are unpacked and held against their checksums as they are
// read.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "bundle/content.hpp"

namespace vmconvert::bundle {

class DiskReader {
 public:
  DiskReader(std::shared_ptr<const Content> content, std::size_t disk);

  [[nodiscard]] ByteCount size() const { return m_leaves.size(); }
  // From any thread. Error(bad_input) names the damaged file.
  void read(std::span<std::byte> buffer, std::uint64_t offset);

  struct Run {
    bool zero = true;
    std::uint64_t end = 0;
  };
  [[nodiscard]] Run run_at(std::uint64_t offset) const;

 private:
  using Plain = std::shared_ptr<const std::vector<std::byte>>;
  Plain unpacked(std::uint32_t chunk);

  std::shared_ptr<const Content> m_content;
  Leaves m_leaves;
  // Chunks that were read in part, the newest first: a filesystem reads 4 KiB at a time.
  std::mutex m_mutex;
  std::list<std::pair<std::uint32_t, Plain>> m_recent;
  std::unordered_map<std::uint32_t, decltype(m_recent)::iterator> m_places;
};

}  // namespace vmconvert::bundle
