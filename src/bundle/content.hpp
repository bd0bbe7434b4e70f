// A bundle in a folder, opened for reading. Every file's checksum is looked at before its content
// is.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bundle/facts.hpp"
#include "bundle/manifest.hpp"
#include "bundle/tables.hpp"

namespace vmconvert::bundle {

// Whether the folder is one: it has a manifest, or packs that wait for theirs.
bool is_bundle(const std::filesystem::path& folder);

struct Problem {
  std::string file;
  std::string what;  // "has not arrived", "has 512 bytes of 16777216"
};

class Content {
 public:
  // Error(bad_input) naming the file and what is wrong, Error(not_found) naming what has not
  // arrived. Packs are only looked for: their chunks are checked as they are read.
  // Error(unsupported) for an encrypted bundle.
  static std::shared_ptr<const Content> open(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& folder() const { return m_folder; }
  [[nodiscard]] const Manifest& manifest() const { return m_manifest; }
  [[nodiscard]] const Facts& facts() const { return m_facts; }
  [[nodiscard]] const Chunks& chunks() const { return m_chunks; }
  [[nodiscard]] const std::vector<StoredFile>& packs() const { return m_packs; }
  [[nodiscard]] std::string domain_xml() const;
  [[nodiscard]] Leaves leaves(std::size_t disk) const;

  // The chunk's content, of its plain length; Error(bad_input) naming pack and chunk if that is not
  // what is there. From any thread.
  void read(const Chunk& chunk, std::span<std::byte> plain) const;

 private:
  Content() = default;

  std::filesystem::path m_folder;
  Manifest m_manifest;
  Facts m_facts;
  Chunks m_chunks;
  std::vector<StoredFile> m_packs;
};

// The whole file, checked against the manifest.
std::vector<std::byte> read_checked(const std::filesystem::path& folder, const StoredFile& file);

// What has not arrived, or not whole: by names and sizes alone, so that it is quick.
std::vector<Problem> find_missing(const std::filesystem::path& folder, const Manifest& manifest);

// Everything: each file's checksum, and of a plain bundle each chunk's. Also files in it that the
// manifest does not name, which do no harm.
struct Verdict {
  std::vector<Problem> problems;
  std::vector<std::string> strays;
  std::uint64_t bytes = 0;   // read
  std::uint64_t chunks = 0;  // unpacked
};
Verdict verify(const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace vmconvert::bundle
