#include "disk/overlay.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace vmconvert::disk {
namespace {

using Json = nlohmann::json;
using model::ExtentKind;

ExtentKind kind_of(const Json& entry) {
  if (entry.at("zero").get<bool>()) {
    return ExtentKind::skipped;
  }
  // Neither data nor zero at depth 0: nothing there, the layers below have been asked already.
  return entry.at("depth").get<unsigned>() == 0 && entry.at("data").get<bool>()
             ? ExtentKind::patched
             : ExtentKind::needed;
}

Error strange_map(const std::string& why) {
  return {ErrorKind::tool_failed, "qemu-img map of the overlay " + why};
}

}  // namespace

void create_overlay(const std::filesystem::path& path, const Backing& backing, ByteCount size,
                    CommandRunner& commands, OverlayPieces pieces) {
  if (std::filesystem::exists(std::filesystem::symlink_status(path))) {
    throw Error(ErrorKind::bad_input, fmt::format("the overlay {} exists already", path.string()),
                "remove it if no other run uses it");
  }
  Command command{{"qemu-img", "create", "-q", "-f", "qcow2", "-F",
                   model::to_string(backing.format), "-b", backing.filename}};
  if (pieces == OverlayPieces::small) {
    command.argv.insert(command.argv.end(), {"-o", "cluster_size=4096"});
  }
  command.argv.insert(command.argv.end(), {"--", std::filesystem::absolute(path).string(),
                                           fmt::format("{}", size.value)});
  run_or_throw(commands, command);
}

void move_overlay(const std::filesystem::path& path, const Backing& backing,
                  CommandRunner& commands) {
  run_or_throw(commands, {{"qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-F",
                           model::to_string(backing.format), "-b", backing.filename, "--",
                           std::filesystem::absolute(path).string()}});
}

std::vector<model::Extent> parse_map(const std::string& json, ByteCount size) {
  std::vector<model::Extent> extents;
  ByteCount covered;
  try {
    for (const Json& entry : Json::parse(json)) {
      if (covered == size) {
        break;  // qemu rounds the end up
      }
      const ByteCount start{entry.at("start").get<std::uint64_t>()};
      ByteCount length{entry.at("length").get<std::uint64_t>()};
      if (start != covered) {
        throw strange_map(fmt::format("goes from byte {} to byte {}", covered.value, start.value));
      }
      length = std::min(length, size - start);
      covered = covered + length;
      const ExtentKind kind = kind_of(entry);
      if (!extents.empty() && extents.back().kind == kind) {
        extents.back().length = extents.back().length + length;
      } else {
        extents.push_back({start, length, kind});
      }
    }
  } catch (const Json::exception& error) {
    throw strange_map(fmt::format("cannot be understood: {}", error.what()));
  }
  if (covered != size) {
    throw strange_map(fmt::format("ends at byte {} of {}", covered.value, size.value));
  }
  return extents;
}

std::vector<model::Extent> map_overlay(const std::filesystem::path& path, ByteCount size,
                                       CommandRunner& commands) {
  const std::string json =
      run_or_throw(commands, {{"qemu-img", "map", "--output=json", "-f", "qcow2", "--",
                               std::filesystem::absolute(path).string()}});
  return while_doing(fmt::format("mapping {}", path.string()),
                     [&] { return parse_map(json, size); });
}

}  // namespace vmconvert::disk
