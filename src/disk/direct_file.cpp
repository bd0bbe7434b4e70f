#include "disk/direct_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "disk/aligned_buffer.hpp"

namespace vmconvert::disk {
namespace {

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return std::filesystem::absolute(path).parent_path();
}

// Full disk, quota, or a limit on a file's size.
bool means_no_space(int code) {
  return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

}  // namespace

DirectFile::DirectFile(std::filesystem::path path, ByteCount may_need)
    : m_path(std::move(path)),
      m_may_need(may_need),
      m_buffered(open_file(m_path, O_WRONLY)),
      m_direct(::open(m_path.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT)),
      m_use_direct(static_cast<bool>(m_direct)) {}

void DirectFile::fail(int code, const std::string& doing) const {
  struct stat status {};
  if (means_no_space(code) && ::stat(m_path.c_str(), &status) == 0 && S_ISBLK(status.st_mode)) {
    throw Error(ErrorKind::io, fmt::format("{}: what it lies on is full", doing),
                "extend the thin pool that it is a volume of: lvextend");
  }
  if (means_no_space(code)) {
    throw Error(ErrorKind::io,
                fmt::format("{}: no space left in {}; the image may need {}", doing,
                            folder_of(m_path).string(), to_text_exact(m_may_need)),
                "free some space there, or choose another folder");
  }
  throw_errno(code, doing);
}

// How many bytes it wrote; the rest is for the page cache.
std::size_t DirectFile::write_direct(std::span<const std::byte> bytes, ByteCount offset) {
  const bool aligned = offset.value % k_direct_alignment == 0 &&
                       reinterpret_cast<std::uintptr_t>(bytes.data()) % k_direct_alignment == 0;
  const std::size_t wanted = aligned ? bytes.size() - bytes.size() % k_direct_alignment : 0;
  std::size_t done = 0;
  while (m_use_direct && done < wanted) {
    const ssize_t put = ::pwrite(m_direct.get(), bytes.data() + done, wanted - done,
                                 static_cast<off_t>(offset.value + done));
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0 && errno == EINVAL) {
      m_use_direct = false;
    } else if (put < 0) {
      fail(errno, fmt::format("writing {} at byte {}", m_path.string(), offset.value + done));
    } else if (static_cast<std::size_t>(put) % k_direct_alignment != 0) {
      return done;  // cut short in mid-block: written again, buffered
    } else {
      done += static_cast<std::size_t>(put);
    }
  }
  return done;
}

void DirectFile::write(std::span<const std::byte> bytes, ByteCount offset) {
  std::size_t done = write_direct(bytes, offset);
  const std::size_t first_buffered = done;
  while (done < bytes.size()) {
    const ssize_t put = ::pwrite(m_buffered.get(), bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(offset.value + done));
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      fail(errno, fmt::format("writing {} at byte {}", m_path.string(), offset.value + done));
    }
    done += static_cast<std::size_t>(put);
  }
  if (first_buffered < bytes.size()) {  // start it now, so that dirty pages do not pile up
    ::sync_file_range(m_buffered.get(), static_cast<off_t>(offset.value + first_buffered),
                      static_cast<off_t>(bytes.size() - first_buffered), SYNC_FILE_RANGE_WRITE);
  }
}

void DirectFile::truncate(ByteCount size) {
  if (::ftruncate(m_buffered.get(), static_cast<off_t>(size.value)) != 0) {
    fail(errno, fmt::format("making {} {} bytes long", m_path.string(), size.value));
  }
}

// File systems that reserve late (NFS, quotas) say only here that there is no space.
void DirectFile::sync() {
  if (::fdatasync(m_buffered.get()) != 0) {
    fail(errno, fmt::format("flushing {}", m_path.string()));
  }
}

void DirectFile::finish() {
  sync();
  m_direct.reset();
  m_buffered.reset();
  sync_path(m_path);
}

void sync_path(const std::filesystem::path& path) {
  const Fd file = open_file(path, O_RDONLY);
  const Fd folder = open_file(folder_of(path), O_RDONLY | O_DIRECTORY);
  if (::fsync(file.get()) != 0 || ::fsync(folder.get()) != 0) {
    throw_errno(errno, fmt::format("flushing {}", path.string()));
  }
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);  // the host's cache is not ours to fill
}

}  // namespace vmconvert::disk
