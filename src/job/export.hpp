// A guest into a bundle. See docs/bundle-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::job {

struct ExportTarget {
  std::filesystem::path folder;  // empty: a tar stream on standard output
  int level = 1;
  std::filesystem::path blueprint;   // to go along; may be empty
  std::filesystem::path recipients;  // public keys to encrypt to; empty: not encrypted
  std::filesystem::path identity;    // to read an encrypted bundle that is there already
};

struct ExportOutcome {
  struct Disk {
    std::string target;
    ByteCount size;
    ByteCount read;
    ByteCount data;  // of it, not zeros
  };
  std::vector<Disk> disks;
  ByteCount stored;         // all files of the bundle
  ByteCount added;          // packs that were not there before
  std::uint64_t files = 0;  // besides the manifest
  std::string root;         // "sha256:HEX", of the manifest
};

}  // namespace vmconvert::job
