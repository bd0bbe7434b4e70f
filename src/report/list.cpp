#include "report/list.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "report/guest_json.hpp"
#include "report/json.hpp"
#include "report/json_values.hpp"

namespace vmconvert::report {
namespace {

using Json = nlohmann::ordered_json;
using model::Standing;

// The milestone says how far it is; the standing only where it says more than that.
std::string conversion_text(const ListedDomain& domain) {
  if (!domain.conversion) {
    return "-";
  }
  const model::GuestRecord& record = *domain.conversion;
  const bool plain = record.standing == Standing::waiting || record.standing == Standing::done;
  return plain ? milestone_text(record)
               : fmt::format("{}, {}", milestone_text(record), model::to_string(record.standing));
}

}  // namespace

std::string milestone_text(const model::GuestRecord& record) {
  const auto furthest = record.furthest();
  return furthest ? fmt::format("{} {:%Y-%m-%d}", model::to_string(*furthest),
                                fmt::localtime(record.time_of(*furthest)))
                  : "-";
}

std::string to_json(const std::vector<ListedDomain>& domains) {
  Json json = {{"version", k_json_version}, {"guests", Json::array()}};
  for (const auto& domain : domains) {
    Json item = {{"name", domain.name},
                 {"uuid", text_or_null(domain.uuid)},
                 {"state", domain.state},
                 {"disks", Json::array()},
                 {"problem", text_or_null(domain.problem)},
                 {"conversion", domain.conversion ? to_object(*domain.conversion) : Json(nullptr)}};
    for (std::size_t i = 0; i < domain.disks.size(); ++i) {
      const auto& size = domain.sizes.at(i);
      item["disks"].push_back({{"target", domain.disks[i].target},
                               {"source", text_or_null(domain.disks[i].source.string())},
                               {"format", model::to_string(domain.disks[i].format)},
                               {"size_bytes", size ? Json(size->value) : Json(nullptr)}});
    }
    json["guests"].push_back(std::move(item));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string to_text_table(const std::vector<ListedDomain>& domains) {
  std::size_t wide = 10;  // CONVERSION
  for (const ListedDomain& domain : domains) {
    wide = std::max(wide, conversion_text(domain).size());
  }
  std::string text = fmt::format("{:<24} {:<9} {:<{}} {:<7} {:>12}  {}\n", "NAME", "STATE",
                                 "CONVERSION", wide, "DISK", "SIZE", "SOURCE");
  for (const ListedDomain& domain : domains) {
    std::string name = printable(domain.name);
    std::string state = domain.state;
    std::string conversion = conversion_text(domain);
    if (domain.disks.empty()) {
      text += fmt::format("{:<24} {:<9} {:<{}} {}\n", name, state, conversion, wide,
                          domain.problem.empty() ? "(no disk)" : printable(domain.problem));
    }
    for (std::size_t i = 0; i < domain.disks.size(); ++i) {
      const model::DomainDisk& disk = domain.disks[i];
      text += fmt::format("{:<24} {:<9} {:<{}} {:<7} {:>12}  {}\n", name, state, conversion, wide,
                          disk.target, domain.sizes[i] ? to_text(*domain.sizes[i]) : "-",
                          disk.source.empty() ? "(empty)" : printable(disk.source.string()));
      name.clear();
      state.clear();
      conversion.clear();
    }
  }
  return text;
}

}  // namespace vmconvert::report
