#include "job/saved_job.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "guest/wishes_json.hpp"
#include "job/state_json.hpp"

namespace vmconvert::job {
namespace {

using Json = nlohmann::json;
using model::ExtentKind;

constexpr int k_version = 1;
constexpr std::uint64_t k_limit = 1U << 30U;

Json storage_to_json(const model::StorageTarget& storage) {
  if (const auto* folder = std::get_if<model::DirectoryTarget>(&storage)) {
    return {{"dir", folder->folder.string()}, {"format", model::to_string(folder->format)}};
  }
  if (const auto* group = std::get_if<model::VolumeGroupTarget>(&storage)) {
    return {{"vg", group->group}, {"thin_pool", group->thin_pool}};
  }
  const auto& pool = std::get<model::PoolTarget>(storage);
  return {{"pool", pool.pool}, {"format", model::to_string(pool.format)}};
}

model::DiskFormat format_from(const Json& json) {
  return json.at("format") == "qcow2" ? model::DiskFormat::qcow2 : model::DiskFormat::raw;
}

model::StorageTarget storage_from_json(const Json& json) {
  if (json.contains("dir")) {
    return model::DirectoryTarget{json.at("dir").get<std::string>(), format_from(json)};
  }
  if (json.contains("vg")) {
    return model::VolumeGroupTarget{json.at("vg").get<std::string>(),
                                    json.at("thin_pool").get<std::string>()};
  }
  return model::PoolTarget{json.at("pool").get<std::string>(), format_from(json)};
}

Json adjustments_to_json(const Request& request) {
  const model::Adjustments& wanted = request.adjustments;
  Json json = {{"memory", wanted.memory ? Json(wanted.memory->value) : Json(nullptr)},
               {"vcpus", wanted.vcpus ? Json(*wanted.vcpus) : Json(nullptr)},
               {"bridges", wanted.bridges},
               {"fresh_macs", wanted.macs == model::MacPolicy::fresh},
               {"xen_type", model::to_string(wanted.xen_type)},
               {"hooks", Json::array()}};
  for (const model::Hook& hook : request.hooks) {
    json["hooks"].push_back({{"when", model::to_string(hook.when)},
                             {"argv", hook.argv},
                             {"limit_seconds", hook.limit_seconds},
                             {"stop", hook.on_failure == model::HookFailure::stop}});
  }
  return json;
}

// A job that an older program began says no more than "pvh", or nothing.
model::XenType xen_type_from(const Json& json) {
  const std::string type = json.value("xen_type", json.value("pvh", false) ? "pvh" : "keep");
  return model::xen_type_from(type).value();
}

void adjustments_from_json(const Json& json, Request& request) {
  if (!json.at("memory").is_null()) {
    request.adjustments.memory = ByteCount{json.at("memory").get<std::uint64_t>()};
  }
  if (!json.at("vcpus").is_null()) {
    request.adjustments.vcpus = json.at("vcpus").get<unsigned>();
  }
  request.adjustments.bridges = json.at("bridges").get<std::map<std::string, std::string>>();
  request.adjustments.macs =
      json.at("fresh_macs").get<bool>() ? model::MacPolicy::fresh : model::MacPolicy::keep;
  request.adjustments.xen_type = xen_type_from(json);
  for (const Json& hook : json.at("hooks")) {
    const auto when = model::hook_point_from(hook.at("when").get<std::string>());
    request.hooks.push_back(
        {when.value(), hook.at("argv").get<std::vector<std::string>>(),
         hook.at("limit_seconds").get<unsigned>(),
         hook.at("stop").get<bool>() ? model::HookFailure::stop : model::HookFailure::go_on});
  }
}

Json request_to_json(const Request& request) {
  return {{"source", request.source.text},
          {"connect", request.source.uri},
          {"to", model::to_string(request.to)},
          {"storage", storage_to_json(request.storage.value())},
          {"name", request.name},
          {"root", request.root_device},
          {"accept", request.accepted},
          {"sha256", request.hash == model::HashKind::sha256},
          {"rate_limit", request.rate_limit},
          {"map_bad_sectors", request.on_bad_sector == disk::OnBadSector::map},
          {"snapshot", request.snapshot ? model::to_text(*request.snapshot) : ""},
          {"trial", request.trial},
          {"trial_limit_seconds", request.trial_limit_seconds},
          {"define", request.define},
          {"start", request.start},
          {"target", request.target_uri},
          {"adjustments", adjustments_to_json(request)},
          {"template", request.stylesheet.string()},
          {"wishes", guest::wishes_to_json(request.wishes)}};
}

Request request_from_json(const Json& json) {
  Request request;
  request.source = {json.at("source").get<std::string>(), json.at("connect").get<std::string>()};
  request.to = json.at("to") == "xen" ? model::TargetHypervisor::xen : model::TargetHypervisor::kvm;
  request.storage = storage_from_json(json.at("storage"));
  request.name = json.at("name").get<std::string>();
  request.root_device = json.at("root").get<std::string>();
  request.accepted = json.at("accept").get<std::vector<std::string>>();
  request.hash =
      json.at("sha256").get<bool>() ? model::HashKind::sha256 : model::HashKind::xxh3_128;
  request.rate_limit = json.at("rate_limit").get<std::uint64_t>();
  request.on_bad_sector =
      json.value("map_bad_sectors", false) ? disk::OnBadSector::map : disk::OnBadSector::stop;
  request.snapshot = model::parse_snapshot_size(json.value("snapshot", ""));
  request.trial = json.at("trial").get<bool>();
  request.trial_limit_seconds = json.at("trial_limit_seconds").get<unsigned>();
  request.define = json.at("define").get<bool>();
  request.start = json.at("start").get<bool>();
  request.target_uri = json.at("target").get<std::string>();
  request.stylesheet = json.at("template").get<std::string>();
  request.wishes = guest::wishes_from_json(json.value("wishes", Json::object()));
  if (json.contains("adjustments")) {  // not in what an older program wrote
    adjustments_from_json(json.at("adjustments"), request);
  }
  return request;
}

// [offset, length, kind] each: there may be tens of thousands.
Json extents_to_json(const std::vector<model::Extent>& extents) {
  Json list = Json::array();
  for (const model::Extent& extent : extents) {
    list.push_back({extent.offset.value, extent.length.value, static_cast<int>(extent.kind)});
  }
  return list;
}

std::vector<model::Extent> extents_from_json(const Json& list) {
  std::vector<model::Extent> extents;
  for (const Json& entry : list) {
    const int kind = entry.at(2).get<int>();
    if (kind < 0 || kind > static_cast<int>(ExtentKind::skipped)) {
      throw Error(ErrorKind::bad_input, "an extent of no known kind");
    }
    extents.push_back({ByteCount{entry.at(0).get<std::uint64_t>()},
                       ByteCount{entry.at(1).get<std::uint64_t>()}, static_cast<ExtentKind>(kind)});
  }
  return extents;
}

Json hardware_to_json(const model::Hardware& hardware) {
  return {{"disk_bus", hardware.disk_bus}, {"nic_model", hardware.nic_model},
          {"uefi", hardware.uefi},         {"places", hardware.places},
          {"in_guest", hardware.in_guest}, {"made_hvm", hardware.made_hvm}};
}

model::Hardware hardware_from_json(const Json& json) {
  using Names = std::vector<std::string>;
  return {json.at("disk_bus").get<std::string>(),
          json.at("nic_model").get<std::string>(),
          json.value("uefi", false),
          json.at("places").get<Names>(),
          json.at("in_guest").get<Names>(),
          json.value("made_hvm", false)};
}

Json plan_to_json(const SavedPlan& plan) {
  Json json = {{"source_xml", plan.source_xml}, {"original_xml", plan.original_xml},
               {"target_uri", plan.target_uri}, {"domain_xml", plan.domain_xml},
               {"extents", Json::array()},      {"edits", Json::array()}};
  for (const auto& extents : plan.extents) {
    json["extents"].push_back(extents_to_json(extents));
  }
  json["marks"] = Json::array();
  for (const disk::SourceMark& mark : plan.marks) {
    json["marks"].push_back({{"path", mark.path.string()},
                             {"block_device", mark.block_device},
                             {"identity", mark.identity},
                             {"size", mark.size.value},
                             {"changed_ns", mark.changed_ns},
                             {"sectors_written", mark.sectors_written},
                             {"boot", mark.boot},
                             {"serial", mark.serial}});
  }
  json["hardware"] = hardware_to_json(plan.hardware);
  json["trial"] = nullptr;
  if (plan.trial) {
    json["trial"] = {{"seconds", plan.trial->seconds},
                     {"evidence", plan.trial->evidence},
                     {"last_lines", plan.trial->last_lines},
                     {"console_log", plan.trial->console_log}};
  }
  for (const model::Edit& edit : plan.edits) {
    json["edits"].push_back({edit.fixer, edit.path, edit.diff});
  }
  return json;
}

SavedPlan plan_from_json(const Json& json) {
  SavedPlan plan;
  plan.source_xml = json.at("source_xml").get<std::string>();
  plan.original_xml = json.value("original_xml", "");
  plan.target_uri = json.at("target_uri").get<std::string>();
  plan.domain_xml = json.at("domain_xml").get<std::string>();
  for (const Json& list : json.at("extents")) {
    plan.extents.push_back(extents_from_json(list));
  }
  if (json.contains("hardware")) {  // not in what an older program wrote
    plan.hardware = hardware_from_json(json.at("hardware"));
  }
  for (const Json& edit : json.at("edits")) {
    plan.edits.push_back({edit.at(0).get<std::string>(), edit.at(1).get<std::string>(),
                          edit.at(2).get<std::string>()});
  }
  for (const Json& mark : json.value("marks", Json::array())) {
    plan.marks.push_back(
        {mark.at("path").get<std::string>(), mark.at("block_device").get<bool>(),
         mark.at("identity").get<std::uint64_t>(), ByteCount{mark.at("size").get<std::uint64_t>()},
         mark.at("changed_ns").get<std::int64_t>(), mark.at("sectors_written").get<std::uint64_t>(),
         mark.at("boot").get<std::string>(), mark.value("serial", "")});
  }
  if (const Json& trial = json.at("trial"); !trial.is_null()) {
    // Only one that booted is ever saved: another one ended the job.
    plan.trial = model::TrialOutcome{true, trial.at("seconds").get<double>(),
                                     trial.at("evidence").get<std::string>(),
                                     trial.at("last_lines").get<std::vector<std::string>>(),
                                     trial.at("console_log").get<std::string>()};
  }
  return plan;
}

}  // namespace

void save_job(const std::filesystem::path& folder, const SavedJob& job) {
  Json json = {{"version", k_version}, {"request", request_to_json(job.request)}};
  json["plan"] = job.plan ? plan_to_json(*job.plan) : Json(nullptr);
  AtomicFile file(folder / "job.json", 0600);
  // Guest text need not be UTF-8; what is not is only shown to people again.
  file.write(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  file.commit(Overwrite::yes);
}

SavedJob load_job(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "job.json";
  const std::string text = read_text_file(path, k_limit);
  try {
    const Json json = parse_state_json(text);
    if (json.at("version").get<int>() != k_version) {
      throw Error(ErrorKind::bad_input, "written by another version");
    }
    SavedJob job;
    job.request = request_from_json(json.at("request"));
    if (!json.at("plan").is_null()) {
      job.plan = plan_from_json(json.at("plan"));
    }
    return job;
  } catch (const std::exception& error) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} cannot be understood: {}", path.string(), error.what()),
                "take the job back (vmconvert undo JOB) and convert again");
  }
}

}  // namespace vmconvert::job
