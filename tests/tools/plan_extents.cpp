// plan-extents COUNT: how long the arithmetic of the plan takes on a list of that many extents.
#include <fmt/format.h>

#include <chrono>
#include <string>

#include "disk/copy.hpp"
#include "disk/extent_map.hpp"

int main(int argc, char** argv) {
  using namespace vmconvert;
  const std::uint64_t count = argc == 2 ? std::stoull(argv[1]) : 0;
  if (count == 0) {
    fmt::print(stderr, "usage: plan-extents COUNT\n");
    return 2;
  }
  constexpr std::uint64_t k_unit = 64 * k_kib;
  const ByteCount size{2 * count * k_unit};
  std::vector<model::ByteRange> free;
  free.reserve(count);
  for (std::uint64_t i = count; i > 0; --i) {  // the worst order
    free.push_back({ByteCount{(2 * i - 1) * k_unit}, ByteCount{k_unit}});
  }
  const std::vector<model::Extent> whole = {{{}, size, model::ExtentKind::needed}};
  const auto start = std::chrono::steady_clock::now();
  const std::vector<model::Extent> extents = disk::without_free(whole, free);
  const auto planned = std::chrono::steady_clock::now();
  const disk::LeafHash plan = disk::fingerprint(size, extents);
  const auto hashed = std::chrono::steady_clock::now();
  const auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
  fmt::print("{{\"extents\":{},\"without_free_seconds\":{},\"fingerprint_seconds\":{}}}\n",
             extents.size(), seconds(planned - start), seconds(hashed - planned));
  return extents.size() == 2 * count && plan != disk::LeafHash{} ? 0 : 1;
}
