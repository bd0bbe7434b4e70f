#include "disk/redo_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <span>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/new_file.hpp"
#include "disk/aligned_buffer.hpp"
#include "disk/bytes.hpp"
#include "disk/nbd_client.hpp"
#include "disk/nbd_server.hpp"
#include "disk/source.hpp"
#include "disk/unit_reader.hpp"
#include "disk/units.hpp"

namespace vmconvert::disk {
namespace {

namespace fs = std::filesystem;
using model::Extent;
using model::ExtentKind;

constexpr std::string_view k_redo_magic = "VMCREDO1";
constexpr std::size_t k_head = 24;
constexpr std::size_t k_leaf_head = 16 + sizeof(LeafHash::bytes);
constexpr std::size_t k_checksum = 16;

struct Change {
  ByteCount offset;
  LeafHash hash;  // the zero leaf's place-holder for zeros
  std::vector<std::byte> content;
};

// The last leaf of a disk may be shorter.
ByteCount length_of(ByteCount offset, ByteCount size) {
  return std::min(ByteCount{k_leaf_size}, size - offset);
}

class LogWriter {
 public:
  explicit LogWriter(const fs::path& path) : m_path(path), m_file(path) {}

  void add(std::span<const std::byte> bytes) {
    pwrite_exactly(m_file.fd(), bytes, m_at, m_path.string());
    m_hash.add(bytes);
    m_at += bytes.size();
  }
  void add(const Change& change) {
    std::array<std::byte, k_leaf_head> head{};
    store_le<std::uint64_t>(head, 0, change.offset.value);
    store_le<std::uint64_t>(head, 8, change.content.size());
    std::copy(change.hash.bytes.begin(), change.hash.bytes.end(), head.begin() + 16);
    add(head);
    add(change.content);
  }
  void finish() {
    const LeafHash sum = m_hash.finish();
    pwrite_exactly(m_file.fd(), std::span(sum.bytes).first(k_checksum), m_at, m_path.string());
    if (::fsync(m_file.fd()) != 0) {
      throw_errno(errno, fmt::format("writing {}", m_path.string()));
    }
    m_file.appear();
    const Fd folder = open_file(m_path.parent_path(), O_RDONLY | O_DIRECTORY);
    ::fsync(folder.get());
  }

 private:
  fs::path m_path;
  NewFile m_file;
  RunningHash m_hash{model::HashKind::xxh3_128};
  std::uint64_t m_at = 0;
};

// Of one node; in the order of the disk.
std::vector<Change> changes_of(const Manifest& manifest, std::uint64_t node,
                               std::span<const std::byte> content) {
  std::vector<Change> changes;
  const NodeHashes old = manifest.node(node);
  for (std::size_t i = 0; i < old.size(); ++i) {
    const std::size_t at = i * k_leaf_size;
    const auto leaf = content.subspan(at, std::min<std::size_t>(k_leaf_size, content.size() - at));
    const bool zero = is_zero(leaf);
    const LeafHash hash = zero ? LeafHash{} : hash_of(manifest.head().hash, leaf);
    if (hash != old[i]) {
      changes.push_back(
          {ByteCount{node * k_node_size + at}, hash,
           zero ? std::vector<std::byte>() : std::vector<std::byte>(leaf.begin(), leaf.end())});
    }
  }
  return changes;
}

[[noreturn]] void throw_damaged(const fs::path& path) {
  throw Error(ErrorKind::bad_input,
              fmt::format("{} is damaged, or belongs to another disk", path.string()),
              "take the job back (vmconvert undo JOB) and convert again");
}

class LogReader {
 public:
  LogReader(fs::path path, const Manifest& manifest)
      : m_path(std::move(path)), m_file(open_file(m_path, O_RDONLY)), m_manifest(manifest) {
    const auto length =
        static_cast<std::uint64_t>(std::max<off_t>(0, ::lseek(m_file.get(), 0, SEEK_END)));
    if (length < k_head + k_checksum) {
      throw_damaged(m_path);
    }
    m_end = length - k_checksum;
    check_sum();
    std::array<std::byte, k_head> head{};
    pread_exactly(m_file.get(), head, 0, m_path.string());
    if (!has_text(head, 0, k_redo_magic) ||
        load_le<std::uint64_t>(head, 8) != manifest.head().size.value ||
        load_le<std::uint64_t>(head, 16) != static_cast<std::uint64_t>(manifest.head().hash)) {
      throw_damaged(m_path);
    }
  }

