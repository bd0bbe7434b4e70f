// What --address, --gateway, --dns and --hostname say. All throw Error(usage).
#pragma once

#include <string>
#include <vector>

#include "model/wishes.hpp"

namespace vmconvert::cli {

// OLD=NEW[/PREFIX], both of one family; no address is given away or given out twice.
std::vector<model::AddressChange> parse_addresses(const std::vector<std::string>& texts);
// At most one of each family.
std::vector<std::string> parse_gateways(const std::vector<std::string>& texts);
std::vector<std::string> parse_name_servers(const std::vector<std::string>& texts);
// A name of RFC 1123, with or without a domain; empty stays empty.
std::string parse_host_name(const std::string& text);

}  // namespace vmconvert::cli
