#include "guest/fstab.hpp"

#include "fuzz.hpp"
#include "guest/device_names.hpp"

using namespace vmconvert;

FUZZ_TARGET(fstab) {
  const std::vector<model::Filesystem> filesystems = {
      {"vda1", "swap", "11111111-2222-4333-8444-555555555501", "", ByteCount{1}, ""},
      {"vg-a/root", "ext4", "11111111-2222-4333-8444-555555555502", "root", ByteCount{1}, "/"}};
  const std::vector<model::DeviceRename> renames = {{"xvda1", "vda1"}, {"xvda", "vda"}};
  const guest::DeviceNames names{filesystems, renames};
  for (const guest::FstabEntry& entry : guest::read_fstab(input.text())) {
    static_cast<void>(entry.is_local_device());
    static_cast<void>(entry.option_value("subvol"));
    static_cast<void>(names.find(entry.device));
    static_cast<void>(guest::volume_of_mapper_name(entry.device));
  }
}
