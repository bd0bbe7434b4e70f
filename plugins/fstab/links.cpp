// udev's link names carry the place of a disk in the old machine. Three families tell which disk of
// the domain that was; README.md names the sources.
#include <array>
#include <charconv>

#include "devices.hpp"

namespace vmconvert::fixer::fstab {

namespace {

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

std::string disk_name(std::string_view prefix, unsigned index, unsigned partition) {
  std::string letters;
  for (unsigned rest = index + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return std::string(prefix) + letters + (partition == 0 ? "" : std::to_string(partition));
}

// A virtual block device's number, as xen-vbd-interface(7) lays it out.
std::optional<std::string> name_of_vbd(unsigned vbd) {
  if ((vbd >> 28U) == 1) {
    return disk_name("xvd", (vbd >> 8U) & 0xfffffU, vbd & 0xffU);
  }
  switch (vbd >> 8U) {
    case 202: return disk_name("xvd", (vbd >> 4U) & 0xfU, vbd & 0xfU);
    case 8: return disk_name("sd", (vbd >> 4U) & 0xfU, vbd & 0xfU);
    case 3: return disk_name("hd", (vbd >> 6U) & 0x3U, vbd & 0x3fU);
    case 22: return disk_name("hd", 2 + ((vbd >> 6U) & 0x3U), vbd & 0x3fU);
    default: return std::nullopt;
  }
}

struct IdePlace {
  std::string_view ending;  // of the link's name, without -partN
  std::string_view disk;
};

// The emulated IDE controller of an HVM guest has four places.
constexpr std::array<IdePlace, 18> k_ide_places = {{
    {"-ide-0:0", "hda"},
    {"-ide-0:1", "hdb"},
    {"-ide-1:0", "hdc"},
    {"-ide-1:1", "hdd"},
    {"-ata-1.0", "hda"},
    {"-ata-1.1", "hdb"},
    {"-ata-2.0", "hdc"},
    {"-ata-2.1", "hdd"},
    {"-ata-1", "hda"},
    {"-ata-2", "hdc"},
    {"-scsi-0:0:0:0", "hda"},
    {"-scsi-0:0:1:0", "hdb"},
    {"-scsi-1:0:0:0", "hdc"},
    {"-scsi-1:0:1:0", "hdd"},
    {"_QM00001", "hda"},
    {"_QM00002", "hdb"},
    {"_QM00003", "hdc"},
    {"_QM00004", "hdd"},
}};

}  // namespace

std::optional<std::string> disk_behind_link(std::string_view link) {
  std::string_view name = link.substr(link.rfind('/') + 1);
  std::string partition;
  if (const std::size_t part = name.rfind("-part"); part != std::string_view::npos) {
    if (!number(name.substr(part + 5))) {
      return std::nullopt;
    }
    partition = name.substr(part + 5);
    name = name.substr(0, part);
  }
  if (const std::size_t vbd = name.find("vbd-"); vbd != std::string_view::npos) {
    const auto value = number(name.substr(vbd + 4));
    const auto disk = value ? name_of_vbd(*value) : std::nullopt;
    return disk ? std::optional(*disk + partition) : std::nullopt;
  }
  for (const IdePlace& place : k_ide_places) {
    if (name.ends_with(place.ending)) {
      return std::string(place.disk) + partition;
    }
  }
  return std::nullopt;
}

}  // namespace vmconvert::fixer::fstab
