// nbdkit plugin: one read-only disk made of segments, as a layout file lists them.
//
//   vmconvert-layout 1
//   file LENGTH OFFSET PATH      bytes of a file or block device
//   nbd LENGTH OFFSET SOCKET     bytes of an NBD export on a Unix socket
//   zero LENGTH
//
// With bad-sectors=zero a sector that cannot be read is zeros: the copy, which reads the sources by
// itself, knows which ones those are. A path is the rest of its line. Requests come from several
// threads at once. Nothing here writes.
#define NBDKIT_API_VERSION 2
#include <fcntl.h>
#include <libnbd.h>
#include <nbdkit-plugin.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace {

constexpr std::size_t k_max_segments = 100000;
constexpr std::uint64_t k_sector = 512;
constexpr std::uint64_t k_max_size = std::uint64_t{1} << 62U;

struct Range {
  std::uint64_t offset = 0;  // in the segment
  std::uint64_t length = 0;
};

class Segment {
 public:
  virtual ~Segment() = default;
  virtual void open() {}
  virtual void read(char* buffer, Range range) = 0;
  // The flags of NBDKIT_EXTENT_* that hold for the first bytes of the range, and for how many.
  virtual std::uint64_t extent(Range range, std::uint32_t& flags) = 0;
};

class ZeroSegment final : public Segment {
 public:
  void read(char* buffer, Range range) override { std::memset(buffer, 0, range.length); }
  std::uint64_t extent(Range range, std::uint32_t& flags) override {
    flags = NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO;
    return range.length;
  }
};

[[noreturn]] void fail(int code, const std::string& doing) {
  errno = code;
  throw std::runtime_error(doing + ": " + std::strerror(code));
}

class FileSegment final : public Segment {
 public:
  FileSegment(std::string path, std::uint64_t base) : m_path(std::move(path)), m_base(base) {}
  FileSegment(const FileSegment&) = delete;
  FileSegment& operator=(const FileSegment&) = delete;
  ~FileSegment() override {
    if (m_fd >= 0) {
      ::posix_fadvise(m_fd, 0, 0, POSIX_FADV_DONTNEED);  // the host's cache is not ours to fill
      ::close(m_fd);
    }
    if (m_direct >= 0) {
      ::close(m_direct);
    }
  }

  void open() override {
    m_fd = ::open(m_path.c_str(), O_RDONLY | O_CLOEXEC);
    if (m_fd < 0) {
      fail(errno, "opening " + m_path);
    }
    m_direct = ::open(m_path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  }

  void read(char* buffer, Range range) override {
    while (range.length > 0) {
      const auto at = static_cast<off_t>(m_base + range.offset);
      const ssize_t got = ::pread(m_fd, buffer, range.length, at);
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got < 0 && read_sector(buffer, range)) {
        return;
      }
      if (got <= 0) {
        fail(got < 0 ? errno : ESPIPE, "reading " + m_path + " at byte " + std::to_string(at) +
                                           (got == 0 ? ", where it ends too early" : ""));
      }
      buffer += got;
      range.offset += static_cast<std::uint64_t>(got);
      range.length -= static_cast<std::uint64_t>(got);
    }
  }

  std::uint64_t extent(Range range, std::uint32_t& flags) override {
    const auto at = static_cast<off_t>(m_base + range.offset);
    flags = 0;
    const off_t data = ::lseek(m_fd, at, SEEK_DATA);
    if (data < 0) {  // ENXIO: a hole up to the end; block devices and others: all is data
      flags = errno == ENXIO ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0;
      return range.length;
    }
    if (data > at) {
      flags = NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO;
      return std::min<std::uint64_t>(range.length, static_cast<std::uint64_t>(data - at));
    }
    const off_t hole = ::lseek(m_fd, at, SEEK_HOLE);
    return hole <= at
               ? range.length
               : std::min<std::uint64_t>(range.length, static_cast<std::uint64_t>(hole - at));
  }

 private:
  // Past the page cache, which fails for all of a page that has a bad sector.
  [[nodiscard]] bool read_sector(char* buffer, Range range) const {
    alignas(4096) char sector[4096];
    const int code = errno;
    if (m_direct < 0 || range.length != k_sector ||
        ::pread(m_direct, sector, k_sector, static_cast<off_t>(m_base + range.offset)) !=
            static_cast<ssize_t>(k_sector)) {
      errno = code;
      return false;
    }
    std::memcpy(buffer, sector, k_sector);
    return true;
  }

  std::string m_path;
  std::uint64_t m_base;
  int m_fd = -1;
  int m_direct = -1;
};

