// What can be wrong with addresses and names that an operator gives, whichever way they come in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/wishes.hpp"

namespace vmconvert::model {

struct ValueProblem {
  std::string text;  // as it was given
  std::string why;
  std::string remedy;
};

// OLD=NEW[/PREFIX], both of one family; no address is given away or given out twice.
std::optional<ValueProblem> check_addresses(const std::vector<std::string>& texts);
// At most one of each family.
std::optional<ValueProblem> check_gateways(const std::vector<std::string>& texts);
std::optional<ValueProblem> check_name_servers(const std::vector<std::string>& texts);
// A name of RFC 1123, with or without a domain; empty is none.
std::optional<ValueProblem> check_host_name(const std::string& text);

// Of texts that passed check_addresses().
std::vector<AddressChange> address_changes(const std::vector<std::string>& texts);

}  // namespace vmconvert::model
