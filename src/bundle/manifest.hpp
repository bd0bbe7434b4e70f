// The list of a bundle's files with their checksums, itself under one checksum: the bundle's root.
//
//   vmconvert-bundle 1 sha256:HEX        the SHA-256 of all that follows this line
//   { "encryption": null, "files": [ { "path": ..., "size": ..., "sha256": ... }, ... ], ... }
//
// It is written last and speaks of the files as they are stored, so that what is missing or damaged
// can be told without the key of an encrypted bundle. Packs stand in the order of their numbers.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/digest.hpp"

namespace vmconvert::bundle {

struct StoredFile {
  std::string path;  // relative, one of is_file_name()
  std::uint64_t size = 0;
  Digest digest{};
};

struct Manifest {
  std::string written_by;  // "vmconvert 0.1.0"
  std::string created;     // 2026-11-28T16:00:00Z
  bool encrypted = false;  // by age, each file by itself
  std::string recipients;  // SHA-256 of the file of public keys it was encrypted to; empty: plain
  std::vector<StoredFile> files;
  Digest root{};  // of the text

  [[nodiscard]] const StoredFile* find(std::string_view path) const;
  [[nodiscard]] std::vector<StoredFile> packs() const;
  [[nodiscard]] std::uint64_t stored_bytes() const;
};

// Sets `root`, too.
std::string to_text(Manifest& manifest);
// Error(bad_input) that says what is wrong: cut short, changed, a file name or size that no bundle
// has, a file that is named twice, another version. `origin` is for messages.
Manifest parse_manifest(std::string_view text, const std::string& origin);

// Error(mismatch) if `expected` ("sha256:HEX"; empty: anything) is another root.
void require_root(const Manifest& manifest, const std::string& expected);

// Error(not_found) where there is none: it arrives last.
Manifest read_manifest(const std::filesystem::path& bundle);

}  // namespace vmconvert::bundle
