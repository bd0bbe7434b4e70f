#include "job/site_checks.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::chrono::seconds k_time_limit(30);
constexpr std::size_t k_output_limit = std::size_t{256} * 1024;
constexpr std::size_t k_most_findings = 100;
constexpr std::size_t k_longest_text = 2000;
constexpr const char* k_prefix = "site-";

[[noreturn]] void broken(const fs::path& file, const std::string& why) {
  throw Error(
      ErrorKind::tool_failed, fmt::format("the site check {} {}", file.string(), why),
      "correct the program, or move it out of the folder; vmconvert-check(1) describes what "
      "it has to print");
}

bool is_site_id(const std::string& id) {
  constexpr std::size_t k_longest = 64;
  return id.starts_with(k_prefix) && id.size() > std::string_view(k_prefix).size() &&
         id.size() <= k_longest && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::string text_of(const Json& entry, const char* key, const fs::path& file) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_string()) {
    broken(file, fmt::format("printed a finding without {}", key));
  }
  const std::string text = replace_all(found->get<std::string>(), "\n", " ");
  if (text.empty() || text.size() > k_longest_text) {
    broken(file, fmt::format("printed a finding whose {} has {} bytes; 1 to {} are allowed", key,
                             text.size(), k_longest_text));
  }
  return printable(text);
}

model::Severity severity_of(const Json& entry, const fs::path& file) {
  const std::string text = text_of(entry, "severity", file);
  for (const model::Severity severity :
       {model::Severity::blocks, model::Severity::warns, model::Severity::informs}) {
    if (text == model::to_string(severity)) {
      return severity;
    }
  }
  broken(file, fmt::format("printed the severity '{}'; blocks, warns and informs are known", text));
}

// Programs as run-parts takes them: no editor's leftovers.
std::vector<fs::path> programs_in(const fs::path& folder) {
  std::vector<fs::path> programs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') && !name.ends_with('~') && entry.is_regular_file(error) &&
        ::access(entry.path().c_str(), X_OK) == 0) {
      programs.push_back(entry.path());
    }
  }
  std::sort(programs.begin(), programs.end());
  return programs;
}

void require_private(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(
        ErrorKind::refused,
        fmt::format("the site check {} can be changed by others than its owner", file.string()),
        fmt::format("chmod go-w {}", file.string()));
  }
}

std::string output_of(const fs::path& file, const std::string& facts, CommandRunner& commands) {
  Command command;
  command.argv = {fs::absolute(file).string()};
  command.stdin_text = facts;
  command.timeout = k_time_limit;
  command.output_limit = k_output_limit;
  const CommandResult result = commands.run(command);
  if (result.timed_out) {
    broken(file, fmt::format("did not end within {} s", k_time_limit.count()));
  }
  if (result.said_too_much) {
    broken(file, fmt::format("printed more than {} bytes", k_output_limit));
  }
  if (result.exit_code != 0) {
    const std::string said = printable(trim(result.err)).substr(0, k_longest_text);
    broken(file, fmt::format("ended with exit code {}{}{}", result.exit_code,
                             said.empty() ? "" : ": ", said));
  }
  return result.out;
}

Json regions_json(const model::DiskCondition& condition) {
  Json regions = Json::array();
  for (const model::Region& region : condition.regions) {
    regions.push_back({{"partition", region.partition},
                       {"size_bytes", region.size.value},
                       {"type", region.type},
                       {"uuid", region.uuid},
                       {"label", region.label},
                       {"dirty", region.dirty}});
  }
  return regions;
}

Json source_json(const SiteFacts& facts) {
  Json disks = Json::array();
  for (std::size_t i = 0; i < facts.domain.disks.size(); ++i) {
    const model::DomainDisk& disk = facts.domain.disks[i];
    if (disk.device == model::DiskDevice::disk && i < facts.disks.size()) {
      disks.push_back({{"target", disk.target},
                       {"source", disk.source.string()},
                       {"format", model::to_string(disk.format)},
                       {"size_bytes", facts.disks[i].size.value},
                       {"block_device", facts.disks[i].block_device},
                       {"table", model::to_string(facts.disks[i].table)},
                       {"regions", i < facts.conditions.size() ? regions_json(facts.conditions[i])
                                                               : Json::array()}});
    }
  }
  Json nics = Json::array();
  for (const model::DomainNic& nic : facts.domain.nics) {
    nics.push_back({{"mac", nic.mac}, {"bridge", nic.bridge}});
  }
  return {{"name", facts.domain.name},      {"uuid", facts.domain.uuid},
          {"connection", facts.connection}, {"kind", model::to_string(facts.domain.kind)},
          {"arch", facts.domain.arch},      {"memory_bytes", facts.domain.memory.value},
          {"vcpus", facts.domain.vcpus},    {"uefi", facts.domain.uefi},
          {"disks", std::move(disks)},      {"nics", std::move(nics)}};
}

