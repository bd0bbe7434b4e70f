// Where the clusters of an unfinished image lie. The checksum is made here.
#include "disk/run_file.hpp"

#include <xxhash.h>

#include "disk/bytes.hpp"
#include "disk/qcow2_writer.hpp"
#include "fuzz.hpp"

using namespace vmconvert;

namespace {

// An unfinished image: zeros, 16 MiB of them.
std::filesystem::path image() {
  static const auto k_path = [] {
    const auto path = fuzz::scratch_file("image", {});
    std::filesystem::resize_file(path, 16 * k_mib);
    return path;
  }();
  return k_path;
}

}  // namespace

FUZZ_TARGET(run_file) {
  std::vector<std::byte> bytes(input.bytes().begin(), input.bytes().end());
  if (bytes.size() >= 8) {
    const std::size_t end = bytes.size() - 8;
    disk::store_le<std::uint64_t>(bytes, end, XXH3_64bits(bytes.data(), end));
  }
  const auto path =
      fuzz::scratch_file("runs", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const std::vector<disk::Qcow2Run> runs = disk::load_runs(path);
  const disk::Qcow2Writer writer(image(), ByteCount{64 * k_mib}, runs);  // refuses what is unsound
}
