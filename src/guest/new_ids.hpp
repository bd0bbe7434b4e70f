// New identifiers for the guest's filesystems and partition tables. They are chosen before anything
// is changed, and are the same each time, so that a plan shows what a conversion does.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "guest/guest_root.hpp"
#include "model/edit.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/id_change.hpp"
#include "model/layout.hpp"

namespace vmconvert::guest {

// A UUID of its own for these parts; the same for the same parts.
using IdMaker = std::function<std::string(const std::vector<std::string>& parts)>;

struct NewIds {
  model::IdChanges changes;
  model::Findings kept;  // "uuid-kept": what cannot get a new one, and why
};

// `guest` is asked for its disks alone.
NewIds choose_new_ids(GuestRoot& guest, const model::GuestFacts& facts, const model::Layout& layout,
                      const IdMaker& make);

model::Finding kept_id(const std::string& device, const std::string& type, const std::string& why);

// Of FAT, that is all that is ever mounted in the appliance.
bool sees_efi_partition(const model::GuestFacts& facts);
// For a UEFI guest without it: the loader there finds /boot by its UUID.
model::Finding refusal_of_uefi();

// The facts as they are once the changes were made.
void use_new_ids(model::GuestFacts& facts, const model::IdChanges& changes);

// One line each, for the plan.
model::Edits edits_of(const model::IdChanges& changes);

// A text that names devices (boot arguments of the description), with the new ids.
std::string with_new_ids(std::string text, const model::IdChanges& changes);

// initramfs_ids.cpp. The initramfs images that name an old one, in /boot and where systemd-boot's
// are; a unified kernel image goes by its own path.
std::vector<std::string> images_with_old_ids(GuestRoot& guest, const model::IdChanges& changes);
// "uuid-left" for each of them.
model::Findings old_ids_in_initramfs(GuestRoot& guest, const model::IdChanges& changes);

}  // namespace vmconvert::guest
