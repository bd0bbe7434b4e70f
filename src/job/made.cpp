#include "job/made.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.hpp"
#include "host/libvirt.hpp"
#include "host/lvm.hpp"
#include "host/new_volume.hpp"
#include "job/state_json.hpp"

namespace vmconvert::job {
namespace {

using Json = nlohmann::json;

template <class... Bodies>
struct Overloaded : Bodies... {
  using Bodies::operator()...;
};
template <class... Bodies>
Overloaded(Bodies...) -> Overloaded<Bodies...>;

// `fd`: of the file itself, or AT_FDCWD.
std::optional<MadeFile> look(const std::filesystem::path& path, int fd = AT_FDCWD) {
  struct statx status {};
  const bool open = fd != AT_FDCWD;
  if (::statx(fd, open ? "" : path.c_str(), open ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW,
              STATX_BASIC_STATS | STATX_BTIME, &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::nullopt;
    }
    throw_errno(errno, fmt::format("looking at {}", path.string()));
  }
  MadeFile file;
  file.path = path;
  file.device = makedev(status.stx_dev_major, status.stx_dev_minor);
  file.inode = status.stx_ino;
  if ((status.stx_mask & STATX_BTIME) != 0) {
    file.born_ns = status.stx_btime.tv_sec * std::int64_t{1'000'000'000} +
                   static_cast<std::int64_t>(status.stx_btime.tv_nsec);
  }
  return file;
}

Presence presence(const MadeFile& file) {
  const auto found = look(file.path);
  // A device number may change with a reboot; inode and birth do not.
  return !found ? Presence::gone
         : found->inode == file.inode && found->born_ns == file.born_ns &&
                 (file.born_ns != 0 || found->device == file.device)
             ? Presence::same
             : Presence::other;
}

Presence presence(const MadeVolume& volume, CommandRunner& commands) {
  if (!host::group_exists(commands, volume.group)) {
    return Presence::gone;
  }
  const auto found = host::logical_volume(commands, {volume.group, volume.name});
  if (!found) {
    return Presence::gone;
  }
  const std::string tag = host::job_tag(volume.job);
  const bool same = volume.uuid.empty() ? std::find(found->tags.begin(), found->tags.end(), tag) !=
                                              found->tags.end()
                                        : found->uuid == volume.uuid;
  return same ? Presence::same : Presence::other;
}

Presence presence(const MadeDomain& domain) {
  const host::Connection connection = host::Connection::open(domain.uri, host::Access::read_only);
  for (const host::DomainSummary& found : connection.list()) {
    if (found.uuid == domain.uuid) {
      return found.name == domain.name ? Presence::same : Presence::other;
    }
  }
  return Presence::gone;
}

}  // namespace

std::optional<MadeDisk> disk_of(const Made& made) {
  if (const auto* file = std::get_if<MadeFile>(&made); file != nullptr && !file->disk.empty()) {
    return MadeDisk{file->disk, file->path, file->format};
  }
  if (const auto* volume = std::get_if<MadeVolume>(&made);
      volume != nullptr && !volume->disk.empty()) {
    return MadeDisk{volume->disk, host::device_path({volume->group, volume->name})};
  }
  return std::nullopt;
}

MadeFile identify_file(const std::filesystem::path& path) {
  const auto file = look(path);
  if (!file) {
    throw Error(ErrorKind::io, fmt::format("{} is not there", path.string()));
  }
  return *file;
}

MadeFile identify_file(int fd, const std::filesystem::path& path) {
  return look(path, fd).value();
}

Presence look_for(const Made& made, CommandRunner& commands) {
  return std::visit(Overloaded{[](const MadeFile& file) { return presence(file); },
                               [&](const MadeVolume& volume) { return presence(volume, commands); },
                               [](const MadeDomain& domain) { return presence(domain); }},
                    made);
}

void remove(const Made& made, CommandRunner& commands) {
  if (look_for(made, commands) != Presence::same) {
    return;
  }
  std::visit(
      Overloaded{[](const MadeFile& file) {
                   if (::unlink(file.path.c_str()) != 0 && errno != ENOENT) {
                     throw_errno(errno, fmt::format("removing {}", file.path.string()));
                   }
                 },
                 [&](const MadeVolume& volume) {
                   const std::string name = volume.group + "/" + volume.name;
                   const CommandResult result =
                       host::lvm::change(commands, {"lvremove", "--yes", "--", name});
                   if (result.exit_code != 0) {
                     throw Error(
                         ErrorKind::tool_failed,
                         fmt::format("removing the volume {}: {}", name, host::lvm::why(result)),
                         "see who has it open (lsof, dmsetup ls --tree), then try "
                         "again");
                   }
                 },
                 [](const MadeDomain& domain) {
                   host::Connection connection =
                       host::Connection::open(domain.uri, host::Access::read_write);
                   if (connection.is_active(domain.name)) {
                     throw Error(ErrorKind::refused,
                                 fmt::format("the domain {} runs on {}", domain.name, domain.uri),
                                 "shut it down first: its disks are about to be removed");
                   }
                   connection.undefine(domain.uuid);
                 }},
      made);
}

std::string describe(const Made& made) {
  return std::visit(Overloaded{[](const MadeFile& file) { return file.path.string(); },
                               [](const MadeVolume& volume) {
                                 return fmt::format("the volume {}/{}", volume.group, volume.name);
                               },
                               [](const MadeDomain& domain) {
                                 return fmt::format("the domain {} on {}", domain.name, domain.uri);
                               }},
                    made);
}

std::string to_json(const Made& made) {
  const Json json =
      std::visit(Overloaded{[](const MadeFile& file) {
                              return Json{{"kind", "file"},
                                          {"path", file.path.string()},
                                          {"device", file.device},
                                          {"inode", file.inode},
                                          {"born_ns", file.born_ns},
                                          {"disk", file.disk},
                                          {"format", model::to_string(file.format)}};
                            },
                            [](const MadeVolume& volume) {
                              return Json{{"kind", "volume"},    {"group", volume.group},
                                          {"name", volume.name}, {"uuid", volume.uuid},
                                          {"disk", volume.disk}, {"job", volume.job}};
                            },
                            [](const MadeDomain& domain) {
                              return Json{{"kind", "domain"},
                                          {"uri", domain.uri},
                                          {"name", domain.name},
                                          {"uuid", domain.uuid}};
                            }},
                 made);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Made made_from_json(const std::string& text) {
  try {
    const Json json = parse_state_json(text);
    const std::string kind = json.at("kind").get<std::string>();
    if (kind == "file") {
      return MadeFile{
          json.at("path").get<std::string>(),
          json.at("device").get<std::uint64_t>(),
          json.at("inode").get<std::uint64_t>(),
          json.at("born_ns").get<std::int64_t>(),
          json.at("disk").get<std::string>(),
          json.at("format") == "qcow2" ? model::DiskFormat::qcow2 : model::DiskFormat::raw};
    }
    if (kind == "volume") {
      return MadeVolume{json.at("group").get<std::string>(), json.at("name").get<std::string>(),
                        json.at("uuid").get<std::string>(), json.at("disk").get<std::string>(),
                        json.value("job", "")};
    }
    if (kind == "domain") {
      return MadeDomain{json.at("uri").get<std::string>(), json.at("name").get<std::string>(),
                        json.at("uuid").get<std::string>()};
    }
  } catch (const Json::exception&) {
    // falls through to the one message
  }
  throw Error(ErrorKind::bad_input, "the journal says something of a step that is not understood",
              "use the program that wrote it");
}

}  // namespace vmconvert::job