class NbdSegment final : public Segment {
 public:
  NbdSegment(std::string socket, std::uint64_t base) : m_socket(std::move(socket)), m_base(base) {}

  void open() override {
    m_nbd.reset(nbd_create());
    if (!m_nbd || nbd_add_meta_context(m_nbd.get(), k_allocation) != 0 ||
        nbd_connect_unix(m_nbd.get(), m_socket.c_str()) != 0) {
      fail_nbd();
    }
  }

  // libnbd locks the handle: requests of other threads wait.
  void read(char* buffer, Range range) override {
    if (nbd_pread(m_nbd.get(), buffer, range.length, m_base + range.offset, 0) != 0) {
      fail_nbd();
    }
  }

  std::uint64_t extent(Range range, std::uint32_t& flags) override {
    flags = 0;
    if (nbd_can_meta_context(m_nbd.get(), k_allocation) != 1) {
      return range.length;
    }
    First first;
    nbd_extent_callback callback{};
    callback.callback = keep_first;
    callback.user_data = &first;
    if (nbd_block_status(m_nbd.get(), range.length, m_base + range.offset, callback, 0) != 0) {
      fail_nbd();
    }
    if (first.length == 0) {
      return range.length;
    }
    flags = first.flags & (NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO);  // the same bits
    return std::min<std::uint64_t>(range.length, first.length);
  }

 private:
  static constexpr const char* k_allocation = "base:allocation";

  struct First {
    std::uint32_t length = 0;
    std::uint32_t flags = 0;
  };
  struct Close {
    void operator()(nbd_handle* handle) const { nbd_close(handle); }
  };

  static int keep_first(void* data, const char*, std::uint64_t, std::uint32_t* entries,
                        std::size_t count, int*) {
    if (count >= 2) {
      *static_cast<First*>(data) = {entries[0], entries[1]};
    }
    return 0;
  }
  [[noreturn]] void fail_nbd() const {
    const char* text = nbd_get_error();
    errno = nbd_get_errno() == 0 ? EIO : nbd_get_errno();
    throw std::runtime_error(m_socket + ": " + (text == nullptr ? "unknown error" : text));
  }

  std::string m_socket;
  std::uint64_t m_base;
  std::unique_ptr<nbd_handle, Close> m_nbd;
};

struct Placed {
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  std::unique_ptr<Segment> segment;
};

struct Layout {
  std::vector<Placed> segments;
  std::uint64_t size = 0;
};

// nbdkit loads a plugin once and serves one layout with it: its callbacks have no other place.
std::string& layout_path() {
  static std::string path;
  return path;
}
bool& zero_bad_sectors() {
  static bool zero = false;
  return zero;
}
Layout& layout() {
  static Layout served;
  return served;
}

std::uint64_t next_number(std::istringstream& line) {
  std::string word;
  line >> word;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value > k_max_size) {
    throw std::runtime_error("bad number in the layout: \"" + word + "\"");
  }
  return value;
}

Placed parse_segment(const std::string& text, std::uint64_t start) {
  std::istringstream line(text);
  std::string kind;
  line >> kind;
  Placed placed{start, next_number(line), nullptr};
  if (kind == "zero") {
    placed.segment = std::make_unique<ZeroSegment>();
    return placed;
  }
  const std::uint64_t offset = next_number(line);
  line.get();  // the blank before the path
  std::string path;
  std::getline(line, path);
  if (path.empty() || (kind != "file" && kind != "nbd")) {
    throw std::runtime_error("bad line in the layout: " + text);
  }
  if (kind == "file") {
    placed.segment = std::make_unique<FileSegment>(path, offset);
  } else {
    placed.segment = std::make_unique<NbdSegment>(path, offset);
  }
  return placed;
}

Layout read_layout(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line != "vmconvert-layout 1") {
    throw std::runtime_error(path + " is no layout of version 1");
  }
  Layout found;
  while (std::getline(file, line)) {
    Placed placed = parse_segment(line, found.size);
    found.size += placed.length;
    if (found.size > k_max_size || found.segments.size() == k_max_segments) {
      throw std::runtime_error(path + " is too large");
    }
    if (placed.length > 0) {
      found.segments.push_back(std::move(placed));
    }
  }
  return found;
}

