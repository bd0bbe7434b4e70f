// A raw file or block device, opened read-only. Reads bypass the page cache where the file system
// lets them: on a hypervisor that cache belongs to other guests.
#pragma once

#include <atomic>
#include <filesystem>

#include "base/fd.hpp"
#include "disk/block_reader.hpp"

namespace vmconvert::disk {

struct OpenSource {
  Fd fd;
  ByteCount size;
  bool block_device = false;
};

// `what` names the thing in messages ("disk xvda (/dev/vg/web01)"). not_found if it is missing,
// bad_input if it is neither a file nor a block device. `flags` are added to O_RDONLY.
OpenSource open_source(const std::filesystem::path& path, const std::string& what, int flags = 0);

class FileReader final : public BlockReader {
 public:
  FileReader(const std::filesystem::path& path, std::string what);

  [[nodiscard]] ByteCount size() const override { return m_source.size; }
  [[nodiscard]] bool block_device() const { return m_source.block_device; }
  void read(std::span<std::byte> buffer, ByteCount offset) override;
  Run run_at(ByteCount offset) override;

 private:
  std::size_t read_direct(std::span<std::byte> buffer, ByteCount offset);
  bool read_sector(std::span<std::byte> buffer, ByteCount offset);
  void read_buffered(std::span<std::byte> buffer, ByteCount offset);

  std::string m_what;
  OpenSource m_source;  // buffered: unaligned pieces, and everything where direct I/O is refused
  Fd m_direct;
  std::atomic<bool> m_use_direct = false;
};

}  // namespace vmconvert::disk
