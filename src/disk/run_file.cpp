#include "disk/run_file.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <string>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "disk/bytes.hpp"

namespace vmconvert::disk {
namespace {

// "vmcruns1", a run after the other (three 32-bit numbers, little-endian), XXH3-64 of all that.
constexpr std::string_view k_runs_magic = "vmcruns1";
constexpr std::size_t k_run_size = 12;
constexpr std::size_t k_hash_size = 8;
constexpr std::uint64_t k_longest = std::uint64_t{1} << 30U;

}  // namespace

void save_runs(const std::filesystem::path& path, const std::vector<Qcow2Run>& runs) {
  std::vector<std::byte> bytes(k_runs_magic.size() + runs.size() * k_run_size + k_hash_size);
  std::memcpy(bytes.data(), k_runs_magic.data(), k_runs_magic.size());
  std::size_t at = k_runs_magic.size();
  for (const Qcow2Run& run : runs) {
    for (const std::uint32_t number : {run.guest, run.host, run.count}) {
      store_le<std::uint32_t>(bytes, at, number);
      at += sizeof(number);
    }
  }
  store_le<std::uint64_t>(bytes, at, XXH3_64bits(bytes.data(), at));
  AtomicFile file(path, 0600);
  file.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  file.commit(Overwrite::yes);
}

std::vector<Qcow2Run> load_runs(const std::filesystem::path& path) {
  const std::string text = read_text_file(path, k_longest);
  const auto bytes = std::as_bytes(std::span(text));
  const std::size_t fixed = k_runs_magic.size() + k_hash_size;
  const std::size_t end = bytes.size() < fixed ? 0 : bytes.size() - k_hash_size;
  if (end == 0 || !has_text(bytes, 0, k_runs_magic) || (bytes.size() - fixed) % k_run_size != 0 ||
      load_le<std::uint64_t>(bytes, end) != XXH3_64bits(bytes.data(), end)) {
    throw Error(ErrorKind::bad_input, fmt::format("{} is damaged", path.string()),
                "take the job back (vmconvert undo JOB) and convert again");
  }
  std::vector<Qcow2Run> runs;
  for (std::size_t at = k_runs_magic.size(); at < end; at += k_run_size) {
    runs.push_back({load_le<std::uint32_t>(bytes, at), load_le<std::uint32_t>(bytes, at + 4),
                    load_le<std::uint32_t>(bytes, at + 8)});
  }
  return runs;
}

}  // namespace vmconvert::disk
