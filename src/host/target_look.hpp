// What the target's hypervisor has and offers, asked once before anything is made.
//
// The embedded driver (qemu:///embed) stays with a process until that ends, and no other process
// gets its folder meanwhile: a conversion that asked by itself would keep all others out for hours.
// So it is asked in a process of its own, and taken by this one only when the domain is defined.
#pragma once

#include <string>
#include <vector>

#include "model/check_facts.hpp"
#include "model/host_fit.hpp"

namespace vmconvert::host {

struct TargetQuestions {
  std::string name;  // of the domain to be
  std::string uuid;  // empty: it gets a new one
  std::string arch;  // whose machines are asked for; empty: none
  std::vector<std::string> bridges;
  std::vector<std::string> networks;
  std::string uefi_machine = {};  // the type of machine that is to boot by UEFI; empty: none is
};

struct TargetLook {
  bool name_defined = false;
  bool uuid_defined = false;
  std::vector<std::string> domain_types;  // Connection::domain_types()
  std::vector<model::Neighbour> neighbours;
  model::NodeFacts node;
  model::MachineOffer machines;
  std::vector<std::string> missing_bridges;  // known to be missing
  std::vector<std::string> missing_networks;
};

// Error as Connection::open(). What a driver cannot tell stays empty, with a line in the log.
TargetLook look_at_target(const std::string& uri, const TargetQuestions& questions);

// For the process in between, and tests.
std::string to_json(const TargetLook& look);
TargetLook target_look_from_json(const std::string& text);

}  // namespace vmconvert::host
