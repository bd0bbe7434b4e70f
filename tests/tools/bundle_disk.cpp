// bundle-disk export DISK BUNDLE | import BUNDLE TARGET: a disk into a bundle and out of it again,
// by the same code as vmconvert's, without the guest around it. For benchmarks. Prints one line of
// JSON.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/temp_dir.hpp"
#include "bundle/names.hpp"
#include "disk/allocation_map.hpp"
#include "disk/bundle_disk.hpp"
#include "disk/copy.hpp"
#include "disk/device_writer.hpp"
#include "disk/extent_map.hpp"
#include "disk/file_reader.hpp"
#include "disk/probe.hpp"
#include "test_paths.hpp"

namespace vmconvert::disk {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::vector<model::ByteRange> regions_of(BlockReader& source) {
  const model::DiskFacts facts = probe_content(source);
  if (facts.table == model::TableKind::none) {
    return {{{}, source.size()}};
  }
  std::vector<model::ByteRange> regions;
  for (const model::Partition& partition : facts.partitions) {
    regions.push_back({partition.start, partition.length});
  }
  return regions;
}

Json run_export(const fs::path& path, const fs::path& folder) {
  RealCommandRunner commands;
  FileReader source(path, path.string());
  const AllocationMap map =
      read_allocation(path, path.string(), regions_of(source),
                      vmconvert::test::build_dir() / "vmconvert-allocation", commands);
  const auto extents = without_free(source_extents(source), map.free);
  bundle::Writer writer(folder, {1, {}, {}, folder.string() + ".notes", "bundle-disk"}, commands);
  ExportedDisk made = export_disk({"vda", source.size(), extents, source, writer}, {});
  const bundle::Facts facts{"bench", {{"vda", source.size(), made.data}}, "", ""};
  writer.put(bundle::k_domain_name, bundle::as_bytes("<domain/>"));
  writer.put(bundle::k_facts_name, bundle::as_bytes(to_json(facts, {}, {{}})));
  std::vector<bundle::Leaves> leaves;
  leaves.push_back(std::move(made.leaves));
  const auto written = writer.finish(leaves);
  return {{"read", made.read.value},
          {"data", made.data.value},
          {"stored", written.manifest.stored_bytes()},
          {"added", written.new_bytes}};
}

Json run_import(const fs::path& folder, const fs::path& target) {
  BundleReader source(folder / bundle::leaves_name(0));
  const auto extents = source_extents(source);
  const TempDir scratch(fs::temp_directory_path(), "bundle-disk");
  Manifest manifest = Manifest::create(
      scratch.path() / "manifest",
      {model::HashKind::xxh3_128, source.size(), fingerprint(source.size(), extents)});
  DeviceWriter writer(target, source.size(), OldContent::rubbish);
  const CopyResult result =
      copy_disk({"vda", source.size(), extents, source, nullptr, writer, manifest}, {});
  return {{"read", result.read.value}, {"written", result.written.value}};
}

}  // namespace
}  // namespace vmconvert::disk

int main(int argc, char** argv) {
  using namespace vmconvert;
  try {
    install_interrupt_handlers();
    const std::string action = argc == 4 ? argv[1] : "";
    if (action != "export" && action != "import") {
      throw Error(ErrorKind::usage, "bundle-disk export DISK BUNDLE | import BUNDLE DEVICE");
    }
    const auto report = action == "export" ? disk::run_export(argv[2], argv[3])
                                           : disk::run_import(argv[2], argv[3]);
    fmt::print("{}\n", report.dump());
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", to_text(error));
    return error.kind() == ErrorKind::usage ? 2 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
