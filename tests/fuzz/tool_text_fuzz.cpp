// Lines that others print: the readers of allocation maps, ddrescue, the kernel, device-mapper.
#include "disk/allocation_map.hpp"
#include "disk/bad_sectors.hpp"
#include "disk/block_owner.hpp"
#include "fuzz.hpp"
#include "host/embed.hpp"
#include "host/in_use.hpp"
#include "host/lvm_names.hpp"

using namespace vmconvert;

namespace {

constexpr ByteCount k_disk{64 * k_mib};

void read_allocation(std::string_view text) {
  const std::vector<model::ByteRange> regions = {{ByteCount{k_mib}, ByteCount{8 * k_mib}},
                                                 {ByteCount{16 * k_mib}, ByteCount{8 * k_mib}}};
  std::uint64_t next = 0;
  for (const model::ByteRange& free : disk::parse_allocation(text, regions).free) {
    fuzz::require(free.offset.value >= next, "free space that is free twice");
    next = free.offset.value + free.length.value;
    fuzz::require(next <= 24 * k_mib, "free space outside the regions");
  }
}

void read_map(const std::string& text) {
  const auto bad = disk::parse_mapfile(text, k_disk, "the map");
  const std::string written = disk::to_mapfile(bad, k_disk);
  fuzz::require(disk::parse_mapfile(written, k_disk, "the map") == bad,
                "a map that reads otherwise");
}

}  // namespace

FUZZ_TARGET(tool_text) {
  const std::string text(input.text());
  fuzz::attempt([&] { read_allocation(text); });
  fuzz::attempt([&] { disk::parse_owners(text, 2); });
  fuzz::attempt([&] { read_map(text); });
  static_cast<void>(host::parse_mountinfo(text));
  static_cast<void>(host::embed_root(text));
  static_cast<void>(host::volume_from_device_mapper(text, "LVM-0123456789"));
  static_cast<void>(host::volume_from_path(text));
  static_cast<void>(host::from_tag(text));
  if (text.size() < 300) {
    fuzz::require(host::from_tag(host::to_tag(text)) == text, "a tag that says something else");
  }
}