  template <class Each>
  void for_each(Each&& each) const {
    std::uint64_t at = k_head;
    const ByteCount size = m_manifest.head().size;
    while (at < m_end) {
      std::array<std::byte, k_leaf_head> head{};
      if (k_leaf_head > m_end - at) {
        throw_damaged(m_path);
      }
      pread_exactly(m_file.get(), head, at, m_path.string());
      at += k_leaf_head;
      Change change;
      change.offset = ByteCount{load_le<std::uint64_t>(head, 0)};
      const auto length = load_le<std::uint64_t>(head, 8);
      std::copy(head.begin() + 16, head.end(), change.hash.bytes.begin());
      const bool inside = change.offset < size && change.offset.value % k_leaf_size == 0 &&
                          (length == 0 || length == length_of(change.offset, size).value);
      if (!inside || length > m_end - at) {
        throw_damaged(m_path);
      }
      change.content.resize(length);
      pread_exactly(m_file.get(), change.content, at, m_path.string());
      at += length;
      each(change);
    }
  }

 private:
  void check_sum() const {
    RunningHash hash(model::HashKind::xxh3_128);
    std::vector<std::byte> buffer(k_mib);
    for (std::uint64_t at = 0; at < m_end; at += buffer.size()) {
      const auto part = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), m_end - at));
      pread_exactly(m_file.get(), part, at, m_path.string());
      hash.add(part);
    }
    std::array<std::byte, k_checksum> sum{};
    pread_exactly(m_file.get(), sum, m_end, m_path.string());
    const LeafHash found = hash.finish();
    if (!std::equal(sum.begin(), sum.end(), found.bytes.begin())) {
      throw_damaged(m_path);
    }
  }

  fs::path m_path;
  Fd m_file;
  const Manifest& m_manifest;
  std::uint64_t m_end = 0;
};

// An image that is there: a raw one is written in place, a qcow2 one by qemu-nbd.
class LeafWriter {
 public:
  explicit LeafWriter(const RedoTarget& target) : m_what(target.path.string()) {
    if (target.format == model::DiskFormat::raw) {
      m_fd = open_file(target.path, O_RDWR);
      return;
    }
    fs::path socket = new_socket_path(target.sockets, "redo");
    const std::vector<std::string> argv = {
        "qemu-nbd",
        fmt::format("--format={}", model::to_string(target.format)),
        fmt::format("--socket={}", socket.string()),
        "--persistent",
        "--cache=writeback",
        "--",
        fs::absolute(target.path).string()};
    m_server = NbdServer(argv, std::move(socket), m_what);
    m_nbd.reset(nbd_create());
    if (!m_nbd || nbd_connect_unix(m_nbd.get(), m_server.socket().c_str()) != 0) {
      fail("connecting to the NBD server for");
    }
  }

  void write(std::span<const std::byte> bytes, ByteCount offset) {
    if (m_fd) {
      pwrite_exactly(m_fd.get(), bytes, offset.value, m_what);
    } else if (nbd_pwrite(m_nbd.get(), bytes.data(), bytes.size(), offset.value, 0) != 0) {
      fail("writing");
    }
  }
  // All is on the device, and nobody has the image open.
  void close() {
    if (m_fd) {
      if (::fsync(m_fd.get()) != 0) {
        throw_errno(errno, fmt::format("writing {}", m_what));
      }
    } else {
      if (nbd_flush(m_nbd.get(), 0) != 0 || nbd_shutdown(m_nbd.get(), 0) != 0) {
        fail("writing");
      }
      m_nbd.reset();
      m_server = NbdServer();
    }
    m_fd = Fd();
  }

 private:
  [[noreturn]] void fail(const char* doing) const {
    const char* text = nbd_get_error();
    throw Error(ErrorKind::io,
                fmt::format("{} {}: {}", doing, m_what, text == nullptr ? "unknown" : text));
  }

  std::string m_what;
  Fd m_fd;
  NbdServer m_server;
  Nbd m_nbd;
};

void put_into(Manifest& manifest, const std::map<std::uint64_t, std::vector<Change>>& by_node) {
  for (const auto& [node, changes] : by_node) {
    NodeHashes leaves = manifest.node(node);
    for (const Change& change : changes) {
      leaves.at((change.offset.value - node * k_node_size) / k_leaf_size) = change.hash;
    }
    manifest.set_node(node, leaves);
  }
}

