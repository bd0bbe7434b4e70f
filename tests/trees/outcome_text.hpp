// What a row's golden file and the table in docs/guests.md say about an outcome.
#pragma once

#include <string>

#include "trees/machine.hpp"

namespace vmconvert::trees {

// Sizes that come from this host's GRUB, and folders of one run, are left out.
std::string to_text(const Outcome& outcome, const std::string& temp_folder);
// One line of the table: "| name | guest | boots | edits | findings | result |".
std::string to_table_line(const Row& row, const Outcome& outcome);
std::string table_head();

}  // namespace vmconvert::trees
