#include "job/definition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/read.hpp"
#include "domain/xml.hpp"
#include "job/state_json.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* k_file = "definition.json";
constexpr std::uint64_t k_longest_definition = 16U << 20U;

Json to_json(const Definition& what) {
  Json json = {{"version", 1},
               {"original_xml", what.original_xml},
               {"first_name", what.first_name},
               {"uuid", what.uuid},
               {"macs", what.macs},
               {"virt_type", what.virt_type},
               {"description", what.description.string()},
               {"target_uri", what.target_uri},
               {"nic_model", what.nic_model},
               {"disks", Json::array()}};
  for (const domain::RewriteDisk& disk : what.disks) {
    json["disks"].push_back({{"target", disk.target},
                             {"path", disk.path.string()},
                             {"format", model::to_string(disk.format)},
                             {"is_block", disk.is_block},
                             {"readonly", disk.readonly},
                             {"bus", disk.bus}});
  }
  return json;
}

Definition from_json(const Json& json) {
  Definition what;
  json.at("original_xml").get_to(what.original_xml);
  json.at("first_name").get_to(what.first_name);
  json.at("uuid").get_to(what.uuid);
  json.at("macs").get_to(what.macs);
  json.at("virt_type").get_to(what.virt_type);
  what.description = json.at("description").get<std::string>();
  json.at("target_uri").get_to(what.target_uri);
  for (const Json& disk : json.at("disks")) {
    what.disks.push_back(
        {disk.at("target").get<std::string>(), disk.at("path").get<std::string>(),
         disk.at("format") == "qcow2" ? model::DiskFormat::qcow2 : model::DiskFormat::raw,
         disk.at("is_block").get<bool>(), disk.at("readonly").get<bool>(),
         disk.value("bus", "virtio")});
  }
  what.nic_model = json.value("nic_model", "virtio");
  return what;
}

}  // namespace

Definition definition_of(const std::string& domain_xml) {
  const std::string origin = "the new description";
  const model::Domain domain = domain::read_domain_xml(domain_xml, origin);
  Definition what;
  what.first_name = domain.name;
  what.uuid = domain.uuid;
  for (const model::DomainNic& nic : domain.nics) {
    what.macs.push_back(nic.mac);
  }
  if (std::find(what.macs.begin(), what.macs.end(), "") != what.macs.end()) {
    what.macs.clear();  // libvirt draws those: nothing in the guest relies on them
  }
  const domain::XmlDoc document = domain::parse_xml(domain_xml, origin);
  what.virt_type = domain::attribute_or(xmlDocGetRootElement(document.get()), "type", "kvm");
  return what;
}

void keep_definition(const fs::path& kept, const KeptDefinition& what) {
  save_job(kept, what.job);
  AtomicFile file(kept / k_file, 0600);
  file.write(to_json(what.definition).dump(-1, ' ', false, Json::error_handler_t::replace));
  file.commit(Overwrite::yes);
}

std::optional<KeptDefinition> load_definition(const fs::path& kept) {
  const fs::path path = kept / k_file;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return std::nullopt;
  }
  const std::string text = read_text_file(path, k_longest_definition);
  try {
    return KeptDefinition{load_job(kept), from_json(parse_state_json(text))};
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} cannot be understood: {}", path.string(), printable(error.what())),
                "take the job back (vmconvert undo JOB) and convert again");
  }
}

}  // namespace vmconvert::job
