// What a source disk looks like from outside, read in our own process: size, table, signature.
#pragma once

#include <string>
#include <vector>

#include "base/units.hpp"
#include "model/layout.hpp"

namespace vmconvert::model {

struct DiskFacts {
  ByteCount size;             // virtual size: of the content, not of a qcow2 file
  bool block_device = false;  // what stat says, never what the description says
  TableKind table = TableKind::none;
  std::vector<Partition> partitions;  // in table order, logical ones included
  // Of a filesystem (or the like) that starts at byte 0, when there is no table:
  // ext, xfs, btrfs, swap, LVM2_member, crypto_LUKS, linux_raid_member, other; empty: nothing
  // known.
  std::string signature;
  std::string loader = "none";  // in sector 0: none, grub2, grub-legacy, other
  std::string table_problem;    // empty, or why the table cannot be right: "ends at byte N of M"
};

}  // namespace vmconvert::model
