// Writes a bundle: packs as they fill up, then the tables, the manifest last.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "bundle/facts.hpp"
#include "bundle/manifest.hpp"
#include "bundle/notes.hpp"
#include "bundle/store.hpp"

namespace vmconvert::bundle {

struct WriteOptions {
  int level = 1;                     // of zstd
  std::filesystem::path recipients;  // empty: not encrypted
  std::filesystem::path identity;    // to read an encrypted bundle that is there; may be empty
  std::filesystem::path notes;       // kept until the bundle is complete; unused for a stream
  std::string written_by;
};

class Writer {
 public:
  // Into a folder: what a bundle there holds already is not stored again.
  Writer(const std::filesystem::path& folder, WriteOptions options, CommandRunner& commands);
  // As a tar stream.
  Writer(int fd, WriteOptions options, CommandRunner& commands);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  [[nodiscard]] ChunkStore& store() { return *m_store; }
  [[nodiscard]] int level() const { return m_options.level; }
  [[nodiscard]] std::uint64_t known_packs() const { return m_known; }

  // A file besides the disks.
  void put(const std::string& path, std::span<const std::byte> bytes);
  // `disks` have the store's numbers; parallel to the facts' disks.
  struct Written {
    Manifest manifest;
    std::uint64_t new_bytes = 0;  // of packs
  };
  Written finish(const std::vector<Leaves>& disks);

 private:
  void begin();
  void open_store(std::unique_ptr<Sink> sink);
  void adopt_earlier();
  [[nodiscard]] std::vector<PackRecord> earlier_bundle() const;
  void sweep(const Manifest& manifest) const;

  std::optional<std::filesystem::path> m_folder;
  WriteOptions m_options;
  CommandRunner& m_commands;
  std::unique_ptr<Sink> m_sink;
  std::optional<ExportNotes> m_notes;
  std::unique_ptr<ChunkStore> m_store;
  Manifest m_manifest;
  std::uint64_t m_known = 0;
};

}  // namespace vmconvert::bundle
