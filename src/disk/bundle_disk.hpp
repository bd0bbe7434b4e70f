// A disk of an exported guest: read from its chunks, served to qemu, and written from a source.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bundle/disk_reader.hpp"
#include "bundle/writer.hpp"
#include "disk/block_reader.hpp"
#include "disk/nbd_server.hpp"
#include "disk/source.hpp"
#include "model/progress.hpp"

namespace vmconvert::disk {

// Whether the path is that of a bundle's list of leaves, BUNDLE/disks/N.leaves: by it a description
// names such a disk. Said by names alone, and by the manifest above: nothing is guessed from
// content.
bool is_bundle_disk(const std::filesystem::path& path);

class BundleReader final : public BlockReader {
 public:
  explicit BundleReader(const std::filesystem::path& leaves);

  [[nodiscard]] ByteCount size() const override { return m_disk.size(); }
  void read(std::span<std::byte> buffer, ByteCount offset) override;
  Run run_at(ByteCount offset) override;

 private:
  bundle::DiskReader m_disk;
};

// nbdkit with our plugin, read-only.
NbdServer serve_bundle(const std::filesystem::path& leaves, const SourceFolders& folders);

struct ExportRequest {
  std::string disk;  // xvda: for progress and messages
  ByteCount size;
  const std::vector<model::Extent>& extents;  // cover [0, size), ascending: needed or skipped
  BlockReader& source;
  bundle::Writer& bundle;
};
struct ExportedDisk {
  bundle::Leaves leaves;
  ByteCount read;
  ByteCount data;  // leaves that are not zeros
};
// Reads what is needed and stores its leaves, on all processors. Progress has the stage "export".
ExportedDisk export_disk(const ExportRequest& request, const model::ProgressSink& progress);

// What of a source has to be read by the account of the source itself: what it promises to be zeros
// is skipped.
std::vector<model::Extent> source_extents(BlockReader& source);

}  // namespace vmconvert::disk