void require_same(BlockReader& reader, const Change& change, const RedoTarget& target,
                  const Manifest& manifest) {
  const AlignedBuffer memory(k_leaf_size);
  const auto buffer = memory.bytes().first(length_of(change.offset, manifest.head().size).value);
  reader.read(buffer, change.offset);
  if ((is_zero(buffer) ? LeafHash{} : hash_of(manifest.head().hash, buffer)) != change.hash) {
    throw Error(ErrorKind::mismatch,
                fmt::format("disk {}: {} reads otherwise than it was written just now, at byte {}",
                            target.disk, target.path.string(), change.offset.value),
                "check the target's storage (kernel log, SMART), then convert again");
  }
}

}  // namespace

std::vector<std::uint64_t> nodes_in_question(const std::vector<Extent>& before,
                                             const std::vector<Extent>& now) {
  std::set<std::uint64_t> nodes;
  auto old = before.begin();
  for (const Extent& extent : now) {
    const std::uint64_t end = (extent.offset + extent.length).value;
    for (std::uint64_t at = extent.offset.value; at < end;) {
      while (old != before.end() && (old->offset + old->length).value <= at) {
        ++old;
      }
      const std::uint64_t until =
          old == before.end() ? end : std::min(end, (old->offset + old->length).value);
      const bool same =
          old != before.end() && old->kind == extent.kind && extent.kind != ExtentKind::patched;
      for (std::uint64_t node = at / k_node_size; !same && node * k_node_size < until; ++node) {
        nodes.insert(node);
      }
      at = until;
    }
  }
  return {nodes.begin(), nodes.end()};
}

RedoAmount write_redo_log(const fs::path& path, const Manifest& manifest, const RedoSource& source,
                          const model::ProgressSink& progress) {
  const std::vector<std::uint64_t> nodes = nodes_in_question(source.before, source.now);
  const UnitReader reader(source.now, source.source, source.overlay);
  const ByteCount size = manifest.head().size;
  LogWriter log(path);
  std::array<std::byte, k_head> head{};
  std::copy_n(reinterpret_cast<const std::byte*>(k_redo_magic.data()), k_redo_magic.size(),
              head.begin());
  store_le<std::uint64_t>(head, 8, size.value);
  store_le<std::uint64_t>(head, 16, static_cast<std::uint64_t>(manifest.head().hash));
  log.add(head);
  RedoAmount amount;
  std::mutex mutex;  // of the two above
  for_each_unit(nodes.size(), [&](std::uint64_t index, std::span<std::byte> buffer) {
    const std::uint64_t node = nodes[index];
    const ByteCount offset{node * k_node_size};
    buffer = buffer.first(std::min(k_node_size, size.value - offset.value));
    const ByteCount read = reader.to_read(offset, ByteCount{buffer.size()});
    reader.fill(offset, buffer);
    const std::vector<Change> changes = changes_of(manifest, node, buffer);
    const std::lock_guard lock(mutex);
    amount.read = amount.read + read;
    amount.leaves += changes.size();
    for (const Change& change : changes) {
      log.add(change);
      amount.to_write = amount.to_write + length_of(change.offset, size);
    }
    if (progress) {
      progress({"compare", source.disk, amount.read, {}});
    }
  });
  log.finish();
  return amount;
}

ByteCount apply_redo_log(const fs::path& path, const RedoTarget& target, Manifest& manifest,
                         const model::ProgressSink& progress) {
  const LogReader log(path, manifest);
  const std::vector<std::byte> zeros(k_leaf_size);
  std::map<std::uint64_t, std::vector<Change>> hashes;  // without their content
  ByteCount written;
  LeafWriter writer(target);
  log.for_each([&](const Change& change) {
    const ByteCount length = length_of(change.offset, manifest.head().size);
    writer.write(change.content.empty() ? std::span(zeros).first(length.value)
                                        : std::span<const std::byte>(change.content),
                 change.offset);
    hashes[change.offset.value / k_node_size].push_back({change.offset, change.hash, {}});
    written = written + length;
    if (progress) {
      progress({"rewrite", target.disk, written, {}});
    }
  });
  writer.close();
  {
    const auto reader =
        open_image(target.path, target.format, target.sockets, target.path.string());
    for (const auto& [node, changes] : hashes) {
      for (const Change& change : changes) {
        require_same(*reader, change, target, manifest);
      }
    }
  }
  put_into(manifest, hashes);
  manifest.complete();
  return written;
}

}  // namespace vmconvert::disk
