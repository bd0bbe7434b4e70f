#include "disk/source.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "disk/bundle_disk.hpp"
#include "disk/file_reader.hpp"
#include "disk/layout_reader.hpp"
#include "disk/nbd_client.hpp"
#include "disk/partition_table.hpp"
#include "disk/probe.hpp"

namespace vmconvert::disk {
namespace {

using model::DiskFormat;
using model::SegmentKind;

// One source from its first byte on, and less than a sector of zeros behind it, which qemu adds to
// an odd raw file by itself.
bool is_one_source(const model::TargetDisk& disk) {
  if (disk.composed || disk.segments.empty() || disk.segments.size() > 2) {
    return false;
  }
  const model::Segment& first = disk.segments.front();
  const bool padded = disk.segments.size() == 2;
  return first.kind == SegmentKind::source && first.offset.value == 0 &&
         (!padded || (disk.segments[1].kind == SegmentKind::zero &&
                      disk.segments[1].length < ByteCount{k_sector_size}));
}

std::string socket_uri(const std::filesystem::path& socket) {
  std::string escaped;
  for (const char c : socket.native()) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    escaped += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return "nbd+unix:///?socket=" + escaped;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path, 0600);
  file.write(bytes);
  file.commit(Overwrite::yes);
}

std::string_view as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void require_length(const std::string& what, ByteCount size, const model::Segment& segment) {
  if (segment.offset + segment.length > size) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} has {} bytes now, {} are expected", what, size.value,
                            (segment.offset + segment.length).value),
                "make sure that nothing else changes the source, and start again");
  }
}

}  // namespace

DiskSource::DiskSource(const model::TargetDisk& disk, const model::Domain& domain,
                       SourceFolders folders)
    : m_folders(std::move(folders)) {
  add_parts(disk, domain);
  if (is_one_source(disk) && m_folders.on_bad_sector == OnBadSector::stop) {
    const model::DomainDisk& source = domain.disks.at(disk.segments.front().source);
    if (!is_bundle_disk(source.source)) {
      m_backing = {std::filesystem::absolute(source.source).string(), source.format};
      return;
    }
    if (disk.segments.size() == 1) {
      m_backing = {socket_uri(m_parts.front().socket), DiskFormat::raw};
      return;
    }
  }
  serve_layout(disk.name);
}

void DiskSource::add_parts(const model::TargetDisk& disk, const model::Domain& domain) {
  const std::string seed = table_seed(domain, disk);
  for (const model::Segment& segment : disk.segments) {
    Part part{segment, {}, {}, disk.name};
    if (segment.kind == SegmentKind::table) {
      add_table(disk, seed, segment);
      continue;
    }
    if (segment.kind == SegmentKind::source) {
      const model::DomainDisk& source = domain.disks.at(segment.source);
      part.path = std::filesystem::absolute(source.source);
      part.what = disk_label(source);
      const OpenSource opened = open_source(part.path, part.what);
      if (source.format == DiskFormat::raw && !is_bundle_disk(part.path)) {
        require_length(part.what, opened.size, segment);
      } else {
        part.socket = serve_qcow2(part.path);
        require_length(part.what, NbdReader(part.socket, part.what).size(), segment);
      }
    }
    m_parts.push_back(std::move(part));
  }
}

// The table's own sectors come from a file; the gap behind them is known to be zeros, so that
// nobody reads it.
void DiskSource::add_table(const model::TargetDisk& disk, const std::string& seed,
                           const model::Segment& segment) {
  const bool first = m_parts.empty();
  auto bytes = first ? make_table(disk, seed) : make_backup_gpt(disk, seed);
  if (ByteCount{bytes.size()} != segment.length) {
    throw Error(ErrorKind::internal, fmt::format("the table of {} has {} bytes, not {}", disk.name,
                                                 bytes.size(), segment.length.value));
  }
  while (bytes.size() > k_sector_size && bytes.back() == std::byte{0}) {
    bytes.pop_back();
  }
  const ByteCount used = round_up(ByteCount{bytes.size()}, ByteCount{k_sector_size});
  bytes.resize(used.value);
  Part part{segment, {}, {}, fmt::format("the partition table of {}", disk.name)};
  part.path = m_folders.sockets / fmt::format("{}.{}", disk.name, first ? "table" : "backup-gpt");
  part.segment.length = used;
  write_file(part.path, as_text(bytes));
  m_parts.push_back(std::move(part));
  if (used < segment.length) {
    m_parts.push_back({{SegmentKind::zero, segment.length - used}, {}, {}, {}});
  }
}

