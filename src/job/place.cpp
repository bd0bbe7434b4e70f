#include "job/place.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cerrno>

#include "base/error.hpp"
#include "host/libvirt.hpp"
#include "host/lvm.hpp"
#include "host/storage_pool.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

std::string volume_name(const std::string& name, const std::string& disk) {
  return fmt::format("{}-{}", name, disk);
}

ByteCount free_space(const fs::path& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) {
    throw_errno(errno, fmt::format("asking {} for its free space", folder.string()));
  }
  return ByteCount{static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize};
}

}  // namespace

Place::Place(const model::StorageTarget& storage, const std::string& uri, CommandRunner& commands)
    : m_commands(commands), m_uri(uri) {
  if (const auto* directory = std::get_if<model::DirectoryTarget>(&storage)) {
    m_directory = *directory;
    if (!fs::is_directory(m_directory.folder)) {
      throw Error(ErrorKind::not_found, fmt::format("{} is no folder", m_directory.folder.string()),
                  "make it first, or name another one: --dir DIR");
    }
  } else if (const auto* group = std::get_if<model::VolumeGroupTarget>(&storage)) {
    look_group_up(*group);
  } else {
    const auto& pool = std::get<model::PoolTarget>(storage);
    m_pool = pool.pool;
    const host::Connection connection = host::Connection::open(uri, host::Access::read_only);
    const host::PoolPlace place = host::resolve_pool(connection, pool.pool);
    if (const auto* folder = std::get_if<host::PoolFolder>(&place)) {
      m_directory = {folder->path, pool.format};
      return;
    }
    if (pool.format != model::DiskFormat::raw) {
      throw Error(ErrorKind::usage,
                  fmt::format("the pool {} holds logical volumes, and those raw disks", m_pool),
                  "leave --format out");
    }
    look_group_up({std::get<host::PoolGroup>(place).name, ""});
  }
}

void Place::look_group_up(const model::VolumeGroupTarget& target) {
  const host::VolumeGroup group = host::volume_group(m_commands, target.group);
  m_group = Group{target, group.extent_size, group.free};
  if (target.thin_pool.empty()) {
    return;
  }
  const auto pool = host::thin_pool(m_commands, {target.group, target.thin_pool});
  if (!pool) {
    throw Error(ErrorKind::not_found,
                fmt::format("the volume group {} has no thin pool named {}", target.group,
                            target.thin_pool),
                "lvs shows the pools; or leave --thin-pool out for thick volumes");
  }
  m_group->zeroing = pool->zeroing;
  const double used = pool->data_percent.value_or(100) / 100;  // not active: nothing can be written
  m_group->free =
      ByteCount{static_cast<std::uint64_t>(static_cast<double>(pool->size.value) * (1 - used))};
}

fs::path Place::disk_path(const std::string& name, const std::string& disk) const {
  if (m_group) {
    return fs::path("/dev") / m_group->target.group / volume_name(name, disk);
  }
  return m_directory.folder /
         fmt::format("{}-{}.{}", name, disk, model::to_string(m_directory.format));
}

model::DiskFormat Place::format() const {
  return m_group ? model::DiskFormat::raw : m_directory.format;
}

std::optional<fs::path> Place::xml_path(const std::string& name) const {
  // A pool's folder holds volumes: a description among them would be taken for one.
  return m_group || !m_pool.empty() ? std::nullopt
                                    : std::optional(m_directory.folder / (name + ".xml"));
}

void Place::look(plan::TargetFacts& facts, const std::string& name,
                 const model::Layout& layout) const {
  const auto note = [&](const fs::path& path, bool exists) {
    if (exists) {
      facts.existing.push_back(path);
    }
  };
  if (const auto xml = xml_path(name)) {
    note(*xml, fs::exists(fs::symlink_status(*xml)));
  }
  for (const model::TargetDisk& disk : layout.disks) {
    const fs::path path = disk_path(name, disk.name);
    if (!m_group) {
      note(path, fs::exists(fs::symlink_status(path)));
      continue;
    }
    const host::VolumeName volume{m_group->target.group, volume_name(name, disk.name)};
    host::require_valid_name(volume);
    note(path, host::logical_volume(m_commands, volume).has_value());
    facts.needed_space = facts.needed_space + round_up(disk.size, m_group->extent_size);
  }
  if (m_group && m_group->target.thin_pool.empty()) {
    facts.place = fmt::format("the volume group {}", m_group->target.group);
    facts.free_space = m_group->free;
    facts.extent_size = m_group->extent_size;
  }
}

void Place::look_for_room(plan::TargetFacts& facts, ByteCount to_write) const {
  if (m_group && m_group->target.thin_pool.empty()) {
    return;  // a thick volume takes its whole size, which look() has held against the group
  }
  facts.place =
      m_group ? fmt::format("the thin pool {}/{}", m_group->target.group, m_group->target.thin_pool)
              : m_directory.folder.string();
  facts.free_space = m_group ? m_group->free : free_space(m_directory.folder);
  facts.needed_space = to_write;
}

model::PoolFill Place::pool_fill() const {
  if (!m_group || m_group->target.thin_pool.empty()) {
    return {};
  }
  const host::VolumeName name{m_group->target.group, m_group->target.thin_pool};
  const auto pool = host::thin_pool(m_commands, name);
  if (!pool || !pool->data_percent) {
    return {};
  }
  return {host::to_text(name), pool->size, *pool->data_percent, pool->metadata_percent.value_or(0),
          host::provisioned_in(m_commands, name)};
}

model::Step Place::create_step(const model::PlannedDisk& disk, const std::string& name) const {
  if (m_group) {
    return model::CreateVolume{
        disk.layout.name,          m_group->target.group, volume_name(name, disk.layout.name),
        m_group->target.thin_pool, disk.layout.size,      m_group->extent_size};
  }
  return model::CreateImage{disk.layout.name, disk.path, m_directory.format, disk.layout.size};
}

std::optional<model::Step> Place::refresh_step() const {
  return m_pool.empty() ? std::nullopt
                        : std::optional<model::Step>(model::RefreshPool{m_uri, m_pool});
}

}  // namespace vmconvert::job
