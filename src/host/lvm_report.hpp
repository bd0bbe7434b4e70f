// Reads what `lvm vgs` and `lvm lvs` print with --reportformat json --units b --nosuffix: every
// value is text there. Pure; Error(tool_failed) for a report that is not of that shape.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/lvm.hpp"

namespace vmconvert::host {

// For -o; the parsers below need exactly these.
inline constexpr const char* k_group_fields =
    "vg_name,vg_uuid,vg_size,vg_free,vg_extent_size,vg_extent_count,vg_free_count,vg_permissions,"
    "vg_exported,vg_partial";
inline constexpr const char* k_volume_fields =
    "lv_uuid,lv_name,vg_name,lv_size,lv_attr,lv_path,lv_tags,origin,pool_lv,data_percent,"
    "metadata_percent,chunk_size,lv_metadata_size,zero,segtype";

inline constexpr const char* k_thin_pool_type = "thin-pool";  // as LogicalVolume::segment_type

std::vector<VolumeGroup> parse_groups(const std::string& json);

struct VolumeRow {
  LogicalVolume volume;
  // Of a thin pool; the name and the like are those of the volume.
  ThinPool pool = {};
};
std::vector<VolumeRow> parse_volumes(const std::string& json);

// "owi-aos---". Characters that we do not know, X among them, and missing ones mean "unknown".
VolumeAttributes parse_attributes(std::string_view text);

}  // namespace vmconvert::host
