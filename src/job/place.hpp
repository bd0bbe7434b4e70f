// Where the new disks go: a folder, or a volume group. A storage pool of libvirt's is one of them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/subprocess.hpp"
#include "model/check_facts.hpp"
#include "model/plan.hpp"
#include "plan/checks.hpp"

namespace vmconvert::job {

class Place {
 public:
  // Looks the pool, the group or the folder up. `uri`: where a pool is asked for. Error(not_found)
  // naming what there is; Error(bad_input) for a pool of another kind.
  Place(const model::StorageTarget& storage, const std::string& uri, CommandRunner& commands);

  [[nodiscard]] std::filesystem::path disk_path(const std::string& name,
                                                const std::string& disk) const;
  [[nodiscard]] model::DiskFormat format() const;
  [[nodiscard]] bool is_block() const { return m_group.has_value(); }
  // A new disk here needs no zeroing.
  [[nodiscard]] bool reads_as_zeros() const { return !m_group || m_group->zeroing; }
  // Nothing: there is no folder, the description stays with the job.
  [[nodiscard]] std::optional<std::filesystem::path> xml_path(const std::string& name) const;

  // What is there already by the names that would be taken; and, for volumes, whether there is room
  // for all disks together.
  void look(plan::TargetFacts& facts, const std::string& name, const model::Layout& layout) const;
  // Room for what will be written, where that and not the size counts: files and thin volumes.
  void look_for_room(plan::TargetFacts& facts, ByteCount to_write) const;
  // Of the thin pool that the volumes go into; nothing set for another place.
  [[nodiscard]] model::PoolFill pool_fill() const;

  [[nodiscard]] model::Step create_step(const model::PlannedDisk& disk,
                                        const std::string& name) const;
  // After the disks are made; nothing where no pool is told.
  [[nodiscard]] std::optional<model::Step> refresh_step() const;

 private:
  struct Group {
    model::VolumeGroupTarget target;
    ByteCount extent_size;
    ByteCount free;
    bool zeroing = false;  // fresh volumes read as zeros
  };

  void look_group_up(const model::VolumeGroupTarget& target);

  CommandRunner& m_commands;
  std::string m_uri;
  std::string m_pool;  // of libvirt's; empty: none
  model::DirectoryTarget m_directory;
  std::optional<Group> m_group;
};

}  // namespace vmconvert::job
