// What a target disk is made of: segments over read-only sources, in ascending order, no holes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::model {

enum class TableKind { none, mbr, gpt };
const char* to_string(TableKind kind);

// One partition of a disk, read from a table or planned for a new one.
struct Partition {
  unsigned number = 0;  // as the guest's kernel counts: logical ones from 5
  ByteCount start;
  ByteCount length;
  std::uint8_t mbr_type = 0x83;  // for a GPT: the MBR type with the same meaning
  bool bootable = false;
  bool bios_boot = false;  // GPT only: the loader's core lives here

  bool operator==(const Partition&) const = default;
};

enum class SegmentKind {
  table,  // partition table and gap, made by disk/ from TargetDisk::partitions
  zero,
  source,  // [offset, offset + length) of Domain::disks[source]
};

struct Segment {
  SegmentKind kind = SegmentKind::source;
  ByteCount length;
  std::size_t source = 0;
  ByteCount offset = {};

  bool operator==(const Segment&) const = default;
};

struct TargetDisk {
  std::string name;  // vda, vdb...
  ByteCount size;
  std::vector<Segment> segments;
  // The table of the finished disk: our own when `composed`, else read from the source.
  TableKind table = TableKind::none;
  std::vector<Partition> partitions;
  bool composed = false;  // we make the table; else the disk is one source, byte for byte
  bool readonly = false;
};

// xvda1 -> vda1: how a name inside the guest changes. Names without /dev/.
struct DeviceRename {
  std::string from;
  std::string to;

  bool operator==(const DeviceRename&) const = default;
};

struct Layout {
  std::vector<TargetDisk> disks;
  std::vector<DeviceRename> renames;  // longest `from` names first
};

// "vda", 1 -> "vda1".
std::string partition_name(const std::string& disk, unsigned number);

}  // namespace vmconvert::model
