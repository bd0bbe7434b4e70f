#include "job/saved_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "job/state_json.hpp"

// Found by their argument's namespace, so not in a nameless one.
namespace vmconvert {

inline void to_json(nlohmann::json& json, const ByteCount& count) {
  json = count.value;
}
inline void from_json(const nlohmann::json& json, ByteCount& count) {
  count.value = json.get<std::uint64_t>();
}

}  // namespace vmconvert

namespace vmconvert::model {

// A field that an earlier version did not write has its default.
NLOHMANN_JSON_SERIALIZE_ENUM(Severity, {{Severity::warns, "warns"},
                                        {Severity::blocks, "blocks"},
                                        {Severity::informs, "informs"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Filesystem, device, type, uuid, label, size,
                                                mountpoint)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Kernel, version, image, initrd, modules)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(GuestFacts, os_name, distribution, arch, init,
                                                hostname, root_device, boot_device, filesystems,
                                                kernels, loader, menu, identities)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Partition, number, start, length, mbr_type,
                                                bootable, bios_boot)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AllocationNote, offset, length, content, by_map,
                                                why, free)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(DeviceRename, from, to)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Edit, fixer, path, diff)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Finding, id, severity, message, remedy,
                                                acknowledged)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(BootLink, name, ok, what)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TrialOutcome, booted, seconds, evidence, last_lines,
                                                console_log)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReportSpan, stage, what, from, to)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReportSample, stage, what, at, done, total)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReportRun, began, seconds, ended, spans, samples)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReportCell, patched, needed, skipped)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReportSegment, source, length)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReportDisk, name, size, table, composed, segments,
                                                partitions, allocation, cells, path, read, written,
                                                skipped, checksum)

}  // namespace vmconvert::model

namespace vmconvert::job {
namespace {

using Json = nlohmann::json;

constexpr int k_report_version = 1;
constexpr std::uint64_t k_report_limit = 256U << 20U;

Json to_object(const model::JobReport& report) {
  return {{"version", k_report_version},
          {"job", report.job},
          {"guest", report.guest},
          {"name", report.name},
          {"source", report.source},
          {"program", report.program},
          {"state", report.state},
          {"error", report.error},
          {"kind", report.kind},
          {"to", report.to},
          {"new_kind", report.new_kind},
          {"memory_bytes", report.memory},
          {"vcpus", report.vcpus},
          {"accelerator", report.accelerator},
          {"inside", report.inside},
          {"disks", report.disks},
          {"renames", report.renames},
          {"edits", report.edits},
          {"findings", report.findings},
          {"boot_path", report.boot_path},
          {"trial", report.trial ? Json(*report.trial) : Json(nullptr)},
          {"steps", report.steps},
          {"domain_xml_diff", report.xml_diff},
          {"domain_xml", report.xml_path},
          {"defined_on", report.defined_on},
          {"runs", report.runs}};
}

model::JobReport from_object(const Json& json) {
  model::JobReport report;
  json.at("job").get_to(report.job);
  json.at("guest").get_to(report.guest);
  json.at("name").get_to(report.name);
  json.at("source").get_to(report.source);
  json.at("program").get_to(report.program);
  json.at("state").get_to(report.state);
  json.at("error").get_to(report.error);
  json.at("kind").get_to(report.kind);
  json.at("to").get_to(report.to);
  report.new_kind = json.value("new_kind", "");
  json.at("memory_bytes").get_to(report.memory);
  json.at("vcpus").get_to(report.vcpus);
  json.at("accelerator").get_to(report.accelerator);
  json.at("inside").get_to(report.inside);
  json.at("disks").get_to(report.disks);
  json.at("renames").get_to(report.renames);
  json.at("edits").get_to(report.edits);
  json.at("findings").get_to(report.findings);
  json.at("boot_path").get_to(report.boot_path);
  if (!json.at("trial").is_null()) {
    report.trial = json.at("trial").get<model::TrialOutcome>();
  }
  json.at("steps").get_to(report.steps);
  json.at("domain_xml_diff").get_to(report.xml_diff);
  json.at("domain_xml").get_to(report.xml_path);
  json.at("defined_on").get_to(report.defined_on);
  json.at("runs").get_to(report.runs);
  return report;
}

}  // namespace

void save_report(const std::filesystem::path& kept, const model::JobReport& report) {
  std::filesystem::create_directories(kept);
  AtomicFile file(kept / "report.json", 0600);
  // Guest text need not be UTF-8; what is not is only shown to people.
  file.write(to_object(report).dump(-1, ' ', false, Json::error_handler_t::replace));
  file.commit(Overwrite::yes);
}

std::optional<model::JobReport> load_report(const std::filesystem::path& kept) {
  const std::filesystem::path path = kept / "report.json";
  if (!std::filesystem::exists(path)) {
    return std::nullopt;
  }
  const std::string text = read_text_file(path, k_report_limit);
  try {
    const Json json = parse_state_json(text);
    if (const int version = json.at("version").get<int>(); version != k_report_version) {
      throw Error(ErrorKind::bad_input, fmt::format("it has version {}", version));
    }
    return from_object(json);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} cannot be understood: {}", path.string(), error.what()),
                "read the job with vmconvert status instead");
  }
}

}  // namespace vmconvert::job
