// Partition tables, read from disks of guests: hostile input. Bounded work, no trust in a number.
#pragma once

#include <string>
#include <vector>

#include "disk/block_reader.hpp"
#include "model/layout.hpp"

namespace vmconvert::disk {

struct TableFacts {
  model::TableKind table = model::TableKind::none;
  // As the guest's kernel numbers them; an MBR's extended partition is among them (type 05, 0f,
  // 85).
  std::vector<model::Partition> partitions;
  std::string problem;  // the first thing that cannot be right; empty if nothing is wrong
};

TableFacts read_table(BlockReader& disk);

// Used by read_table once a protective MBR was seen.
TableFacts read_gpt(BlockReader& disk);

// Writes down the first problem only: later ones are mostly its consequences.
void note_problem(TableFacts& facts, std::string problem);
// Adds the partition, or the problem that it has with a disk of that size.
void add_partition(TableFacts& facts, const model::Partition& partition, ByteCount disk_size);

}  // namespace vmconvert::disk
