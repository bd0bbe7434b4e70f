#include "bundle/sink.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <ctime>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/owned.hpp"
#include "bundle/digest.hpp"

namespace vmconvert::bundle {
namespace {

namespace fs = std::filesystem;
using Entry = Owned<archive_entry, archive_entry_free>;

}  // namespace

FolderSink::FolderSink(fs::path folder) : m_folder(std::move(folder)) {
  std::error_code error;
  fs::create_directories(m_folder, error);
  if (error) {
    throw Error(ErrorKind::io, fmt::format("making {}: {}", m_folder.string(), error.message()));
  }
}

void FolderSink::put(const std::string& path, std::span<const std::byte> bytes) {
  const fs::path place = m_folder / path;
  std::error_code error;
  fs::create_directories(place.parent_path(), error);
  if (error) {
    throw Error(ErrorKind::io,
                fmt::format("making {}: {}", place.parent_path().string(), error.message()));
  }
  AtomicFile file(place, 0600);  // a guest's disk is nobody else's business
  file.write(as_text(bytes));
  file.commit(Overwrite::yes);
}

TarSink::TarSink(int fd) : m_archive(archive_write_new()) {
  archive_write_set_format_pax_restricted(m_archive);
  archive_write_add_filter_none(m_archive);
  archive_write_set_bytes_in_last_block(m_archive, 1);
  if (archive_write_open_fd(m_archive, fd) != ARCHIVE_OK) {
    const std::string why = archive_error_string(m_archive);
    archive_write_free(m_archive);
    throw Error(ErrorKind::io, fmt::format("writing the bundle's stream: {}", why));
  }
}

TarSink::~TarSink() {
  archive_write_fail(m_archive);  // without finish(), no end that looks whole
  archive_write_free(m_archive);
}

void TarSink::put(const std::string& path, std::span<const std::byte> bytes) {
  const std::lock_guard lock(m_mutex);
  const Entry entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), path.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  archive_entry_set_mtime(entry.get(), std::time(nullptr), 0);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  if (archive_write_header(m_archive, entry.get()) != ARCHIVE_OK ||
      archive_write_data(m_archive, bytes.data(), bytes.size()) !=
          static_cast<la_ssize_t>(bytes.size())) {
    throw Error(
        ErrorKind::io,
        fmt::format("writing {} to the bundle's stream: {}", path, archive_error_string(m_archive)),
        "the program behind the pipe may have ended: see what it said");
  }
}

void TarSink::finish() {
  if (archive_write_close(m_archive) != ARCHIVE_OK) {
    throw Error(ErrorKind::io,
                fmt::format("ending the bundle's stream: {}", archive_error_string(m_archive)));
  }
}

}  // namespace vmconvert::bundle
