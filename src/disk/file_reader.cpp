#include "disk/file_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "disk/aligned_buffer.hpp"
#include "disk/read_error.hpp"

namespace vmconvert::disk {
namespace {

void require_disk_kind(mode_t mode, const std::string& what) {
  if (!S_ISREG(mode) && !S_ISBLK(mode)) {
    const char* kind = S_ISDIR(mode)   ? "a folder"
                       : S_ISCHR(mode) ? "a character device"
                                       : "neither a file nor a block device";
    throw Error(ErrorKind::bad_input, fmt::format("{} is {}", what, kind),
                "name an image file or a block device as the disk's source");
  }
}

bool is_aligned(std::span<const std::byte> buffer, ByteCount offset) {
  return offset.value % k_direct_alignment == 0 &&
         reinterpret_cast<std::uintptr_t>(buffer.data()) % k_direct_alignment == 0;
}

}  // namespace

OpenSource open_source(const std::filesystem::path& path, const std::string& what, int flags) {
  struct stat status {};
  // Looked at first: opening a pipe would block, opening a tape would move it.
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw Error(ErrorKind::not_found, fmt::format("{} does not exist", what),
                  "check the path; an LVM volume may need lvchange -ay first");
    }
    throw_errno(errno, fmt::format("looking at {}", what));
  }
  require_disk_kind(status.st_mode, what);
  OpenSource source{Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags)), {}, false};
  if (!source.fd || ::fstat(source.fd.get(), &status) != 0) {
    throw_errno(errno, fmt::format("opening {}", what), "run as a user who may read it");
  }
  require_disk_kind(status.st_mode, what);
  source.block_device = S_ISBLK(status.st_mode);
  source.size = ByteCount{static_cast<std::uint64_t>(status.st_size)};
  if (source.block_device && ::ioctl(source.fd.get(), BLKGETSIZE64, &source.size.value) != 0) {
    throw_errno(errno, fmt::format("asking for the size of {}", what));
  }
  return source;
}

FileReader::FileReader(const std::filesystem::path& path, std::string what)
    : m_what(std::move(what)), m_source(open_source(path, m_what)) {
  m_direct = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  m_use_direct = static_cast<bool>(m_direct);
}

// How many bytes it read: 0 where direct I/O is not to be had.
std::size_t FileReader::read_direct(std::span<std::byte> buffer, ByteCount offset) {
  const std::size_t wanted = buffer.size() - buffer.size() % k_direct_alignment;
  std::size_t most = wanted;
  std::size_t done = 0;
  while (done < wanted) {
    const ssize_t got = ::pread(m_direct.get(), buffer.data() + done, std::min(most, wanted - done),
                                static_cast<off_t>(offset.value + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0 && errno == EINVAL) {
      m_use_direct = false;  // refused only now, or for this device's larger sectors
      return done;
    }
    if (got < 0) {
      const ReadError error(errno,
                            fmt::format("reading {} at byte {}", m_what, offset.value + done));
      if (error.bad_sector() && std::min(most, wanted - done) > k_direct_alignment) {
        most =
            k_direct_alignment;  // a request fails as a whole: by blocks we learn which one it is
        continue;
      }
      throw error;
    }
    if (got == 0 || static_cast<std::size_t>(got) % k_direct_alignment != 0) {
      return done;  // the end of the file: the buffered read says what is wrong, if anything is
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

// The page cache reads whole pages: a sector beside a bad one is to be had only past it, where the
// device has such small ones.
bool FileReader::read_sector(std::span<std::byte> buffer, ByteCount offset) {
  if (!m_direct || buffer.size() != k_sector_size || offset.value % k_sector_size != 0) {
    return false;
  }
  const AlignedBuffer sector(k_direct_alignment);
  const ssize_t got = ::pread(m_direct.get(), sector.bytes().data(), k_sector_size,
                              static_cast<off_t>(offset.value));
  if (got != static_cast<ssize_t>(k_sector_size)) {
    return false;
  }
  std::copy_n(sector.bytes().begin(), k_sector_size, buffer.begin());
  return true;
}

void FileReader::read_buffered(std::span<std::byte> buffer, ByteCount offset) {
  for (std::size_t done = 0; done < buffer.size();) {
    const ssize_t got = ::pread(m_source.fd.get(), buffer.data() + done, buffer.size() - done,
                                static_cast<off_t>(offset.value + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      const ReadError error(errno,
                            fmt::format("reading {} at byte {}", m_what, offset.value + done));
      if (error.bad_sector() && read_sector(buffer, offset)) {
        return;
      }
      throw error;
    }
    if (got == 0) {
      throw Error(ErrorKind::io, fmt::format("reading {}: it ends at byte {}, {} bytes too early",
                                             m_what, offset.value + done, buffer.size() - done));
    }
    done += static_cast<std::size_t>(got);
  }
}

void FileReader::read(std::span<std::byte> buffer, ByteCount offset) {
  if (m_use_direct && is_aligned(buffer, offset)) {
    const std::size_t done = read_direct(buffer, offset);
    buffer = buffer.subspan(done);
    offset = offset + ByteCount{done};
  }
  if (buffer.empty()) {
    return;
  }
  read_buffered(buffer, offset);
  ::posix_fadvise(m_source.fd.get(), static_cast<off_t>(offset.value),
                  static_cast<off_t>(buffer.size()), POSIX_FADV_DONTNEED);
}

Run FileReader::run_at(ByteCount offset) {
  if (m_source.block_device) {
    return {false, m_source.size};
  }
  const int fd = m_source.fd.get();
  const auto at = static_cast<off_t>(offset.value);
  const off_t data = ::lseek(fd, at, SEEK_DATA);
  if (data < 0) {  // ENXIO: a hole up to the end; anything else: not known here
    return {errno == ENXIO, m_source.size};
  }
  if (data > at) {
    return {true, std::min(ByteCount{static_cast<std::uint64_t>(data)}, m_source.size)};
  }
  const off_t hole = ::lseek(fd, at, SEEK_HOLE);
  return {false, hole <= at ? m_source.size
                            : std::min(ByteCount{static_cast<std::uint64_t>(hole)}, m_source.size)};
}

}  // namespace vmconvert::disk
