#include "disk/target_writers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "disk/file_reader.hpp"

namespace vmconvert::disk {

RawWriter::RawWriter(std::filesystem::path path, ByteCount size)
    : m_path(std::move(path)),
      m_size(size),
      m_buffered(open_file(m_path, O_WRONLY)),
      m_direct(::open(m_path.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT)),
      m_use_direct(static_cast<bool>(m_direct)) {}

// How many bytes it wrote; the rest is for the page cache.
std::size_t RawWriter::write_direct(std::span<const std::byte> bytes, ByteCount offset) {
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
    } else if (put < 0 && means_no_space(errno)) {
      throw_no_space(m_path, offset + ByteCount{done}, m_size);
    } else if (put < 0) {
      throw_errno(errno,
                  fmt::format("writing {} at byte {}", m_path.string(), offset.value + done));
    } else if (static_cast<std::size_t>(put) % k_direct_alignment != 0) {
      return done;  // cut short in mid-block: written again, buffered
    } else {
      done += static_cast<std::size_t>(put);
    }
  }
  return done;
}

void RawWriter::write(std::span<const std::byte> bytes, ByteCount offset) {
  std::size_t done = write_direct(bytes, offset);
  const std::size_t first_buffered = done;
  while (done < bytes.size()) {
    const ssize_t put = ::pwrite(m_buffered.get(), bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(offset.value + done));
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0 && means_no_space(errno)) {
      throw_no_space(m_path, offset + ByteCount{done}, m_size);
    }
    if (put < 0) {
      throw_errno(errno,
                  fmt::format("writing {} at byte {}", m_path.string(), offset.value + done));
    }
    done += static_cast<std::size_t>(put);
  }
  if (first_buffered < bytes.size()) {  // start it now, so that dirty pages do not pile up
    ::sync_file_range(m_buffered.get(), static_cast<off_t>(offset.value + first_buffered),
                      static_cast<off_t>(bytes.size() - first_buffered), SYNC_FILE_RANGE_WRITE);
  }
}

void RawWriter::sync() {
  if (::fdatasync(m_buffered.get()) != 0) {
    throw_errno(errno, fmt::format("flushing {}", m_path.string()));
  }
}

void RawWriter::finish() {
  m_direct.reset();
  m_buffered.reset();
  sync_path(m_path);
}

Qcow2Writer::Qcow2Writer(std::filesystem::path path, ByteCount size,
                         const std::filesystem::path& sockets)
    : m_path(std::move(path)),
      m_size(size),
      m_server(serve_image({.image = m_path,
                            .format = model::DiskFormat::qcow2,
                            .access = Access::read_write,
                            .folder = sockets})),
      m_pool(m_server.socket(), m_path.string()) {}

void Qcow2Writer::write(std::span<const std::byte> bytes, ByteCount offset) {
  if (m_pool.write(bytes, offset) != 0) {
    throw_no_space(m_path, offset, m_size);
  }
}

void Qcow2Writer::sync() {
  if (m_pool.flush() != 0) {
    throw_no_space(m_path, {}, m_size);
  }
}

void Qcow2Writer::finish() {
  if (m_pool.flush() != 0) {
    throw_no_space(m_path, {}, m_size);
  }
  m_pool.close();
  m_server.stop();
  sync_path(m_path);
}

}  // namespace vmconvert::disk
