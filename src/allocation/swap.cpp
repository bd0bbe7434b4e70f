#include "allocation/swap.hpp"

namespace vmconvert::allocation {
namespace {

constexpr std::uint64_t k_page = 4096;

}  // namespace

// include/linux/swap.h of the kernel, union swap_header. The mark in the last ten bytes of the page
// is replaced by another while a hibernated system is in there (S1SUSPEND and its like).
std::vector<model::ByteRange> read_swap_free(const Volume& volume) {
  const std::vector<std::byte> page = volume.read(0, k_page);
  if (!has_text(page, k_page - 10, "SWAPSPACE2")) {
    refuse("it is not plain swap space: a hibernated system may be in it");
  }
  const auto version = load_le<std::uint32_t>(page, 1024);
  const auto last_page = load_le<std::uint32_t>(page, 1028);
  const auto bad_pages = load_le<std::uint32_t>(page, 1032);
  if (version != 1) {
    refuse("its header is of another version or byte order");
  }
  if (bad_pages != 0) {
    refuse("it has bad pages");
  }
  const std::uint64_t size = (static_cast<std::uint64_t>(last_page) + 1) * k_page;
  if (last_page == 0 || size > volume.size()) {
    refuse("it is larger than its place");
  }
  return {{ByteCount{k_page}, ByteCount{size - k_page}}};
}

}  // namespace vmconvert::allocation
