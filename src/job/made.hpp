// What a job made outside its own folder, by marks that tell it from another thing of the same
// name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "base/subprocess.hpp"
#include "model/domain.hpp"

namespace vmconvert::job {

struct MadeFile {
  std::filesystem::path path;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t born_ns = 0;  // since 1970; 0 where the file system does not say. Inodes are reused.
  std::string disk = {};     // vda, for a disk's image
  model::DiskFormat format = model::DiskFormat::raw;

  bool operator==(const MadeFile&) const = default;
};

struct MadeVolume {
  std::string group;
  std::string name;
  std::string uuid;       // empty: about to be made; then it is the one with the tag of `job`
  std::string disk = {};  // vda
  std::string job = {};

  bool operator==(const MadeVolume&) const = default;
};

struct MadeDomain {
  std::string uri;
  std::string name;
  std::string uuid;

  bool operator==(const MadeDomain&) const = default;
};

using Made = std::variant<MadeFile, MadeVolume, MadeDomain>;

// What of it is a disk of the new guest; nothing for descriptions and domains.
struct MadeDisk {
  std::string name;  // vda
  std::filesystem::path path;
  model::DiskFormat format = model::DiskFormat::raw;
};
std::optional<MadeDisk> disk_of(const Made& made);

// Error(io) if the file is not there.
MadeFile identify_file(const std::filesystem::path& path);
// One that is open and maybe has no name yet; `path`: the one that it will have.
MadeFile identify_file(int fd, const std::filesystem::path& path);

enum class Presence {
  same,   // there, and ours
  other,  // something else has its name by now
  gone,
};
Presence look_for(const Made& made, CommandRunner& commands);

// Removes it if it is the same; what is gone or another's is left alone. Error(refused) for a
// domain that runs.
void remove(const Made& made, CommandRunner& commands);

std::string describe(const Made& made);  // "the volume vg0/web01-vda"
std::string to_json(const Made& made);
// Error(bad_input) for text that to_json() did not write.
Made made_from_json(const std::string& text);

}  // namespace vmconvert::job
