// An identifier of the guest's storage that the copy gets anew, as both may meet on one host.
#pragma once

#include <string>
#include <vector>

namespace vmconvert::model {

enum class IdKind {
  filesystem,       // swap, too
  physical_volume,  // of LVM
  volume_group,
  array,      // MD
  disk,       // of its table: MBR signature, GPT disk GUID
  partition,  // PARTUUID
};
const char* to_string(IdKind kind);  // filesystem, physical-volume...

struct IdChange {
  IdKind kind = IdKind::filesystem;
  std::string device;  // vda1; of a volume group its name; of a table vda
  std::string type;    // ext4, swap, LVM2_member; of a table mbr or gpt
  // As blkid(8) writes them; both of one length.
  std::string from;
  std::string to;

  bool operator==(const IdChange&) const = default;
};
using IdChanges = std::vector<IdChange>;

}  // namespace vmconvert::model
