#include "host/new_volume.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "host/lvm.hpp"

namespace vmconvert::host {
namespace {

constexpr std::chrono::milliseconds k_look_again(20);

std::string random_id() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
    throw_errno(errno, "asking the kernel for a random number");
  }
  return fmt::format("{:016x}", number);
}

std::vector<std::string> tags_for(const VolumeOrigin& from, const std::string& id_tag) {
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  std::vector<std::string> tags = {
      "vmconvert", id_tag, fmt::format("vmconvert.time={:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now))};
  if (!from.job.empty()) {
    tags.push_back(job_tag(from.job));
  }
  if (!from.source.empty()) {
    tags.push_back(to_tag("vmconvert.source=" + from.source));
  }
  return tags;
}

bool has_tag(const LogicalVolume& volume, const std::string& tag) {
  return std::find(volume.tags.begin(), volume.tags.end(), tag) != volume.tags.end();
}

[[noreturn]] void throw_exists(const VolumeName& name) {
  throw Error(ErrorKind::bad_input, fmt::format("the volume {} exists already", to_text(name)),
              "choose another name with --name, or remove it if nobody needs it");
}

void require_absent(CommandRunner& commands, const VolumeName& name) {
  require_valid_name(name);
  if (logical_volume(commands, name)) {
    throw_exists(name);
  }
}

// udev makes the node; it may be a moment behind, or a link of a volume that had the name before.
void wait_for_device(const VolumeName& name, std::chrono::milliseconds limit,
                     CommandRunner& commands) {
  const std::filesystem::path path = device_path(name);
  const auto end = std::chrono::steady_clock::now() + limit;
  while (true) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode) &&
        volume_of(commands, path) == name) {
      return;
    }
    throw_if_interrupted();
    if (std::chrono::steady_clock::now() >= end) {
      throw Error(ErrorKind::io,
                  fmt::format("the device {} of a new volume did not appear within {} ms",
                              printable(path.string()), limit.count()),
                  "see whether udev runs, and what 'vgmknodes' and 'lvs' say");
    }
    std::this_thread::sleep_for(k_look_again);
  }
}

OwnedVolume::Order order_for(const NewVolumeRequest& request, CommandRunner& commands) {
  const VolumeName& name = request.name;
  const VolumeGroup group = volume_group(commands, name.group);
  require_absent(commands, name);
  if (request.size.value == 0) {
    throw Error(ErrorKind::bad_input, fmt::format("a volume {} of 0 bytes", to_text(name)));
  }
  OwnedVolume::Order order{name, {}, name.group, request.from, request.device_timeout};
  if (!request.thin_pool) {
    require_room(group, std::array{request.size});
    order.words = {
        "--type",           "linear",
        "--extents",        fmt::format("{}", extents_for(request.size, group.extent_size)),
        "--activate",       "y",
        "--zero",           "y",
        "--wipesignatures", "y"};
    return order;
  }
  require_room(group, {});
  const VolumeName pool{name.group, *request.thin_pool};
  if (!thin_pool(commands, pool)) {
    throw Error(ErrorKind::not_found, fmt::format("there is no thin pool {}", to_text(pool)),
                fmt::format("'lvs {}' shows what is there", printable(name.group)));
  }
  order.words = {"--type",
                 "thin",
                 "--thinpool",
                 pool.volume,
                 "--virtualsize",
                 fmt::format("{}b", round_up_to_extents(request.size, group.extent_size).value),
                 "--activate",
                 "y"};
  return order;
}

OwnedVolume::Order order_for(const SnapshotRequest& request, CommandRunner& commands) {
  const VolumeGroup group = volume_group(commands, request.origin.group);
  const auto origin = logical_volume(commands, request.origin);
  const std::string named = to_text(request.origin);
  if (!origin) {
    throw Error(ErrorKind::not_found, fmt::format("there is no volume {}", named),
                fmt::format("'lvs {}' shows what is there", printable(request.origin.group)));
  }
  const bool thin = !origin->pool.empty();
  if (origin->path.empty() || (!thin && !origin->origin.empty())) {
    throw Error(
        ErrorKind::bad_input,
        fmt::format("there is no snapshot of {}: it is a snapshot or a pool itself", named));
  }
  if (origin->attributes.active == Truth::no) {
    throw Error(ErrorKind::bad_input, fmt::format("the volume {} is not active", named),
                fmt::format("activate it: lvchange -ay {}", named));
  }
  const VolumeName name{request.origin.group, request.name};
  require_absent(commands, name);
  const std::filesystem::path source = device_path(request.origin);
  OwnedVolume::Order order{name,
                           {"--snapshot", "--permission", "r"},
                           request.origin.group + "/" + request.origin.volume,
                           {request.job, source.string()},
                           request.device_timeout};
  if (thin) {
    order.words.insert(order.words.end(), {"--setactivationskip", "n"});
  } else {
    require_room(group, std::array{request.size});
    order.words.insert(
        order.words.end(),
        {"--extents", fmt::format("{}", extents_for(request.size, group.extent_size))});
  }
  return order;
}

}  // namespace

