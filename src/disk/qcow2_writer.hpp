// TargetWriter over a new qcow2 image. Data go with large direct writes to fresh, contiguous places
// in the file; all metadata follow at finish(), and the header last of all: until then the first
// cluster is zeros, and no program takes the file for a qcow2 image.
//
// Memory: see ClusterMap; at finish() one bit for each cluster of the file besides (2 MiB per TiB).
#pragma once

#include <filesystem>
#include <mutex>
#include <span>
#include <vector>

#include "disk/cluster_map.hpp"
#include "disk/direct_file.hpp"
#include "disk/target.hpp"

namespace vmconvert::disk {

class Qcow2Writer final : public TargetWriter {
 public:
  // `path` is an empty file. For `size` see require_qcow2_size().
  Qcow2Writer(std::filesystem::path path, ByteCount size);
  // Goes on with an image that was not finished: `runs` is what runs() said, and sync() was called
  // after that (not before: runs may name clusters that a crash takes back). What was written later
  // is written again, behind the highest cluster that is named; what lies there is overwritten.
  // Error(bad_input) if the runs do not fit the disk and the file, or if the image is finished.
  Qcow2Writer(std::filesystem::path path, ByteCount size, std::span<const Qcow2Run> runs);

  void write(std::span<const std::byte> bytes, ByteCount offset) override;
  void write_zeros(ByteCount offset, ByteCount length) override;
  void sync() override;
  void finish() override;

  // From now on sync() keeps runs() in this file, for a later process: see run_file.hpp.
  void remember_in(std::filesystem::path state_file) { m_state_file = std::move(state_file); }
  // What has been written, not what is being written. From any thread.
  [[nodiscard]] std::vector<Qcow2Run> runs() const;

 private:
  struct Range {
    std::uint32_t first;
    std::uint32_t count;
  };
  [[nodiscard]] Range clusters_of(ByteCount offset, ByteCount length) const;
  std::uint32_t allocate(std::uint32_t count);
  void require_sound(std::span<const Qcow2Run> runs) const;
  [[nodiscard]] std::vector<bool> used_clusters() const;

  ByteCount m_size;
  DirectFile m_file;
  std::filesystem::path m_state_file;
  mutable std::mutex m_mutex;  // of what follows
  ClusterMap m_map;
  std::uint64_t m_next = 1;  // the first cluster that is free; 0 is the header's
};

}  // namespace vmconvert::disk
