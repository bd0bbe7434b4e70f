// Old ids of the guest's storage and the ways in which its files write them.
#pragma once

#include <string>
#include <vector>
#include <vmconvert/fixer_ids.hpp>
#include <vmconvert/fixer_text.hpp>

namespace vmconvert::fixer::new_uuids {

struct Spelling {
  std::string from, to;
};

// All ways to write one id: upper and lower case; LVM's without dashes; mdadm's with colons. A
// table's own id is named nowhere in a guest: none.
std::vector<Spelling> spellings(const NewId& id);

// `text` with the new id wherever an old one stands. Equal lengths, so fixed layouts (grubenv)
// stay.
std::string with_new_ids(std::string text, const std::vector<Spelling>& all);

// efi_programs.cpp. Finding uuid-uefi, which blocks, where one is signed.
void correct_efi_programs(Host& guest, const std::vector<Spelling>& all);

}  // namespace vmconvert::fixer::new_uuids
