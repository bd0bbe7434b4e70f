#include "disk/target.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/new_file.hpp"
#include "disk/qcow2_tables.hpp"
#include "disk/qcow2_writer.hpp"
#include "disk/raw_writer.hpp"
#include "disk/run_file.hpp"

namespace vmconvert::disk {
namespace {}  // namespace

TargetImage::TargetImage(std::filesystem::path path, model::DiskFormat format, ByteCount size,
                         const BeforeItAppears& note)
    : m_path(std::move(path)), m_format(format), m_size(size) {
  if (format == model::DiskFormat::qcow2) {
    require_qcow2_size(size);
  }
  if (std::filesystem::exists(std::filesystem::symlink_status(m_path))) {
    throw Error(ErrorKind::bad_input, fmt::format("the target {} exists already", m_path.string()),
                "choose another folder or name, or remove it if nobody needs it");
  }
  NewFile file(m_path);
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) {
    throw_errno(errno, fmt::format("looking at {}", m_path.string()));
  }
  m_device = status.st_dev;
  m_inode = status.st_ino;
  try {
    if (format == model::DiskFormat::raw &&
        ::ftruncate(file.fd(), static_cast<off_t>(size.value)) != 0) {
      throw_errno(errno, fmt::format("making {} {} bytes long", m_path.string(), size.value));
    }
    if (note) {
      note(file.fd());
    }
    file.appear();
  } catch (...) {
    remove_ours();
    throw;
  }
}

TargetImage::TargetImage(TargetImage&& other) noexcept
    : m_path(std::move(other.m_path)),
      m_format(other.m_format),
      m_size(other.m_size),
      m_device(other.m_device),
      m_inode(other.m_inode),
      m_keep(std::exchange(other.m_keep, true)) {}

TargetImage::~TargetImage() {
  if (!m_keep) {
    remove_ours();
  }
}

void TargetImage::remove_ours() const noexcept {
  struct stat status {};
  if (::lstat(m_path.c_str(), &status) == 0 && status.st_dev == m_device &&
      status.st_ino == m_inode) {
    ::unlink(m_path.c_str());
  }
}

std::unique_ptr<TargetWriter> TargetImage::open_writer() const {
  if (m_format == model::DiskFormat::raw) {
    return std::make_unique<RawWriter>(m_path, m_size);
  }
  return std::make_unique<Qcow2Writer>(m_path, m_size);
}

std::unique_ptr<TargetWriter> open_image_writer(const std::filesystem::path& path,
                                                model::DiskFormat format, ByteCount size,
                                                const std::filesystem::path& state_file) {
  if (format == model::DiskFormat::raw) {
    return std::make_unique<RawWriter>(path, size);
  }
  auto writer = std::filesystem::exists(state_file)
                    ? std::make_unique<Qcow2Writer>(path, size, load_runs(state_file))
                    : std::make_unique<Qcow2Writer>(path, size);
  writer->remember_in(state_file);
  return writer;
}

void require_free_space(const std::filesystem::path& folder, ByteCount needed) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) {
    throw_errno(errno, fmt::format("asking for the free space in {}", folder.string()));
  }
  const ByteCount free{std::uint64_t{status.f_bavail} * status.f_frsize};
  if (free < needed) {
    throw Error(ErrorKind::io,
                fmt::format("{} has {} free, {} are needed", folder.string(), to_text_exact(free),
                            to_text_exact(needed)),
                "free some space there, or choose another folder");
  }
}

}  // namespace vmconvert::disk