Json guest_json(const model::GuestFacts& guest) {
  Json filesystems = Json::array();
  for (const model::Filesystem& fs : guest.filesystems) {
    filesystems.push_back({{"device", fs.device},
                           {"type", fs.type},
                           {"uuid", fs.uuid},
                           {"label", fs.label},
                           {"size_bytes", fs.size.value},
                           {"mountpoint", fs.mountpoint}});
  }
  Json kernels = Json::array();
  for (const model::Kernel& kernel : guest.kernels) {
    kernels.push_back({{"version", kernel.version}, {"image", kernel.image}});
  }
  return {{"os_name", guest.os_name},   {"distribution", guest.distribution},
          {"arch", guest.arch},         {"init", guest.init},
          {"hostname", guest.hostname}, {"root_device", guest.root_device},
          {"kernels", kernels},         {"filesystems", filesystems}};
}

}  // namespace

std::string to_site_json(const SiteFacts& facts) {
  Json findings = Json::array();
  for (const model::Finding& finding : facts.findings) {
    findings.push_back({{"id", finding.id},
                        {"severity", model::to_string(finding.severity)},
                        {"message", finding.message}});
  }
  const Json json = {{"version", 1},
                     {"phase", facts.guest == nullptr ? "outside" : "inside"},
                     {"source", source_json(facts)},
                     {"target",
                      {{"name", facts.name},
                       {"to", model::to_string(facts.to)},
                       {"connection", facts.target_uri},
                       {"first_disk", facts.place}}},
                     {"guest", facts.guest == nullptr ? Json() : guest_json(*facts.guest)},
                     {"findings", std::move(findings)}};
  // Bytes of the guest that are no UTF-8 become U+FFFD.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

model::Findings parse_site_findings(const std::string& text, const fs::path& file) {
  constexpr int k_deepest = 8;
  // Nesting costs the parser's stack: deeper values are dropped as they come.
  const Json json = Json::parse(
      text, [](int depth, Json::parse_event_t, Json&) { return depth <= k_deepest; }, false);
  if (json.is_discarded()) {
    broken(file, "printed no JSON");
  }
  const auto list = json.is_object() ? json.find("findings") : json.end();
  if (!json.is_object() || list == json.end() || !list->is_array()) {
    broken(file, "printed no object with an array named findings");
  }
  if (list->size() > k_most_findings) {
    broken(file, fmt::format("printed {} findings; {} are allowed", list->size(), k_most_findings));
  }
  model::Findings findings;
  for (const Json& entry : *list) {
    if (!entry.is_object()) {
      broken(file, "printed a finding that is no object");
    }
    model::Finding finding;
    finding.id = text_of(entry, "id", file);
    if (!is_site_id(finding.id)) {
      broken(file, fmt::format("printed the id '{}'; ids are site- and then small letters, digits "
                               "and dashes, 64 characters at most",
                               finding.id.substr(0, 80)));
    }
    finding.severity = severity_of(entry, file);
    finding.message = text_of(entry, "message", file);
    finding.remedy = text_of(entry, "remedy", file);
    findings.push_back(std::move(finding));
  }
  return findings;
}

model::Findings run_site_checks(const fs::path& folder, const std::string& facts,
                                CommandRunner& commands) {
  model::Findings findings;
  for (const fs::path& program : programs_in(folder)) {
    require_private(program);
    log_detail(fmt::format("site check {}", program.string()));
    for (model::Finding& finding :
         parse_site_findings(output_of(program, facts, commands), program)) {
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

}  // namespace vmconvert::job
