// One target disk of a layout, made readable: for qemu as the backing of an overlay, for the copy
// engine as a BlockReader. Sources are opened read-only, always.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "disk/bad_sectors.hpp"
#include "disk/block_reader.hpp"
#include "disk/nbd_server.hpp"
#include "model/domain.hpp"
#include "model/layout.hpp"

namespace vmconvert::disk {

// What an overlay names as its backing.
struct Backing {
  std::string filename;  // an absolute path, or nbd+unix:///?socket=PATH
  model::DiskFormat format = model::DiskFormat::raw;
};

struct SourceFolders {
  std::filesystem::path sockets;  // private; sockets, layouts and tables go there
  std::filesystem::path plugin;   // holds vmconvert-layout.so
  // map: whoever reads the backing finds zeros where a source has lost its sectors.
  OnBadSector on_bad_sector = OnBadSector::stop;
};

// Where the lost sectors of a source are noted; null: they are errors.
using NoteBadSectors = std::function<BadSectors*(const std::filesystem::path& source,
                                                 const std::string& what, ByteCount size)>;

class DiskSource {
 public:
  // Starts nbdkit for a composed disk (and qemu-nbd for its qcow2 members); they end with the
  // object. Error(bad_input) if a source is shorter than the layout says. Like every child of ours,
  // to be made by a thread that outlives it.
  DiskSource(const model::TargetDisk& disk, const model::Domain& domain, SourceFolders folders);

  [[nodiscard]] const Backing& backing() const noexcept { return m_backing; }
  // Reads from the sources themselves, not through nbdkit. Must not outlive this object.
  std::unique_ptr<BlockReader> open_reader(const NoteBadSectors& bad_sectors = {});

 private:
  struct Part {
    model::Segment segment;
    std::filesystem::path path;    // of the table's bytes, or of the source
    std::filesystem::path socket;  // of a qcow2 source's server
    std::string what;
  };

  void add_parts(const model::TargetDisk& disk, const model::Domain& domain);
  void add_table(const model::TargetDisk& disk, const std::string& seed,
                 const model::Segment& segment);
  [[nodiscard]] std::filesystem::path serve_qcow2(const std::filesystem::path& path);
  void serve_layout(const std::string& name);

  SourceFolders m_folders;
  std::vector<Part> m_parts;
  std::map<std::filesystem::path, NbdServer> m_members;  // qcow2 sources, by path
  NbdServer m_layout;
  Backing m_backing;
};

// Any image, for reading: a raw one straight from its file, a qcow2 one through qemu-nbd.
std::unique_ptr<BlockReader> open_image(const std::filesystem::path& path, model::DiskFormat format,
                                        const std::filesystem::path& sockets,
                                        const std::string& what);

}  // namespace vmconvert::disk
