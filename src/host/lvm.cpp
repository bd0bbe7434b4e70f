#include "host/lvm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/text.hpp"
#include "host/lvm_report.hpp"

namespace vmconvert::host {
namespace {

CommandResult report(CommandRunner& commands, const char* which, const char* fields,
                     const std::vector<std::string>& more) {
  std::vector<std::string> words = {which, "--reportformat", "json", "--units",
                                    "b",   "--nosuffix",     "-o",   fields};
  words.insert(words.end(), more.begin(), more.end());
  return lvm::ask(commands, std::move(words));
}

// A group that is broken makes vgs exit with 5, with the others in its report all the same.
std::vector<VolumeGroup> all_groups(CommandRunner& commands) {
  const CommandResult result = report(commands, "vgs", k_group_fields, {});
  try {
    return parse_groups(result.out);
  } catch (const Error&) {
    if (result.exit_code == 0) {
      throw;
    }
    throw Error(ErrorKind::tool_failed,
                fmt::format("listing the volume groups: lvm ended with {}: {}", result.exit_code,
                            lvm::why(result)));
  }
}

std::string names_of(const std::vector<VolumeGroup>& groups) {
  std::vector<std::string> names;
  names.reserve(groups.size());
  for (const VolumeGroup& group : groups) {
    names.push_back(printable(group.name));
  }
  return names.empty() ? "this host has none" : "this host has " + join(names, ", ");
}

std::optional<VolumeRow> row_of(CommandRunner& commands, const VolumeName& name) {
  if (!is_lvm_name(name.group) || !is_lvm_name(name.volume)) {
    static_cast<void>(volume_group(commands, name.group));  // says that there is no such group
    return std::nullopt;
  }
  // The name holds no quote: is_lvm_name().
  const CommandResult result =
      report(commands, "lvs", k_volume_fields,
             {"--select", fmt::format("lv_name=\"{}\"", name.volume), "--", name.group});
  if (result.exit_code != 0) {
    static_cast<void>(volume_group(commands, name.group));
    throw Error(ErrorKind::tool_failed,
                fmt::format("asking for the volume {}: lvm ended with {}: {}", to_text(name),
                            result.exit_code, lvm::why(result)));
  }
  for (VolumeRow& row : parse_volumes(result.out)) {
    if (row.volume.name == name) {
      return std::move(row);
    }
  }
  return std::nullopt;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) {
    digits.insert(at - 3, ",");
  }
  return digits;
}

// Extents are powers of two, so "4 MiB" says all.
std::string extent_text(ByteCount size) {
  for (const auto& [unit, name] : {std::pair(k_gib, "GiB"), {k_mib, "MiB"}, {k_kib, "KiB"}}) {
    if (size.value >= unit && size.value % unit == 0) {
      return fmt::format("{} {}", size.value / unit, name);
    }
  }
  return fmt::format("{} bytes", size.value);
}

ByteCount sum(std::span<const ByteCount> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), ByteCount{});
}

// LVM prints two digits: what is free may be less than it seems by half of the last one.
ByteCount free_of(ByteCount size, double used_percent) {
  constexpr double k_print_error = 0.005;
  const double free = std::max(0.0, 100.0 - used_percent - k_print_error) / 100.0;
  return {static_cast<std::uint64_t>(std::floor(static_cast<double>(size.value) * free))};
}

}  // namespace

namespace lvm {
namespace {

CommandResult run(CommandRunner& commands, std::vector<std::string> words, Ending ending) {
  words.insert(words.begin(), "lvm");
  // Whoever started us may have left descriptors open: LVM's warning about them helps nobody.
  return commands.run({.argv = std::move(words),
                       .stdin_text = {},
                       .timeout = {},
                       .environment = {{"LVM_SUPPRESS_FD_WARNINGS", "1"}},
                       .ending = ending});
}

}  // namespace

CommandResult ask(CommandRunner& commands, std::vector<std::string> words) {
  return run(commands, std::move(words), Ending::with_us);
}

CommandResult change(CommandRunner& commands, std::vector<std::string> words) {
  return run(commands, std::move(words), Ending::by_itself);
}

std::string why(const CommandResult& result) {
  std::vector<std::string> kept;
  for (const std::string& line : lines(result.err)) {
    const std::string_view text = trim(line);
    if (!text.empty() && !text.starts_with("WARNING:") && !text.starts_with("Run `")) {
      kept.push_back(printable(text));
    }
  }
  return kept.empty() ? "it does not say why" : join(kept, "; ");
}

}  // namespace lvm

std::vector<VolumeGroup> volume_groups(CommandRunner& commands) {
  return find_program("lvm") ? all_groups(commands) : std::vector<VolumeGroup>();
}

ByteCount provisioned_in(CommandRunner& commands, const VolumeName& pool) {
  const CommandResult result = report(commands, "lvs", k_volume_fields, {"--", pool.group});
  if (result.exit_code != 0) {
    throw Error(ErrorKind::tool_failed,
                fmt::format("listing the volumes of {}: lvm ended with {}: {}", pool.group,
                            result.exit_code, lvm::why(result)));
  }
  ByteCount total;
  for (const VolumeRow& row : parse_volumes(result.out)) {
    if (row.volume.pool == pool.volume) {
      total = total + row.volume.size;
    }
  }
  return total;
}

