#include "guest/facts_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "guest/wishes_json.hpp"

namespace vmconvert::guest {
namespace {

using Json = nlohmann::json;

Json source_json(const model::Domain& domain) {
  Json json = {{"kind", model::to_string(domain.kind)},
               {"boot", "disk"},
               {"kernel", ""},
               {"initrd", ""},
               {"cmdline", ""}};
  if (domain.direct_boot) {
    json["boot"] = "direct";
    json["kernel"] = domain.direct_boot->kernel.string();
    json["initrd"] = domain.direct_boot->initrd.string();
    json["cmdline"] = domain.direct_boot->cmdline;
  } else if (domain.bootloader) {
    json["boot"] = "pygrub";
  }
  return json;
}

Json disk_json(const model::TargetDisk& disk, const std::map<std::string, std::string>& loaders) {
  const LoaderGap gap = loader_gap(disk);
  const auto loader = loaders.find(disk.name);
  Json partitions = Json::array();
  for (const model::Partition& part : disk.partitions) {
    partitions.push_back({{"number", part.number},
                          {"start_bytes", part.start.value},
                          {"length_bytes", part.length.value},
                          {"bios_boot", part.bios_boot}});
  }
  return {{"name", disk.name},
          {"table", model::to_string(disk.table)},
          {"loader", loader == loaders.end() ? "none" : loader->second},
          {"size_bytes", disk.size.value},
          {"gap_offset", gap.offset.value},
          {"gap_bytes", gap.length.value},
          {"partitions", std::move(partitions)}};
}

Json guest_json(const model::GuestFacts& guest) {
  Json kernels = Json::array();
  for (const model::Kernel& kernel : guest.kernels) {
    kernels.push_back({{"version", kernel.version},
                       {"image", kernel.image},
                       {"initrd", kernel.initrd},
                       {"modules", kernel.modules}});
  }
  return {{"distribution", guest.distribution},
          {"arch", guest.arch},
          {"init", guest.init},
          {"menu", guest.menu},
          {"kernels", std::move(kernels)}};
}

Json filesystems_json(const std::vector<model::Filesystem>& filesystems) {
  Json json = Json::array();
  for (const model::Filesystem& fs : filesystems) {
    json.push_back({{"device", fs.device},
                    {"type", fs.type},
                    {"uuid", fs.uuid},
                    {"label", fs.label},
                    {"mountpoint", fs.mountpoint},
                    {"array", nullptr}});
    if (fs.array) {
      json.back()["array"] = {{"uuid", fs.array->uuid},
                              {"level", fs.array->level},
                              {"metadata", fs.array->metadata},
                              {"names", fs.array->names}};
    }
  }
  return json;
}

// With the MACs that they will have.
Json nics_json(const FactsInput& input) {
  Json json = Json::array();
  for (std::size_t i = 0; i < input.domain.nics.size(); ++i) {
    const bool changes = i < input.macs.size() && !input.macs[i].empty();
    json.push_back({{"mac", changes ? input.macs[i] : input.domain.nics[i].mac}, {"index", i}});
  }
  return json;
}

Json wishes_json(const FactsInput& input) {
  Json json = wishes_to_json(input.wishes);
  Json macs = Json::array();
  for (std::size_t i = 0; i < input.macs.size() && i < input.domain.nics.size(); ++i) {
    const std::string& old = input.domain.nics[i].mac;
    if (!old.empty() && !input.macs[i].empty()) {
      macs.push_back({{"from", old}, {"to", input.macs[i]}});
    }
  }
  json["macs"] = std::move(macs);
  return json;
}

Json new_ids_json(const std::vector<model::IdChange>& ids) {
  Json json = Json::array();
  for (const model::IdChange& id : ids) {
    json.push_back({{"kind", model::to_string(id.kind)},
                    {"device", id.device},
                    {"type", id.type},
                    {"from", id.from},
                    {"to", id.to}});
  }
  return json;
}

}  // namespace

LoaderGap loader_gap(const model::TargetDisk& disk) {
  if (disk.table == model::TableKind::gpt) {
    for (const model::Partition& part : disk.partitions) {
      if (part.bios_boot) {
        return {part.start, part.length};
      }
    }
  }
  if (disk.table != model::TableKind::mbr || disk.partitions.empty()) {
    return {};
  }
  const auto first = std::min_element(
      disk.partitions.begin(), disk.partitions.end(),
      [](const model::Partition& a, const model::Partition& b) { return a.start < b.start; });
  const ByteCount behind_boot_sector{k_sector_size};
  if (first->start <= behind_boot_sector) {
    return {};
  }
  return {behind_boot_sector, first->start - behind_boot_sector};
}

std::string to_facts_json(const FactsInput& input) {
  const model::Layout layout = in_guest(input.hardware, input.layout);
  const model::GuestFacts guest = in_guest(input.hardware, input.layout, input.guest);
  std::map<std::string, std::string> loaders;
  for (const auto& [disk, loader] : input.loaders) {
    loaders[in_guest(input.hardware, input.layout, disk)] = loader;
  }
  Json renames = Json::array();
  for (const model::DeviceRename& rename : layout.renames) {
    renames.push_back({{"from", rename.from}, {"to", rename.to}});
  }
  Json disks = Json::array();
  for (const model::TargetDisk& disk : layout.disks) {
    disks.push_back(disk_json(disk, loaders));
  }
  const Json json = {
      {"version", 1},
      {"to", model::to_string(input.to)},
      {"source", source_json(input.domain)},
      {"root_device", guest.root_device},
      {"boot_device", guest.boot_device},
      {"renames", std::move(renames)},
      {"disks", std::move(disks)},
      {"filesystems", filesystems_json(guest.filesystems)},
      {"nics", nics_json(input)},
      {"guest", guest_json(guest)},
      {"domain_uuid", input.domain_uuid},
      {"hardware",
       {{"disk_bus", input.hardware.disk_bus},
        {"nic_model", input.hardware.nic_model},
        {"uefi", input.hardware.uefi},
        {"boots_disk", input.to == model::TargetHypervisor::kvm || input.hardware.made_hvm}}},
      {"new_ids", new_ids_json(in_guest(input.hardware, input.layout, input.new_ids))},
      {"old_ids_in", input.old_ids_in},
      {"wishes", wishes_json(input)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace vmconvert::guest
