// What fixers are told about the guest: the JSON of vmconvert-plugin(7), "Facts".
#pragma once

#include <map>
#include <string>

#include "model/domain.hpp"
#include "model/guest_facts.hpp"
#include "model/hardware.hpp"
#include "model/id_change.hpp"
#include "model/layout.hpp"
#include "model/plan.hpp"
#include "model/wishes.hpp"

namespace vmconvert::guest {

struct FactsInput {
  const model::Domain& domain;
  const model::Layout& layout;
  const model::GuestFacts& guest;
  // Target disk -> the loader in its boot sector: none, grub2, grub-legacy, other. None if absent.
  std::map<std::string, std::string> loaders;
  model::TargetHypervisor to = model::TargetHypervisor::kvm;
  model::Wishes wishes = {};
  // Of the new domain: its UUID (empty: none yet), and a MAC for each of the source's cards.
  // Without MACs the cards keep theirs.
  std::string domain_uuid = {};
  std::vector<std::string> macs = {};
  model::IdChanges new_ids = {};             // made already: `guest` has the new ones
  std::vector<std::string> old_ids_in = {};  // initramfs images that name an old one
  // Disks are named as the guest will see them on it.
  model::Hardware hardware = {};
};

// Bytes of the guest that are no UTF-8 become U+FFFD.
std::string to_facts_json(const FactsInput& input);

// Where a loader's core may lie: behind the boot sector of an MBR disk up to its first partition,
// or the BIOS boot partition of a GPT disk. Both zero when there is no such place.
struct LoaderGap {
  ByteCount offset;
  ByteCount length;

  bool operator==(const LoaderGap&) const = default;
};
LoaderGap loader_gap(const model::TargetDisk& disk);

}  // namespace vmconvert::guest