std::string job_tag(const std::string& job) {
  return to_tag("vmconvert.job=" + job);
}

OwnedVolume::OwnedVolume(const Order& order, CommandRunner& commands)
    : m_commands(&commands), m_name(order.name), m_id_tag("vmconvert.id=" + random_id()) {
  try {
    create(order);
  } catch (...) {
    remove();  // the destructor is not called
    throw;
  }
}

OwnedVolume::OwnedVolume(OwnedVolume&& other) noexcept
    : m_commands(std::exchange(other.m_commands, nullptr)),
      m_name(std::move(other.m_name)),
      m_id_tag(std::move(other.m_id_tag)),
      m_uuid(std::move(other.m_uuid)),
      m_size(other.m_size) {}

void OwnedVolume::create(const Order& order) {
  std::vector<std::string> words = {"lvcreate", "--yes", "--name", m_name.volume};
  words.insert(words.end(), order.words.begin(), order.words.end());
  for (const std::string& tag : tags_for(order.from, m_id_tag)) {
    words.insert(words.end(), {"--addtag", tag});
  }
  words.insert(words.end(), {"--", order.operand});
  const CommandResult result = lvm::change(*m_commands, std::move(words));
  const auto made = logical_volume(*m_commands, m_name);
  if (made && !has_tag(*made, m_id_tag)) {
    throw_exists(m_name);  // somebody was quicker
  }
  if (result.exit_code != 0 || !made) {
    throw Error(ErrorKind::tool_failed,
                fmt::format("making the volume {}: lvcreate ended with {}: {}", to_text(m_name),
                            result.exit_code, lvm::why(result)));
  }
  m_uuid = made->uuid;
  m_size = made->size;
  wait_for_device(m_name, order.device_timeout, *m_commands);
}

void OwnedVolume::remove() noexcept {
  if (m_commands == nullptr) {
    return;
  }
  CommandRunner& commands = *std::exchange(m_commands, nullptr);
  // LVM selects and removes under its lock of the group. Without UUID lvcreate was cut short, and
  // what it made, if anything, has the tag.
  const std::string tag = fmt::format("lv_tags=\"{}\"", m_id_tag);
  const std::string which = m_uuid.empty() ? tag : fmt::format("lv_uuid=\"{}\" && {}", m_uuid, tag);
  try {
    const CommandResult result =
        lvm::change(commands, {"lvremove", "--yes", "--select", which, "--", m_name.group});
    if (result.exit_code != 0) {
      log_warning(
          fmt::format("the volume {} could not be removed: {}; do it by hand: lvremove "
                      "--select '{}' {}",
                      to_text(m_name), lvm::why(result), which, m_name.group));
    }
  } catch (const std::exception& error) {
    log_warning(
        fmt::format("the volume {} could not be removed: {}", to_text(m_name), error.what()));
  }
}

NewVolume::NewVolume(const NewVolumeRequest& request, CommandRunner& commands)
    : m_volume(order_for(request, commands), commands), m_path(device_path(request.name)) {}

Snapshot::Snapshot(const SnapshotRequest& request, CommandRunner& commands)
    : m_commands(commands),
      m_volume(order_for(request, commands), commands),
      m_path(device_path(m_volume.name())) {}

void require_intact_snapshot(CommandRunner& commands, const VolumeName& name,
                             const std::string& uuid) {
  const auto row = logical_volume(commands, name);
  const bool ours = row && row->uuid == uuid;
  if (ours && !row->attributes.invalid_snapshot) {
    return;
  }
  throw Error(ErrorKind::io,
              fmt::format("the snapshot {} {}", to_text(name),
                          ours ? "overflowed: more was written to its origin than it has room for"
                               : "is gone"),
              "take a larger one, or convert when the guest writes less or is shut down");
}

}  // namespace vmconvert::host
