// What libvirt says: capabilities, storage pools, the other domains of a host.
#include "fuzz.hpp"
#include "host/capabilities.hpp"
#include "host/neighbours.hpp"
#include "host/storage_pool.hpp"

using namespace vmconvert;

FUZZ_TARGET(host_xml) {
  const std::string xml(input.text());
  fuzz::attempt([&] { host::parse_capabilities(xml, "x86_64"); });
  fuzz::attempt([&] { host::parse_pool(xml, "pool"); });
  fuzz::attempt([&] { host::parse_neighbour(xml); });
}