VolumeGroup volume_group(CommandRunner& commands, const std::string& name) {
  const std::vector<VolumeGroup> groups = all_groups(commands);
  const auto same = [&](const VolumeGroup& group) { return group.name == name; };
  const auto found = std::find_if(groups.begin(), groups.end(), same);
  if (found == groups.end()) {
    throw Error(ErrorKind::not_found, fmt::format("there is no volume group {}", printable(name)),
                names_of(groups));
  }
  if (std::count_if(groups.begin(), groups.end(), same) > 1) {
    throw Error(ErrorKind::bad_input,
                fmt::format("this host has more than one volume group {}", printable(name)),
                "rename one of them: vgrename UUID NAME");
  }
  return *found;
}

bool group_exists(CommandRunner& commands, const std::string& name) {
  const std::vector<VolumeGroup> groups = all_groups(commands);
  return std::any_of(groups.begin(), groups.end(),
                     [&](const VolumeGroup& group) { return group.name == name; });
}

std::optional<LogicalVolume> logical_volume(CommandRunner& commands, const VolumeName& name) {
  auto row = row_of(commands, name);
  return row ? std::optional(std::move(row->volume)) : std::nullopt;
}

std::optional<ThinPool> thin_pool(CommandRunner& commands, const VolumeName& name) {
  auto row = row_of(commands, name);
  if (!row) {
    return std::nullopt;
  }
  if (row->volume.segment_type != k_thin_pool_type) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} is no thin pool but a volume of type {}", to_text(name),
                            printable(row->volume.segment_type)),
                "'lvs -o lv_name,segtype' shows the pools");
  }
  return std::move(row->pool);
}

std::uint64_t extents_for(ByteCount size, ByteCount extent_size) {
  return round_up(size, extent_size).value / extent_size.value;
}

ByteCount round_up_to_extents(ByteCount size, ByteCount extent_size) {
  return round_up(size, extent_size);
}

std::string to_text_in_extents(ByteCount size, ByteCount extent_size) {
  const std::uint64_t count = extents_for(size, extent_size);
  return fmt::format("{} bytes = {} extent{} of {}", grouped(size.value), grouped(count),
                     count == 1 ? "" : "s", extent_text(extent_size));
}

void require_room(const VolumeGroup& group, std::span<const ByteCount> disks) {
  if (group.exported || group.partial || !group.writable) {
    throw Error(
        ErrorKind::bad_input,
        fmt::format("nothing can be made in the volume group {}: it {}", printable(group.name),
                    group.exported  ? "is exported"
                    : group.partial ? "lacks a physical volume"
                                    : "is read-only"),
        "see 'vgs -v'");
  }
  ByteCount needed;
  for (const ByteCount disk : disks) {
    needed = needed + round_up_to_extents(disk, group.extent_size);
  }
  if (extents_for(needed, group.extent_size) > group.free_extents) {
    throw Error(ErrorKind::io,
                fmt::format("the volume group {} is too full: needed are {}, free are {}",
                            printable(group.name), to_text_in_extents(needed, group.extent_size),
                            grouped(group.free_extents)),
                "extend the group (vgextend), remove what nobody needs, or choose another one");
  }
}

void require_room(const ThinPool& pool, std::span<const ByteCount> written) {
  const std::string name = to_text(pool.name);
  if (!pool.data_percent || !pool.metadata_percent) {
    throw Error(ErrorKind::io, fmt::format("the thin pool {} is not active", name),
                fmt::format("activate it: lvchange -ay {}", name));
  }
  if (pool.healthy == Truth::no) {
    throw Error(ErrorKind::io, fmt::format("the thin pool {} is not healthy", name),
                fmt::format("see 'lvs -o +lv_health_status {}'", name));
  }
  // A disk's last chunk counts in full; each chunk takes at most 64 bytes of metadata's trees.
  constexpr std::uint64_t k_metadata_of_chunk = 64;
  std::vector<ByteCount> rounded;
  rounded.reserve(written.size());
  for (const ByteCount bytes : written) {
    rounded.push_back(round_up(bytes, pool.chunk_size));
  }
  const ByteCount needed = sum(rounded);
  const ByteCount free = free_of(pool.size, *pool.data_percent);
  if (needed > free) {
    throw Error(ErrorKind::io,
                fmt::format("the thin pool {} is too full: {} bytes will be written, {} are free",
                            name, grouped(needed.value), grouped(free.value)),
                fmt::format("extend it: lvextend -L +SIZE {}", name));
  }
  const ByteCount metadata{needed.value / pool.chunk_size.value * k_metadata_of_chunk};
  const ByteCount metadata_free = free_of(pool.metadata_size, *pool.metadata_percent);
  if (metadata > metadata_free) {
    throw Error(
        ErrorKind::io,
        fmt::format("the thin pool {} has too little metadata: up to {} bytes of it will be "
                    "needed, {} are free",
                    name, grouped(metadata.value), grouped(metadata_free.value)),
        fmt::format("extend it: lvextend --poolmetadatasize +SIZE {}", name));
  }
}

}  // namespace vmconvert::host
