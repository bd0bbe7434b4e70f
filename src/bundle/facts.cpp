#include "bundle/facts.hpp"

#include <fmt/format.h>

#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/json.hpp"
#include "bundle/names.hpp"

namespace vmconvert::bundle {
namespace {

using Json = nlohmann::json;

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json notes_to_json(const DiskNotes& notes) {
  Json parts = Json::array();
  for (const model::Partition& part : notes.facts.partitions) {
    parts.push_back({{"number", part.number},
                     {"start_bytes", part.start.value},
                     {"size_bytes", part.length.value}});
  }
  Json content = Json::array();
  for (const model::AllocationNote& note : notes.allocation) {
    content.push_back({{"offset_bytes", note.offset.value},
                       {"size_bytes", note.length.value},
                       {"content", text_or_null(note.content)},
                       {"free_bytes", note.free.value},
                       {"why_not_read", text_or_null(note.why)}});
  }
  return {{"table", model::to_string(notes.facts.table)},
          {"partitions", parts},
          {"content", content},
          {"loader", notes.facts.loader}};
}

std::string name_in(const Json& json, const char* key, std::string_view folder) {
  const Json& value = json.at(key);
  if (value.is_null()) {
    return {};
  }
  std::string name = value.get<std::string>();
  if (!name.starts_with(folder) || !is_file_name(name)) {
    throw Error(ErrorKind::bad_input,
                fmt::format("\"{}\" is no {} of a bundle", printable(name.substr(0, 200)), key));
  }
  return name;
}

}  // namespace

std::string to_json(const Facts& facts, const model::Domain& domain,
                    const std::vector<DiskNotes>& notes) {
  Json json = {{"version", 1},
               {"guest", facts.guest},
               {"kind", model::to_string(domain.kind)},
               {"arch", domain.arch},
               {"memory_bytes", domain.memory.value},
               {"vcpus", domain.vcpus},
               {"kernel", text_or_null(facts.kernel)},
               {"initrd", text_or_null(facts.initrd)},
               {"disks", Json::array()}};
  for (std::size_t i = 0; i < facts.disks.size(); ++i) {
    Json disk = notes_to_json(notes.at(i));
    disk["target"] = facts.disks[i].target;
    disk["size_bytes"] = facts.disks[i].size.value;
    disk["data_bytes"] = facts.disks[i].data.value;
    disk["leaves"] = leaves_name(i);
    json["disks"].push_back(disk);
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Facts parse_facts(std::string_view text) {
  try {
    const Json json = parse_json(text);
    if (json.at("version") != 1) {
      throw Error(ErrorKind::bad_input, "it was written by another version");
    }
    Facts facts;
    facts.guest = json.at("guest").get<std::string>();
    facts.kernel = name_in(json, "kernel", "host/kernel/");
    facts.initrd = name_in(json, "initrd", "host/initrd/");
    const Json& disks = json.at("disks");
    if (!disks.is_array() || disks.size() > k_most_disks) {
      throw Error(ErrorKind::bad_input, "its list of disks is none, or too long");
    }
    std::set<std::string> seen;
    for (const Json& disk : disks) {
      facts.disks.push_back({disk.at("target").get<std::string>(),
                             ByteCount{disk.at("size_bytes").get<std::uint64_t>()},
                             ByteCount{disk.at("data_bytes").get<std::uint64_t>()}});
      if (!seen.insert(facts.disks.back().target).second) {
        throw Error(ErrorKind::bad_input, fmt::format("the disk {} is named twice",
                                                      printable(facts.disks.back().target)));
      }
    }
    return facts;
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::bad_input,
                fmt::format("it cannot be understood: {}", printable(error.what())));
  }
}

}  // namespace vmconvert::bundle
