#include "disk/probe.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "disk/bundle_disk.hpp"
#include "disk/file_reader.hpp"
#include "disk/signature.hpp"
#include "disk/source.hpp"
#include "disk/table_reader.hpp"

namespace vmconvert::disk {
namespace {

using Json = nlohmann::json;

Error unusable(const std::string& what, const std::string& why, const std::string& remedy) {
  return {ErrorKind::bad_input, fmt::format("{} {}", what, why), remedy};
}

// One layer of the chain; the first one is the image itself.
void check_layer(const Json& layer, bool last, const std::string& what) {
  if (layer.value("encrypted", false)) {
    throw unusable(what, "is an encrypted qcow2 image", "decrypt it with qemu-img convert first");
  }
  const Json data = layer.value("format-specific", Json::object()).value("data", Json::object());
  if (data.value("corrupt", false)) {
    throw unusable(what, "is a qcow2 image that is marked as corrupt",
                   "look at it with qemu-img check, on a copy");
  }
  // Without a name for the format qemu would guess it from content, which a guest can forge.
  if (!last && !layer.contains("backing-filename-format")) {
    throw unusable(what,
                   fmt::format("has a backing file of unnamed format: {}",
                               printable(layer.value("full-backing-filename", "?"))),
                   "name it: qemu-img rebase -u -b FILE -F raw|qcow2 IMAGE");
  }
}

}  // namespace

std::unique_ptr<BlockReader> open_disk(const model::DomainDisk& disk,
                                       const std::filesystem::path& sockets) {
  if (is_bundle_disk(disk.source)) {
    return std::make_unique<BundleReader>(disk.source);
  }
  return open_image(disk.source, disk.format, sockets, disk_label(disk));
}

std::string disk_label(const model::DomainDisk& disk) {
  return fmt::format("disk {} ({})", disk.target, disk.source.string());
}

ByteCount parse_qcow2_info(const std::string& json, const std::string& what) {
  try {
    const Json chain = Json::parse(json);
    if (!chain.is_array() || chain.empty()) {
      throw Error(ErrorKind::tool_failed, fmt::format("qemu-img says nothing about {}", what));
    }
    for (std::size_t i = 0; i < chain.size(); ++i) {
      check_layer(chain[i], i + 1 == chain.size(), what);
    }
    return ByteCount{chain[0].at("virtual-size").get<std::uint64_t>()};
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::tool_failed,
                fmt::format("qemu-img describes {} in an unknown way: {}", what, error.what()));
  }
}

ByteCount check_qcow2(const std::filesystem::path& path, const std::string& what,
                      CommandRunner& commands) {
  const CommandResult result =
      commands.run({{"qemu-img", "info", "--output=json", "--backing-chain", "-f", "qcow2", "--",
                     std::filesystem::absolute(path).string()}});
  if (result.exit_code != 0) {
    throw unusable(what, fmt::format("cannot be opened as qcow2: {}", printable(trim(result.err))),
                   "correct the disk's format in the description, or complete its backing chain");
  }
  return parse_qcow2_info(result.out, what);
}

model::DiskFacts probe_content(BlockReader& content) {
  model::DiskFacts facts;
  facts.size = content.size();
  TableFacts table = read_table(content);
  facts.table = table.table;
  facts.partitions = std::move(table.partitions);
  facts.table_problem = std::move(table.problem);
  if (facts.table == model::TableKind::none) {
    facts.signature = read_signature(content);
  }
  facts.loader = read_loader(content);
  return facts;
}

model::DiskFacts probe(const model::DomainDisk& disk, CommandRunner& commands,
                       OnBadSector on_bad_sector) {
  const std::string what = disk_label(disk);
  if (is_bundle_disk(disk.source)) {
    BundleReader content(disk.source);
    return probe_content(content);
  }
  if (disk.format == model::DiskFormat::raw) {
    const auto content = std::make_shared<FileReader>(disk.source, what);
    BadSectors lost({}, content->size(), what);  // the copy notes them
    SalvageReader salvage(content, lost);
    const bool map = on_bad_sector == OnBadSector::map;
    model::DiskFacts facts = map ? probe_content(salvage) : probe_content(*content);
    facts.block_device = content->block_device();
    return facts;
  }
  const bool block_device = open_source(disk.source, what).block_device;
  static_cast<void>(check_qcow2(disk.source, what, commands));
  const TempDir folder(std::filesystem::temp_directory_path(), "vmconvert-probe");
  model::DiskFacts facts = probe_content(*open_disk(disk, folder.path()));
  facts.block_device = block_device;
  return facts;
}

}  // namespace vmconvert::disk
