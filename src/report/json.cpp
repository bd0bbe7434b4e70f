#include "report/json.hpp"

#include "report/json_values.hpp"

namespace vmconvert::report {
namespace {

using Json = nlohmann::ordered_json;

// Guest text need not be UTF-8: what is not is replaced, so that printing never fails.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json to_object(const model::DiskResult& disk) {
  return {{"target", disk.target},
          {"source", disk.source},
          {"path", text_or_null(disk.path)},
          {"size_bytes", disk.size.value},
          {"read_bytes", disk.read.value},
          {"written_bytes", disk.written.value},
          {"skipped_bytes", disk.skipped.value},
          {"checksum", text_or_null(disk.checksum)}};
}

Json to_object(const model::Finding& finding) {
  return {{"id", finding.id},
          {"severity", model::to_string(finding.severity)},
          {"message", finding.message},
          {"remedy", text_or_null(finding.remedy)},
          {"acknowledged", finding.acknowledged}};
}

Json to_object(const model::TrialOutcome& trial) {
  return {{"booted", trial.booted},
          {"seconds", trial.seconds},
          {"evidence", text_or_null(trial.evidence)},
          {"last_lines", trial.last_lines},
          {"console_log", text_or_null(trial.console_log)}};
}

Json to_object(const model::RunResult& result) {
  Json json = {{"version", k_json_version},
               {"job", text_or_null(result.job)},
               {"guest", result.guest},
               {"state", model::to_string(result.state)},
               {"disks", Json::array()},
               {"edits", Json::array()},
               {"findings", Json::array()},
               {"stages", Json::array()},
               {"hooks", Json::array()},
               {"trial", nullptr},
               {"boot_path", Json::array()},
               {"domain_xml", text_or_null(result.domain_xml_path)},
               {"defined_on", text_or_null(result.defined_on)},
               {"error", text_or_null(result.error)}};
  for (const auto& disk : result.disks) {
    json["disks"].push_back(to_object(disk));
  }
  for (const auto& edit : result.edits) {
    json["edits"].push_back({{"fixer", edit.fixer}, {"path", edit.path}, {"diff", edit.diff}});
  }
  for (const auto& finding : result.findings) {
    json["findings"].push_back(to_object(finding));
  }
  for (const auto& stage : result.stages) {
    json["stages"].push_back({{"name", stage.name}, {"seconds", stage.seconds}});
  }
  for (const auto& hook : result.hooks) {
    json["hooks"].push_back({{"when", hook.when},
                             {"program", hook.program},
                             {"exit_code", hook.exit_code},
                             {"seconds", hook.seconds},
                             {"said", text_or_null(hook.said)}});
  }
  for (const auto& link : result.boot_path) {
    json["boot_path"].push_back({{"name", link.name}, {"ok", link.ok}, {"what", link.what}});
  }
  if (result.trial) {
    json["trial"] = to_object(*result.trial);
  }
  return json;
}

Json to_object(const model::TargetDisk& disk) {
  Json json = {{"name", disk.name},
               {"size_bytes", disk.size.value},
               {"table", model::to_string(disk.table)},
               {"composed", disk.composed},
               {"partitions", Json::array()}};
  for (const auto& part : disk.partitions) {
    json["partitions"].push_back({{"number", part.number},
                                  {"start_bytes", part.start.value},
                                  {"length_bytes", part.length.value},
                                  {"mbr_type", part.mbr_type},
                                  {"bootable", part.bootable}});
  }
  return json;
}

}  // namespace

std::string to_json(const model::RunResult& result) {
  return dump(to_object(result), 2);
}

std::string to_json(const model::RunResult& result, const model::Plan& plan) {
  Json json = to_object(result);
  json["virtualization"] = model::to_string(plan.source.kind);
  json["new_hypervisor"] = model::to_string(plan.to);
  json["new_virtualization"] =
      plan.to == model::TargetHypervisor::xen ? model::to_string(plan.kind) : "hvm";
  json["layout"] = Json::array();
  for (const auto& disk : plan.layout.disks) {
    json["layout"].push_back(to_object(disk));
  }
  json["allocation"] = Json::array();
  for (const auto& disk : plan.disks) {
    for (const auto& note : disk.allocation) {
      json["allocation"].push_back({{"target", disk.layout.name},
                                    {"offset_bytes", note.offset.value},
                                    {"length_bytes", note.length.value},
                                    {"content", text_or_null(note.content)},
                                    {"by_map", note.by_map},
                                    {"why_not", text_or_null(note.why)},
                                    {"free_bytes", note.free.value}});
    }
  }
  json["steps"] = Json::array();
  for (const auto& step : plan.steps) {
    json["steps"].push_back(model::describe(step));
  }
  json["domain_xml_diff"] = plan.domain_xml_diff;
  return dump(json, 2);
}

std::string inspection_to_json(const model::Domain& domain, const model::GuestFacts& guest,
                               const model::Layout& layout) {
  Json json = {{"version", k_json_version},
               {"guest", domain.name},
               {"virtualization", model::to_string(domain.kind)},
               {"os", text_or_null(guest.os_name)},
               {"distribution", text_or_null(guest.distribution)},
               {"arch", text_or_null(guest.arch)},
               {"init", text_or_null(guest.init)},
               {"hostname", text_or_null(guest.hostname)},
               {"root_device", text_or_null(guest.root_device)},
               {"boot_device", text_or_null(guest.boot_device)},
               {"loader", text_or_null(guest.loader)},
               {"menu", text_or_null(guest.menu)},
               {"filesystems", Json::array()},
               {"kernels", Json::array()},
               {"identities", guest.identities},
               {"disks", Json::array()}};
  for (const auto& fs : guest.filesystems) {
    json["filesystems"].push_back({{"device", fs.device},
                                   {"type", fs.type},
                                   {"uuid", text_or_null(fs.uuid)},
                                   {"label", text_or_null(fs.label)},
                                   {"size_bytes", fs.size.value},
                                   {"mountpoint", text_or_null(fs.mountpoint)},
                                   {"array", nullptr}});
    if (fs.array) {
      json["filesystems"].back()["array"] = {{"uuid", fs.array->uuid},
                                             {"level", fs.array->level},
                                             {"metadata", fs.array->metadata},
                                             {"names", fs.array->names}};
    }
  }
  for (const auto& kernel : guest.kernels) {
    json["kernels"].push_back({{"version", kernel.version},
                               {"image", text_or_null(kernel.image)},
                               {"initrd", text_or_null(kernel.initrd)},
                               {"modules", kernel.modules}});
  }
  for (const auto& disk : layout.disks) {
    json["disks"].push_back(to_object(disk));
  }
  return dump(json, 2);
}

std::string job_to_json_line(const std::string& job, const std::string& guest, double seconds) {
  return dump({{"event", "job"}, {"seconds", seconds}, {"job", job}, {"guest", guest}}, -1);
}

std::string to_json_line(const model::Progress& progress, double seconds) {
  Json json = {{"event", "progress"},         {"seconds", seconds},
               {"stage", progress.stage},     {"what", progress.what},
               {"done", progress.done.value}, {"total", progress.total.value}};
  if (progress.stage == "copy") {
    json["skipped"] = progress.skipped.value;
    json["held_up_by"] = text_or_null(progress.held_up_by);
  }
  return dump(json, -1);
}

}  // namespace vmconvert::report
