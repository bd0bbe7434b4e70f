// An image file that is written with direct I/O: on a hypervisor the page cache belongs to other
// guests. What the file system or the alignment does not allow goes through the page cache, and is
// pushed out of it at once.
#pragma once

#include <atomic>
#include <filesystem>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "base/units.hpp"

namespace vmconvert::disk {

// The methods may be called from several threads; writes must not overlap. They throw Error(io);
// where there is no space left, the message names the folder and `may_need`.
class DirectFile {
 public:
  // `path` exists. `may_need`: how large the file can become, for messages.
  DirectFile(std::filesystem::path path, ByteCount may_need);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }
  void write(std::span<const std::byte> bytes, ByteCount offset);
  void truncate(ByteCount size);
  // What was written before the call is on the device when it returns.
  void sync();
  // All is on the device, the name in its folder too; the object is of no use after it.
  void finish();

 private:
  std::size_t write_direct(std::span<const std::byte> bytes, ByteCount offset);
  [[noreturn]] void fail(int code, const std::string& doing) const;

  std::filesystem::path m_path;
  ByteCount m_may_need;
  Fd m_buffered;
  Fd m_direct;
  std::atomic<bool> m_use_direct = false;
};

// fsync of the file and its folder, and its pages dropped from the cache.
void sync_path(const std::filesystem::path& path);

}  // namespace vmconvert::disk
