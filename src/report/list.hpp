// What `list` prints: the domains of a connection, with disks, sizes, and how far each is on its
// way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/domain.hpp"
#include "model/guest_record.hpp"

namespace vmconvert::report {

struct ListedDomain {
  std::string name;
  std::string uuid;
  std::string state;  // running, shut off
  std::vector<model::DomainDisk> disks;
  std::vector<std::optional<ByteCount>> sizes;  // parallel; nothing where the disk was not readable
  std::string problem;                          // why the description could not be read; empty else
  std::optional<model::GuestRecord> conversion;  // as batches keep it; nothing: in none so far
};

std::string to_json(const std::vector<ListedDomain>& domains);
std::string to_text_table(const std::vector<ListedDomain>& domains);

// "tried 2026-11-21": the furthest milestone and its day; "-" for none.
std::string milestone_text(const model::GuestRecord& record);

}  // namespace vmconvert::report
