#include "report/guest_json.hpp"

#include <algorithm>

#include "report/json.hpp"
#include "report/json_values.hpp"

namespace vmconvert::report {
namespace {

using Json = nlohmann::ordered_json;
using model::GuestRecord;

}  // namespace

Json to_object(const GuestRecord& record) {
  Json milestones = Json::object();
  for (std::size_t i = 0; i < model::k_milestones; ++i) {
    std::string name = model::to_string(static_cast<model::Milestone>(i));
    std::replace(name.begin(), name.end(), ' ', '_');
    milestones[name] = time_or_null(record.reached.at(i));
  }
  Json json = {{"batch", text_or_null(record.batch)},
               {"guest", record.guest},
               {"source", record.source},
               {"connect", text_or_null(record.connect)},
               {"group", text_or_null(record.group)},
               {"order", record.order},
               {"state", model::to_string(record.standing)},
               {"milestones", std::move(milestones)},
               {"job", text_or_null(record.job)},
               {"exit_code", record.exit_code},
               {"error", text_or_null(record.error)},
               {"attempts", record.attempts},
               {"started", time_or_null(record.started)},
               {"ended", time_or_null(record.ended)},
               {"size_bytes", record.measure.size.value},
               {"moved_bytes", record.measure.to_move.value},
               {"skipped_bytes", record.measure.skipped.value},
               {"move_seconds", record.measure.move_seconds},
               {"other_seconds", record.measure.other_seconds},
               {"progress", nullptr}};
  if (record.standing == model::Standing::running) {
    const model::GuestProgress& progress = record.progress;
    json["progress"] = {
        {"stage", text_or_null(progress.stage)},
        {"what", text_or_null(progress.what)},
        {"done", progress.done.value},
        {"total", progress.total.value},
        {"bytes_per_second", progress.bytes_per_second},
        {"seconds_left", progress.seconds_left < 0 ? Json(nullptr) : Json(progress.seconds_left)},
        {"heartbeat", record.heartbeat}};
  }
  return json;
}

std::string guests_to_json(const std::vector<GuestRecord>& guests) {
  Json list = Json::array();
  for (const GuestRecord& record : guests) {
    list.push_back(to_object(record));
  }
  const Json json = {{"version", k_json_version}, {"guests", std::move(list)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vmconvert::report
