#include "bundle/receive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <map>
#include <mutex>
#include <set>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/owned.hpp"
#include "base/text.hpp"
#include "bundle/content.hpp"
#include "bundle/names.hpp"
#include "bundle/parallel.hpp"
#include "bundle/seal.hpp"
#include "bundle/sink.hpp"

namespace vmconvert::bundle {
namespace {

namespace fs = std::filesystem;
using Archive = Owned<archive, archive_read_free>;

[[noreturn]] void refuse_stream(const std::string& why) {
  throw Error(ErrorKind::bad_input, fmt::format("the bundle's stream: {}", why),
              "send it again: vmconvert export SOURCE - | ssh HOST vmconvert import -");
}

std::string name_of(archive_entry* entry) {
  const char* text = archive_entry_pathname(entry);
  std::string name = text == nullptr ? "" : text;
  while (name.starts_with("./")) {
    name.erase(0, 2);
  }
  return name;
}

std::vector<std::byte> content_of(archive* in, archive_entry* entry, const std::string& name) {
  const la_int64_t size = archive_entry_size(entry);
  if (size < 0 || static_cast<std::uint64_t>(size) > largest_size(name)) {
    refuse_stream(fmt::format("{} has {} bytes, more than any such file", name, size));
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const la_ssize_t got = archive_read_data(in, bytes.data() + done, bytes.size() - done);
    if (got <= 0) {
      refuse_stream(fmt::format("it ends in the middle of {}", name));
    }
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace

Manifest receive_stream(int fd, const fs::path& folder) {
  // Only tar, and nothing that unpacks: sizes are what they seem.
  const Archive in(archive_read_new());
  archive_read_support_format_tar(in.get());
  if (archive_read_open_fd(in.get(), fd, 1U << 20U) != ARCHIVE_OK) {
    refuse_stream("it is no tar stream");
  }
  FolderSink sink(folder);
  std::set<std::string> seen;
  archive_entry* entry = nullptr;
  int status = ARCHIVE_OK;
  while ((status = archive_read_next_header(in.get(), &entry)) == ARCHIVE_OK) {
    throw_if_interrupted();
    const std::string name = name_of(entry);
    if (archive_entry_filetype(entry) == AE_IFDIR) {
      continue;  // of a folder that was packed by tar itself
    }
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr ||
        (name != k_manifest_name && !is_file_name(name))) {
      refuse_stream(
          fmt::format("\"{}\" is nothing that a bundle has", printable(name.substr(0, 200))));
    }
    if (!seen.insert(name).second) {
      refuse_stream(fmt::format("{} comes twice", name));
    }
    sink.put(name, content_of(in.get(), entry, name));
  }
  if (status != ARCHIVE_EOF) {
    refuse_stream(
        fmt::format("it cannot be read on: {}", printable(archive_error_string(in.get()))));
  }
  if (seen.count(k_manifest_name) == 0) {
    refuse_stream("it ended before the manifest, which comes last");
  }
  return read_manifest(folder);
}

void unseal_bundle(const fs::path& bundle, const fs::path& folder, const fs::path& identity,
                   CommandRunner& commands) {
  Manifest manifest = read_manifest(bundle);
  FolderSink sink(folder);
  // A pack's name is the checksum of what is stored: it changes with it.
  for_each_index(manifest.files.size(), [&](std::size_t i) {
    StoredFile& file = manifest.files[i];
    const auto plain = while_doing(fmt::format("opening {}", file.path), [&] {
      return unseal(read_checked(bundle, file), identity, largest_size(file.path), commands);
    });
    file.digest = sha256(plain);
    file.size = plain.size();
    file.path = is_pack_name(file.path) ? pack_name(file.digest) : file.path;
    sink.put(file.path, plain);
  });
  manifest.encrypted = false;
  manifest.recipients.clear();
  sink.put(k_manifest_name, as_bytes(to_text(manifest)));
}

}  // namespace vmconvert::bundle
