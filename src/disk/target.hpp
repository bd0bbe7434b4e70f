// Where a copy goes. The port has implementations for raw files, qcow2 files and block devices.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "base/units.hpp"
#include "model/domain.hpp"

namespace vmconvert::disk {

inline constexpr std::uint64_t k_target_unit = 64 * k_kib;  // a qcow2 cluster of ours

// Each byte of the disk is either written or zeroed exactly once, before finish(); after an
// interruption, what was not recorded is written or zeroed again. Ranges begin and end at multiples
// of k_target_unit, or end where the disk ends: Error(internal) for others, where it matters.
class TargetWriter {
 public:
  virtual ~TargetWriter() = default;

  // From any thread, for ranges that do not overlap. Error(io); the message names the folder and
  // the bytes needed when there is no space left.
  virtual void write(std::span<const std::byte> bytes, ByteCount offset) = 0;
  virtual void write_zeros(ByteCount offset, ByteCount length) = 0;
  // Runs of zeros that are shorter are better written along with the content beside them.
  [[nodiscard]] virtual ByteCount shortest_zeros() const { return {}; }
  // What was written before the call is on the device when it returns; the writer stays usable.
  virtual void sync() = 0;
  // All is on the device when it returns; the writer is of no use after it.
  virtual void finish() = 0;
};

// An image file that is made for one conversion: whole when keep() is called, else removed.
class TargetImage {
 public:
  // Given the descriptor of the file while it has no name yet.
  using BeforeItAppears = std::function<void(int fd)>;

  // Error(bad_input) if `path` exists; for qcow2 see require_qcow2_size().
  TargetImage(std::filesystem::path path, model::DiskFormat format, ByteCount size,
              const BeforeItAppears& note = {});
  TargetImage(TargetImage&& other) noexcept;
  TargetImage& operator=(TargetImage&&) = delete;
  ~TargetImage();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }
  [[nodiscard]] model::DiskFormat format() const noexcept { return m_format; }
  [[nodiscard]] ByteCount size() const noexcept { return m_size; }
  // Once. A qcow2 image is one only after the writer's finish().
  [[nodiscard]] std::unique_ptr<TargetWriter> open_writer() const;
  void keep() noexcept { m_keep = true; }

 private:
  void remove_ours() const noexcept;

  std::filesystem::path m_path;
  model::DiskFormat m_format;
  ByteCount m_size;
  dev_t m_device = 0;  // of the file that we made: nobody else's is removed
  ino_t m_inode = 0;
  bool m_keep = false;
};

// The writer of an image that was made by TargetImage, maybe by an earlier process. `state_file`:
// what a qcow2 writer has to remember to go on; read if it is there, written by sync().
std::unique_ptr<TargetWriter> open_image_writer(const std::filesystem::path& path,
                                                model::DiskFormat format, ByteCount size,
                                                const std::filesystem::path& state_file);

// Error(io) naming the folder and both numbers if fewer bytes are free there.
void require_free_space(const std::filesystem::path& folder, ByteCount needed);

}  // namespace vmconvert::disk