// Or a bundle's disk: both are files that only a server makes bytes of.
std::filesystem::path DiskSource::serve_qcow2(const std::filesystem::path& path) {
  NbdServer& server = m_members[path];
  if (server.socket().empty()) {
    server = is_bundle_disk(path)
                 ? serve_bundle(path, m_folders)
                 : serve_image(
                       {.image = path, .format = DiskFormat::qcow2, .folder = m_folders.sockets});
  }
  return server.socket();
}

void DiskSource::serve_layout(const std::string& name) {
  std::string text = "vmconvert-layout 1\n";
  for (const Part& part : m_parts) {
    const model::Segment& segment = part.segment;
    const std::filesystem::path& from = part.socket.empty() ? part.path : part.socket;
    if (from.native().find('\n') != std::string::npos) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{}: a line break in the source's path", part.what),
                  "give the source a name without one");
    }
    text += segment.kind == SegmentKind::zero
                ? fmt::format("zero {}\n", segment.length.value)
                : fmt::format("{} {} {} {}\n", part.socket.empty() ? "file" : "nbd",
                              segment.length.value, segment.offset.value, from.string());
  }
  const std::filesystem::path layout = m_folders.sockets / fmt::format("{}.layout", name);
  write_file(layout, text);
  const std::filesystem::path plugin = m_folders.plugin / "vmconvert-layout.so";
  std::filesystem::path socket = new_socket_path(m_folders.sockets, name);
  const std::vector<std::string> argv = {
      "nbdkit",
      "--foreground",
      "--exit-with-parent",
      "--readonly",
      "--unix",
      socket.string(),
      plugin.string(),
      "layout=" + layout.string(),
      m_folders.on_bad_sector == OnBadSector::map ? "bad-sectors=zero" : "bad-sectors=fail"};
  m_layout = NbdServer(argv, std::move(socket), fmt::format("the composed disk {}", name));
  m_backing = {socket_uri(m_layout.socket()), DiskFormat::raw};
}

std::unique_ptr<BlockReader> DiskSource::open_reader(const NoteBadSectors& bad_sectors) {
  std::map<std::filesystem::path, std::shared_ptr<BlockReader>> readers;  // one a source
  std::vector<Piece> pieces;
  for (const Part& part : m_parts) {
    const model::Segment& segment = part.segment;
    if (segment.kind == SegmentKind::zero) {
      pieces.push_back({std::make_shared<ZeroReader>(segment.length), {}, segment.length});
      continue;
    }
    std::shared_ptr<BlockReader>& reader = readers[part.path];
    if (!reader && is_bundle_disk(part.path)) {
      reader = std::make_shared<BundleReader>(part.path);
    } else if (!reader && part.socket.empty()) {
      reader = std::make_shared<FileReader>(part.path, part.what);
    } else if (!reader) {
      reader = std::make_shared<NbdReader>(part.socket, part.what);
    }
    pieces.push_back({reader, segment.offset, segment.length});
  }
  if (bad_sectors) {
    std::map<const BlockReader*, std::shared_ptr<BlockReader>> salvaging;
    for (std::size_t i = 0; i < m_parts.size(); ++i) {
      const Part& part = m_parts[i];
      if (part.segment.kind == SegmentKind::source) {
        std::shared_ptr<BlockReader>& reader = salvaging[pieces[i].reader.get()];
        BadSectors* bad =
            reader ? nullptr : bad_sectors(part.path, part.what, pieces[i].reader->size());
        if (bad != nullptr) {
          reader = std::make_shared<SalvageReader>(pieces[i].reader, *bad);
        }
        pieces[i].reader = reader ? reader : pieces[i].reader;
      }
    }
  }
  return std::make_unique<LayoutReader>(std::move(pieces));
}

std::unique_ptr<BlockReader> open_image(const std::filesystem::path& path, DiskFormat format,
                                        const std::filesystem::path& sockets,
                                        const std::string& what) {
  if (format == DiskFormat::raw) {
    return std::make_unique<FileReader>(path, what);
  }
  return std::make_unique<NbdReader>(
      serve_image({.image = path, .format = format, .folder = sockets}), what);
}

}  // namespace vmconvert::disk