// Calls body(segment, range in it) for each piece of [offset, offset + count), in order.
template <class Body>
void for_each_piece(std::uint64_t offset, std::uint64_t count, Body&& body) {
  const std::vector<Placed>& segments = layout().segments;
  auto at = std::upper_bound(segments.begin(), segments.end(), offset,
                             [](std::uint64_t o, const Placed& p) { return o < p.start; });
  for (--at; count > 0 && at != segments.end(); ++at) {
    const std::uint64_t inside = offset - at->start;
    const std::uint64_t length = std::min(count, at->length - inside);
    body(*at->segment, Range{inside, length});
    offset += length;
    count -= length;
  }
}

// No exception may cross into nbdkit.
template <class Body>
int guarded(Body&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const std::exception& error) {
    const int code = errno == 0 ? EIO : errno;
    nbdkit_error("%s", error.what());
    nbdkit_set_error(code);
    return -1;
  }
}

// Any other error than that of a bad sector stays one.
bool is_bad_sector(int code) {
  return code == EIO || code == ENODATA || code == EILSEQ;
}

// By pages, and the pages that fail by sectors.
void read_salvaging(Segment& segment, char* to, Range range, std::uint64_t step) {
  while (range.length > 0) {
    const std::uint64_t length = std::min(range.length, step - range.offset % step);
    errno = 0;
    try {
      segment.read(to, {range.offset, length});
    } catch (const std::exception&) {
      if (!is_bad_sector(errno)) {
        throw;
      }
      if (step > k_sector) {
        read_salvaging(segment, to, {range.offset, length}, k_sector);
      } else {
        std::memset(to, 0, length);
      }
    }
    to += length;
    range.offset += length;
    range.length -= length;
  }
}

void read_segment(Segment& segment, char* to, Range range) {
  try {
    segment.read(to, range);
  } catch (const std::exception&) {
    if (!zero_bad_sectors() || !is_bad_sector(errno)) {
      throw;
    }
    read_salvaging(segment, to, range, 4096);
  }
}

int layout_config(const char* key, const char* value) {
  if (std::strcmp(key, "bad-sectors") == 0) {
    zero_bad_sectors() = std::strcmp(value, "zero") == 0;
    return 0;
  }
  if (std::strcmp(key, "layout") != 0) {
    nbdkit_error("unknown parameter: %s", key);
    return -1;
  }
  return guarded([&] { layout_path() = value; });
}

int layout_get_ready() {
  return guarded([] {
    layout() = read_layout(layout_path());
    for (const Placed& placed : layout().segments) {
      placed.segment->open();
    }
  });
}

void layout_unload() {
  layout() = Layout();
}

void* layout_open(int) {
  return NBDKIT_HANDLE_NOT_NEEDED;
}

std::int64_t layout_get_size(void*) {
  return static_cast<std::int64_t>(layout().size);
}

int layout_can_multi_conn(void*) {
  return 1;
}  // read-only: all connections see the same

int layout_pread(void*, void* buffer, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
  return guarded([&] {
    auto* to = static_cast<char*>(buffer);
    for_each_piece(offset, count, [&](Segment& segment, Range range) {
      read_segment(segment, to, range);
      to += range.length;
    });
  });
}

int layout_can_extents(void*) {
  return 1;
}

int layout_extents(void*, std::uint32_t count, std::uint64_t offset, std::uint32_t flags,
                   nbdkit_extents* extents) {
  return guarded([&] {
    bool enough = false;
    for_each_piece(offset, count, [&](Segment& segment, Range range) {
      while (range.length > 0 && !enough) {
        std::uint32_t type = 0;
        const std::uint64_t length = segment.extent(range, type);
        if (nbdkit_add_extent(extents, offset, length, type) != 0) {
          throw std::runtime_error("adding an extent");
        }
        offset += length;
        range.offset += length;
        range.length -= length;
        enough = (flags & NBDKIT_FLAG_REQ_ONE) != 0;
      }
    });
  });
}

nbdkit_plugin make_plugin() {
  nbdkit_plugin plugin{};
  plugin.name = "vmconvert-layout";
  plugin.longname = "read-only disks made of segments";
  plugin.config = layout_config;
  plugin.config_help =
      "layout=FILE (required) the list of segments\n"
      "bad-sectors=fail|zero  sectors that cannot be read (default: fail)";
  plugin.get_ready = layout_get_ready;
  plugin.unload = layout_unload;
  plugin.open = layout_open;
  plugin.get_size = layout_get_size;
  plugin.can_multi_conn = layout_can_multi_conn;
  plugin.pread = layout_pread;
  plugin.can_extents = layout_can_extents;
  plugin.extents = layout_extents;
  return plugin;
}

nbdkit_plugin plugin = make_plugin();

}  // namespace

extern "C" {
NBDKIT_REGISTER_PLUGIN(plugin)
}
