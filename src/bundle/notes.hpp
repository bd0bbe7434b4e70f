// What an export has put into its place so far, kept outside of the bundle: with it, one that was
// interrupted or killed goes on. Lines are only ever added; one that was cut short counts as
// absent.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "bundle/store.hpp"

namespace vmconvert::bundle {

class ExportNotes {
 public:
  // `recipients` as in Manifest. Notes of an export to other recipients are dropped.
  ExportNotes(std::filesystem::path path, const std::string& recipients);

  [[nodiscard]] const std::vector<PackRecord>& earlier() const { return m_earlier; }
  void add(const PackRecord& record);
  // The bundle is complete: they are of no use any more.
  void remove();

 private:
  std::filesystem::path m_path;
  Fd m_fd;
  std::uint64_t m_end = 0;
  std::vector<PackRecord> m_earlier;
};

// Of a bundle's chunks, pack by pack.
std::vector<PackRecord> records_of(const std::vector<StoredFile>& packs, const Chunks& chunks);

// Those whose packs are in the folder and have the checksum that they should have. Reads all of
// them.
std::vector<PackRecord> still_good(const std::filesystem::path& folder,
                                   std::vector<PackRecord> records);

}  // namespace vmconvert::bundle
