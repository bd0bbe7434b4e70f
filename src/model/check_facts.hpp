// What checks want to know beyond what a conversion itself needs. Read by disk/, host/, domain/ and
// guest/, judged by plan/: each value was seen, and "not seen" is an empty one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::model {

// What a place of a disk starts with: the whole disk, or a partition. From its superblock.
struct Region {
  unsigned partition = 0;  // 0: the disk itself
  ByteCount size = {};
  std::string type = {};        // as DiskFacts::signature, and bcache, zfs_member, BitLocker
  std::string uuid = {};        // as blkid prints it
  std::string label = {};       // printable
  bool dirty = false;           // a journal or log waits to be replayed
  bool errors = false;          // its kernel noted an error in it
  bool hibernated = false;      // swap that holds a sleeping system
  std::string raid_set = {};    // of a RAID member: the array's UUID
  unsigned raid_disks = 0;      // that the array is made of
  std::string group_name = {};  // of a physical volume: its volume group
  std::string group_uuid = {};
};

// What a qcow2 file says of itself, read without opening any other file.
struct ImageHeader {
  bool dirty = false;
  bool corrupt = false;
  std::vector<std::string> snapshots = {};        // names, printable
  std::vector<std::filesystem::path> chain = {};  // backing and data files, in order, absolute
};

// A source disk from outside, beyond DiskFacts.
struct DiskCondition {
  std::vector<Region> regions = {};
  bool hybrid_mbr = false;
  std::optional<ByteCount> backup_table = {};  // a GPT's backup header, where it is not at the end
};

// The kernel that a PVH guest would start.
struct PvhKernel {
  std::string image = {};  // its path, printable
  std::string version = {};
  std::optional<bool> can = {};  // nothing: it could not be told
  std::string how = {};          // what said so
};

// A block device as the host knows it.
struct DeviceIdentity {
  unsigned sector_size = 0;      // 0: no block device
  std::string kernel_name = {};  // sdb2
  std::string parent = {};       // of a partition: sdb; else empty
  std::string serial = {};       // printable; may be empty
  std::string stable_name = {};  // /dev/disk/by-id/...; empty: there is none
  std::string volume = {};       // vg0/web01, where it is a logical volume
  bool snapshot_full = false;    // of a snapshot that overflowed
  std::optional<double> snapshot_percent = {};
};

// Another domain on a connection.
struct Neighbour {
  std::string name = {};
  std::string uuid = {};
  bool active = false;
  std::vector<std::string> macs = {};             // lower case
  std::vector<std::filesystem::path> disks = {};  // sources of its hard disks
};

// The node behind a connection.
struct NodeFacts {
  ByteCount memory = {};  // 0: not known
  unsigned cpus = 0;
  ByteCount available = {};  // memory, at present; 0: not known
};

// The place that disks go to, beyond its free bytes.
struct PoolFill {
  std::string name = {};  // vg0/pool0; empty: no thin pool
  ByteCount size = {};
  double data_percent = 0;
  double metadata_percent = 0;
  ByteCount provisioned = {};  // the sizes of all its volumes, as they are now
};

// Devices of the description that are not carried over, and what it says about chains.
struct SpecialDevice {
  std::string kind = {};  // hostdev, interface, tpm, ...
  std::string what = {};  // printable: "PCI 0000:03:00.0"
};
struct DescribedDevices {
  std::vector<SpecialDevice> special = {};
  std::vector<std::string> shareable = {};                      // targets of such disks
  std::vector<std::vector<std::filesystem::path>> chains = {};  // parallel to Domain::disks
  std::vector<std::string> bridges = {};                        // that its network cards hang on
  std::vector<std::string> networks = {};                       // of libvirt's, likewise
  bool hugepages = false;
  bool secure_boot = false;
};

}  // namespace vmconvert::model
