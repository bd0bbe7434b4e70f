#include "host/lvm_report.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(std::string_view why) {
  throw Error(ErrorKind::tool_failed, fmt::format("the report of lvm is not as expected: {}", why));
}

// All rows of {"report": [{KIND: [{...}, ...]}, ...]}.
std::vector<Json> rows_of(const std::string& text, const char* kind) {
  const Json document = Json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("report") || !document["report"].is_array()) {
    refuse("it is no JSON with a report");
  }
  std::vector<Json> rows;
  for (const Json& part : document["report"]) {
    if (!part.is_object() || !part.contains(kind) || !part[kind].is_array()) {
      refuse(fmt::format("it has no list {}", kind));
    }
    rows.insert(rows.end(), part[kind].begin(), part[kind].end());
  }
  return rows;
}

std::string text_of(const Json& row, const char* field) {
  if (!row.is_object() || !row.contains(field) || !row[field].is_string()) {
    refuse(fmt::format("a row has no text {}", field));
  }
  return row[field].get<std::string>();
}

std::uint64_t number_of(const Json& row, const char* field) {
  const std::string text = text_of(row, field);
  const auto number = parse_number(text);
  if (!number) {
    refuse(fmt::format("{} is '{}', which is no number", field, printable(text)));
  }
  return *number;
}

ByteCount bytes_of(const Json& row, const char* field) {
  return {number_of(row, field)};
}

// "7.81"; empty when the kernel was not asked.
std::optional<double> percent_of(const Json& row, const char* field) {
  const std::string text = text_of(row, field);
  if (text.empty()) {
    return std::nullopt;
  }
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc() || stopped != end || !(value >= 0 && value <= 100)) {
    refuse(fmt::format("{} is '{}', which is no percentage", field, printable(text)));
  }
  return value;
}

VolumeGroup group_of(const Json& row) {
  VolumeGroup group;
  group.name = text_of(row, "vg_name");
  group.uuid = text_of(row, "vg_uuid");
  group.extent_size = bytes_of(row, "vg_extent_size");
  group.size = bytes_of(row, "vg_size");
  group.free = bytes_of(row, "vg_free");
  group.extents = number_of(row, "vg_extent_count");
  group.free_extents = number_of(row, "vg_free_count");
  group.writable = text_of(row, "vg_permissions") == "writeable";
  group.exported = !text_of(row, "vg_exported").empty();
  group.partial = !text_of(row, "vg_partial").empty();
  if (group.extent_size.value == 0) {
    refuse("an extent of 0 bytes");
  }
  return group;
}

VolumeRow volume_of_row(const Json& row) {
  VolumeRow found;
  LogicalVolume& volume = found.volume;
  volume.name = {text_of(row, "vg_name"), text_of(row, "lv_name")};
  volume.uuid = text_of(row, "lv_uuid");
  volume.size = bytes_of(row, "lv_size");
  volume.attributes = parse_attributes(text_of(row, "lv_attr"));
  volume.path = text_of(row, "lv_path");
  if (const std::string tags = text_of(row, "lv_tags"); !tags.empty()) {
    volume.tags = split(tags, ',');
  }
  volume.origin = text_of(row, "origin");
  volume.pool = text_of(row, "pool_lv");
  volume.segment_type = text_of(row, "segtype");
  volume.data_percent = percent_of(row, "data_percent");
  if (volume.segment_type == k_thin_pool_type) {
    found.pool = {volume.name,
                  volume.uuid,
                  volume.size,
                  bytes_of(row, "lv_metadata_size"),
                  bytes_of(row, "chunk_size"),
                  volume.data_percent,
                  percent_of(row, "metadata_percent"),
                  text_of(row, "zero") == "zero",
                  volume.attributes.healthy};
    if (found.pool.chunk_size.value == 0) {
      refuse("a thin pool with chunks of 0 bytes");
    }
  }
  return found;
}

char at_or_unknown(std::string_view text, std::size_t at) {
  return at < text.size() ? text[at] : '?';
}

}  // namespace

VolumeAttributes parse_attributes(std::string_view text) {
  // lvs(8), "lv_attr bits": 1 type, 2 permissions, 5 state, 6 device open, 9 health.
  constexpr std::string_view k_active_states = "asISmMdicC";
  VolumeAttributes found;
  found.type = at_or_unknown(text, 0);
  const char permissions = at_or_unknown(text, 1);
  found.writable = permissions == 'w'                         ? Truth::yes
                   : permissions == 'r' || permissions == 'R' ? Truth::no
                                                              : Truth::unknown;
  const char state = at_or_unknown(text, 4);
  found.active = k_active_states.find(state) != k_active_states.npos ? Truth::yes
                 : state == '-'                                      ? Truth::no
                                                                     : Truth::unknown;
  found.invalid_snapshot = state == 'I' || state == 'S';
  const char open = at_or_unknown(text, 5);
  found.open = open == 'o' ? Truth::yes : open == '-' ? Truth::no : Truth::unknown;
  // X: LVM could not ask. Anything else names a fault: F failed, D out of data, M metadata, p
  // partial.
  const char health = at_or_unknown(text, 8);
  found.healthy = health == '-'                    ? Truth::yes
                  : health == 'X' || health == '?' ? Truth::unknown
                                                   : Truth::no;
  return found;
}

std::vector<VolumeGroup> parse_groups(const std::string& json) {
  std::vector<VolumeGroup> groups;
  for (const Json& row : rows_of(json, "vg")) {
    groups.push_back(group_of(row));
  }
  return groups;
}

std::vector<VolumeRow> parse_volumes(const std::string& json) {
  std::vector<VolumeRow> volumes;
  for (const Json& row : rows_of(json, "lv")) {
    volumes.push_back(volume_of_row(row));
  }
  return volumes;
}

}  // namespace vmconvert::host
