// What vgs and lvs print, and the names in it.
#include "host/lvm_report.hpp"

#include "fuzz.hpp"

using namespace vmconvert;

FUZZ_TARGET(lvm_report) {
  const std::string json(input.text());
  fuzz::attempt([&] {
    for (const host::VolumeGroup& group : host::parse_groups(json)) {
      fuzz::require(group.extent_size.value > 0, "a group with extents of 0 bytes");
      const std::vector<ByteCount> disks = {ByteCount{4 * k_mib}, group.free};
      fuzz::attempt([&] { host::require_room(group, disks); });
      fuzz::attempt([&] { host::to_text_in_extents(group.size, group.extent_size); });
    }
  });
  fuzz::attempt([&] {
    for (const host::VolumeRow& row : host::parse_volumes(json)) {
      const std::vector<ByteCount> disks = {ByteCount{4 * k_mib}};
      fuzz::attempt([&] { host::require_room(row.pool, disks); });
      for (const std::string& tag : row.volume.tags) {
        static_cast<void>(host::from_tag(tag));
      }
      static_cast<void>(host::volume_from_device_mapper(row.volume.name.volume, row.volume.uuid));
      static_cast<void>(host::volume_from_path(row.volume.path));
      fuzz::attempt([&] { host::require_valid_name(row.volume.name); });
    }
  });
}
