// Which cluster of the guest's disk lies in which cluster of a qcow2 file.
//
// Memory: 8 bytes a run. A copy in units of 4 MiB has one run a unit where the disk is dense: 2 MiB
// per TiB. The worst it can meet, every second cluster zeros, is 64 MiB per TiB. A copy of it, as
// runs() gives one, has 12 bytes a run while it lives.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace vmconvert::disk {

// How many clusters one L2 table maps: 512 MiB in clusters of 64 KiB.
inline constexpr std::uint32_t k_l2_entries = 8192;

// `count` clusters of the guest, from `guest` on, lie in the file from cluster `host` on. All three
// are counted in clusters: 32 bits are 256 TiB.
struct Qcow2Run {
  std::uint32_t guest = 0;
  std::uint32_t host = 0;
  std::uint32_t count = 0;

  bool operator==(const Qcow2Run&) const = default;
};

// Not for several threads at once.
class ClusterMap {
 public:
  // What was mapped there before is replaced. The ends do not overflow.
  void add(const Qcow2Run& run);
  void remove(std::uint32_t guest, std::uint32_t count);

  // Ascending by guest, as few as possible.
  [[nodiscard]] std::vector<Qcow2Run> runs() const;
  // The numbers of the L2 tables that map something, ascending.
  [[nodiscard]] std::vector<std::uint32_t> tables() const;
  // The runs of one table, ascending.
  void for_each_in(std::uint32_t table, const std::function<void(const Qcow2Run&)>& body) const;

 private:
  struct Piece {  // within one table: first + count <= k_l2_entries
    std::uint16_t first;
    std::uint16_t count;
    std::uint32_t host;
  };
  using Pieces = std::vector<Piece>;  // ascending, apart

  static bool joins(const Piece& a, const Piece& b);
  static void insert(Pieces& pieces, Piece piece);
  static void cut(Pieces& pieces, std::uint32_t first, std::uint32_t end);

  std::map<std::uint32_t, Pieces> m_tables;  // none is empty
};

}  // namespace vmconvert::disk
