// Networks: ifcfg, interfaces, netplan, networkd, NetworkManager, udev's rules, names and
// addresses.
#include "guest_tree.hpp"

FUZZ_TARGET(fixers_network) {
  vmconvert::fuzz::run_fixers(input, {"network", "readdress", "identity"});
}
