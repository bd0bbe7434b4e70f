#include "host/target_look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/ask_or.hpp"
#include "base/error.hpp"
#include "base/own_process.hpp"
#include "host/embed.hpp"
#include "host/libvirt.hpp"
#include "host/machines.hpp"
#include "host/neighbours.hpp"
#include "host/node.hpp"

namespace vmconvert::host {
namespace {

using Json = nlohmann::json;

TargetLook look(const std::string& uri, const TargetQuestions& questions) {
  const Connection connection = Connection::open(uri, Access::read_write);
  TargetLook look;
  look.name_defined = connection.domain_exists(questions.name);
  look.uuid_defined =
      !look.name_defined && !questions.uuid.empty() && connection.domain_exists(questions.uuid);
  look.node = node_facts(connection);
  look.neighbours = ask_or(std::vector<model::Neighbour>(), "the target's domains",
                           [&] { return neighbours(connection); });
  if (!questions.arch.empty()) {
    look.domain_types = connection.domain_types();
    look.machines = ask_or(model::MachineOffer(), "the target's machines", [&] {
      return machine_offer(connection, questions.arch, questions.uefi_machine);
    });
  }
  std::copy_if(
      questions.bridges.begin(), questions.bridges.end(), std::back_inserter(look.missing_bridges),
      [&](const std::string& bridge) { return !has_bridge(connection, bridge).value_or(true); });
  std::copy_if(questions.networks.begin(), questions.networks.end(),
               std::back_inserter(look.missing_networks), [&](const std::string& network) {
                 return !has_network(connection, network).value_or(true);
               });
  return look;
}

// Names and paths may be of any bytes; JSON takes none but UTF-8. One character a byte, then.
Json bytes(const std::string& text) {
  Json numbers = Json::array();
  for (const char c : text) {
    numbers.push_back(static_cast<unsigned char>(c));
  }
  return numbers;
}
std::string text(const Json& numbers) {
  std::string bytes;
  for (const Json& number : numbers) {
    bytes += static_cast<char>(number.get<unsigned char>());
  }
  return bytes;
}
Json list(const std::vector<std::string>& texts) {
  Json all = Json::array();
  for (const std::string& each : texts) {
    all.push_back(bytes(each));
  }
  return all;
}
std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> all;
  for (const Json& each : list) {
    all.push_back(text(each));
  }
  return all;
}

}  // namespace

TargetLook look_at_target(const std::string& uri, const TargetQuestions& questions) {
  if (!embed_root(uri)) {
    return look(uri, questions);
  }
  return target_look_from_json(in_own_process([&] { return to_json(look(uri, questions)); }));
}

std::string to_json(const TargetLook& look) {
  Json neighbours = Json::array();
  for (const model::Neighbour& each : look.neighbours) {
    std::vector<std::string> disks;
    for (const std::filesystem::path& disk : each.disks) {
      disks.push_back(disk.string());
    }
    neighbours.push_back({{"name", bytes(each.name)},
                          {"uuid", bytes(each.uuid)},
                          {"active", each.active},
                          {"macs", list(each.macs)},
                          {"disks", list(disks)}});
  }
  return Json{{"name_defined", look.name_defined},
              {"uuid_defined", look.uuid_defined},
              {"domain_types", list(look.domain_types)},
              {"neighbours", neighbours},
              {"memory", look.node.memory.value},
              {"cpus", look.node.cpus},
              {"available", look.node.available.value},
              {"architectures", list(look.machines.architectures)},
              {"machines", list(look.machines.machines)},
              {"uefi", look.machines.uefi ? Json(*look.machines.uefi) : Json()},
              {"pvh", look.machines.pvh ? Json(*look.machines.pvh) : Json()},
              {"missing_bridges", list(look.missing_bridges)},
              {"missing_networks", list(look.missing_networks)}}
      .dump();
}

TargetLook target_look_from_json(const std::string& json) {
  const Json told = Json::parse(json);
  TargetLook look;
  look.name_defined = told.at("name_defined").get<bool>();
  look.uuid_defined = told.at("uuid_defined").get<bool>();
  look.domain_types = texts(told.at("domain_types"));
  for (const Json& each : told.at("neighbours")) {
    model::Neighbour neighbour;
    neighbour.name = text(each.at("name"));
    neighbour.uuid = text(each.at("uuid"));
    neighbour.active = each.at("active").get<bool>();
    neighbour.macs = texts(each.at("macs"));
    for (const std::string& disk : texts(each.at("disks"))) {
      neighbour.disks.emplace_back(disk);
    }
    look.neighbours.push_back(std::move(neighbour));
  }
  look.node.memory = ByteCount{told.at("memory").get<std::uint64_t>()};
  look.node.cpus = told.at("cpus").get<unsigned>();
  look.node.available = ByteCount{told.at("available").get<std::uint64_t>()};
  look.machines.architectures = texts(told.at("architectures"));
  look.machines.machines = texts(told.at("machines"));
  if (told.at("uefi").is_boolean()) {
    look.machines.uefi = told.at("uefi").get<bool>();
  }
  if (told.at("pvh").is_boolean()) {
    look.machines.pvh = told.at("pvh").get<bool>();
  }
  look.missing_bridges = texts(told.at("missing_bridges"));
  look.missing_networks = texts(told.at("missing_networks"));
  return look;
}

}  // namespace vmconvert::host
