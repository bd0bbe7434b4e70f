// nbdkit plugin: one disk of a bundle, read-only.  bundle=FOLDER disk=N
// Requests come from several threads at once; each chunk is unpacked and checked as it is read.
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <optional>
#include <string>

#include "bundle/disk_reader.hpp"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace {

using vmconvert::bundle::Content;
using vmconvert::bundle::DiskReader;

// nbdkit loads a plugin once and serves one disk with it: its callbacks have no other place.
struct Served {
  std::string bundle;
  std::size_t disk = 0;
  std::optional<DiskReader> reader;
};
Served& served() {
  static Served one;
  return one;
}

// No exception may cross into nbdkit.
template <class Body>
int guarded(Body&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const std::exception& error) {
    nbdkit_error("%s", error.what());
    nbdkit_set_error(EIO);
    return -1;
  }
}

int bundle_config(const char* key, const char* value) {
  if (std::strcmp(key, "bundle") == 0) {
    return guarded([&] { served().bundle = value; });
  }
  const char* end = value + std::strlen(value);
  if (std::strcmp(key, "disk") == 0 && std::from_chars(value, end, served().disk).ptr == end) {
    return 0;
  }
  nbdkit_error("unknown parameter: %s=%s", key, value);
  return -1;
}

int bundle_get_ready() {
  return guarded([] { served().reader.emplace(Content::open(served().bundle), served().disk); });
}

void bundle_unload() {
  served().reader.reset();
}

void* bundle_open(int) {
  return NBDKIT_HANDLE_NOT_NEEDED;
}

std::int64_t bundle_get_size(void*) {
  return static_cast<std::int64_t>(served().reader->size().value);
}

int bundle_can_multi_conn(void*) {
  return 1;
}  // read-only: all connections see the same

int bundle_pread(void*, void* buffer, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
  return guarded([&] { served().reader->read({static_cast<std::byte*>(buffer), count}, offset); });
}

int bundle_can_extents(void*) {
  return 1;
}

int bundle_extents(void*, std::uint32_t count, std::uint64_t offset, std::uint32_t flags,
                   nbdkit_extents* extents) {
  return guarded([&] {
    const std::uint64_t end = offset + count;
    do {
      const DiskReader::Run run = served().reader->run_at(offset);
      const std::uint32_t type = run.zero ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0;
      if (nbdkit_add_extent(extents, offset, run.end - offset, type) != 0) {
        throw std::runtime_error("adding an extent");
      }
      offset = run.end;
    } while (offset < end && (flags & NBDKIT_FLAG_REQ_ONE) == 0);
  });
}

nbdkit_plugin make_plugin() {
  nbdkit_plugin plugin{};
  plugin.name = "vmconvert-bundle";
  plugin.longname = "a disk of an exported guest";
  plugin.config = bundle_config;
  plugin.config_help = "bundle=FOLDER disk=N (both required)";
  plugin.get_ready = bundle_get_ready;
  plugin.unload = bundle_unload;
  plugin.open = bundle_open;
  plugin.get_size = bundle_get_size;
  plugin.can_multi_conn = bundle_can_multi_conn;
  plugin.pread = bundle_pread;
  plugin.can_extents = bundle_can_extents;
  plugin.extents = bundle_extents;
  return plugin;
}

nbdkit_plugin plugin = make_plugin();

}  // namespace

extern "C" {
NBDKIT_REGISTER_PLUGIN(plugin)
}
