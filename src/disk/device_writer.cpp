#include "disk/device_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "disk/aligned_buffer.hpp"

namespace vmconvert::disk {
namespace {

constexpr std::uint64_t k_zero_piece = k_mib;
constexpr std::uint64_t k_shortest_zeros = 256 * k_kib;

Fd claim(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISBLK(status.st_mode)) {
    throw Error(ErrorKind::bad_input, fmt::format("{} is no block device", path.string()));
  }
  Fd fd(::open(path.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
  if (!fd && errno == EBUSY) {
    throw Error(ErrorKind::busy,
                fmt::format("{} is mounted, or in use by the kernel", path.string()),
                "choose a device that nobody uses");
  }
  if (!fd && (errno == EROFS || errno == EACCES)) {
    throw Error(ErrorKind::bad_input, fmt::format("{} cannot be written to", path.string()),
                "run as root; a read-only volume is made writable by lvchange -p rw");
  }
  if (!fd) {
    throw_errno(errno, fmt::format("opening {} for writing", path.string()));
  }
  int read_only = 0;
  if (::ioctl(fd.get(), BLKROGET, &read_only) == 0 && read_only != 0) {
    throw Error(ErrorKind::bad_input, fmt::format("{} is read-only", path.string()),
                "make it writable: blockdev --setrw, lvchange -p rw");
  }
  return fd;
}

ByteCount device_size(const Fd& fd, const std::filesystem::path& path, ByteCount size) {
  ByteCount found;
  if (::ioctl(fd.get(), BLKGETSIZE64, &found.value) != 0) {
    throw_errno(errno, fmt::format("asking for the size of {}", path.string()));
  }
  if (found < size) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} has {} bytes, the disk needs {}: {} are missing", path.string(),
                            found.value, size.value, (size - found).value),
                "use a larger device");
  }
  return found;
}

}  // namespace

DeviceWriter::DeviceWriter(const std::filesystem::path& path, ByteCount size,
                           OldContent old_content)
    : DeviceWriter(path, size, old_content, claim(path)) {}

DeviceWriter::DeviceWriter(const std::filesystem::path& path, ByteCount size,
                           OldContent old_content, Fd claim)
    : m_claim(std::move(claim)),
      m_file(path, size),
      m_size(size),
      m_device_size(device_size(m_claim, path, size)),
      m_zero(old_content == OldContent::rubbish) {}

void DeviceWriter::write(std::span<const std::byte> bytes, ByteCount offset) {
  m_file.write(bytes, offset);
}

void DeviceWriter::write_zeros(ByteCount offset, ByteCount length) {
  if (m_zero && length.value > 0) {
    zero_out(offset, length);
  }
}

// A request of its own costs more than a somewhat longer write, most of all where the device zeroes
// by changing metadata, as a loop device does.
ByteCount DeviceWriter::shortest_zeros() const {
  return {m_zero ? k_shortest_zeros : 0};
}

// BLKZEROOUT costs next to nothing where the device can do it by itself, and is no slower than
// writing where it cannot. Unlike a discard it promises zeros.
void DeviceWriter::zero_out(ByteCount offset, ByteCount length) {
  const ByteCount unit{k_direct_alignment};
  const ByteCount end = offset + length;
  const ByteCount from = std::min(round_up(offset, unit), end);
  const ByteCount to = std::max(ByteCount{end.value / unit.value * unit.value}, from);
  std::array<std::uint64_t, 2> range{from.value, (to - from).value};
  const bool done = range[1] == 0 || ::ioctl(m_claim.get(), BLKZEROOUT, range.data()) == 0;
  if (!done && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOTTY) {
    throw_errno(errno, fmt::format("zeroing {} bytes of {} from byte {} on", range[1],
                                   m_file.path().string(), range[0]));
  }
  const auto write_out = [&](ByteCount start, ByteCount stop) {
    AlignedBuffer zeros(k_zero_piece);
    std::fill(zeros.bytes().begin(), zeros.bytes().end(), std::byte{0});
    for (ByteCount at = start; at < stop;) {
      const ByteCount piece = std::min(stop - at, ByteCount{k_zero_piece});
      m_file.write(zeros.bytes().first(piece.value), at);
      at = at + piece;
    }
  };
  if (offset < from) {
    write_out(offset, from);
  }
  if (!done) {
    write_out(from, to);
  }
  if (to < end) {
    write_out(to, end);
  }
}

void DeviceWriter::finish() {
  write_zeros(m_size, m_device_size - m_size);  // whole extents: nothing of an earlier owner stays
  m_file.finish();
  m_claim.reset();
}

}  // namespace vmconvert::disk
