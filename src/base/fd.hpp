// A file descriptor that closes itself, and the few calls on it that everybody needs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace vmconvert {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : m_fd(fd) {}
  Fd(Fd&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return m_fd; }
  [[nodiscard]] explicit operator bool() const noexcept { return m_fd >= 0; }
  int release() noexcept { return std::exchange(m_fd, -1); }
  void reset() noexcept;

 private:
  int m_fd = -1;
};

// open(2) with O_CLOEXEC added; throws not_found or io with the path in it.
Fd open_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);

// Exactly these bytes, or Error(io): a short read means that the file is smaller than it should be.
void pread_exactly(int fd, std::span<std::byte> buffer, std::uint64_t offset,
                   const std::string& what);
void pwrite_exactly(int fd, std::span<const std::byte> buffer, std::uint64_t offset,
                    const std::string& what);

// Whole file as text; Error(bad_input) if it is larger than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t limit = 64U << 20U);

// For /proc and /sys, which change while they are read: a process that has ended in between, a file
// that is there and cannot be read. Empty, then.
std::string read_text_or_empty(const std::filesystem::path& path, std::uint64_t limit = 16U << 20U);
// What is in a folder; what was found so far where it cannot be listed any further.
std::vector<std::filesystem::path> list_folder(const std::filesystem::path& folder);

}  // namespace vmconvert
