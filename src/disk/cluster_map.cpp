#include "disk/cluster_map.hpp"

#include <algorithm>

namespace vmconvert::disk {

bool ClusterMap::joins(const Piece& a, const Piece& b) {
  return a.first + a.count == b.first && a.host + a.count == b.host;
}

// Nothing of the piece is mapped yet. Copies go upwards, so the place is near the end.
void ClusterMap::insert(Pieces& pieces, Piece piece) {
  auto at = std::upper_bound(pieces.begin(), pieces.end(), piece,
                             [](const Piece& a, const Piece& b) { return a.first < b.first; });
  if (at != pieces.begin() && joins(*(at - 1), piece)) {
    --at;
    at->count = static_cast<std::uint16_t>(at->count + piece.count);
  } else {
    at = pieces.insert(at, piece);
  }
  const auto next = at + 1;
  if (next != pieces.end() && joins(*at, *next)) {
    at->count = static_cast<std::uint16_t>(at->count + next->count);
    pieces.erase(next);
  }
}

void ClusterMap::cut(Pieces& pieces, std::uint32_t first, std::uint32_t end) {
  const auto from = std::partition_point(pieces.begin(), pieces.end(), [&](const Piece& piece) {
    return static_cast<std::uint32_t>(piece.first) + piece.count <= first;
  });
  const auto to = std::partition_point(from, pieces.end(),
                                       [&](const Piece& piece) { return piece.first < end; });
  if (from == to) {
    return;  // what is written once, as nearly all is
  }
  Pieces kept;
  const Piece head = *from;
  if (head.first < first) {
    kept.push_back({head.first, static_cast<std::uint16_t>(first - head.first), head.host});
  }
  const Piece tail = *(to - 1);
  if (const std::uint32_t tail_end = static_cast<std::uint32_t>(tail.first) + tail.count;
      tail_end > end) {
    kept.push_back({static_cast<std::uint16_t>(end), static_cast<std::uint16_t>(tail_end - end),
                    tail.host + (end - tail.first)});
  }
  pieces.insert(pieces.erase(from, to), kept.begin(), kept.end());
}

void ClusterMap::add(const Qcow2Run& run) {
  for (std::uint32_t done = 0; done < run.count;) {
    const std::uint32_t guest = run.guest + done;
    const std::uint32_t first = guest % k_l2_entries;
    const std::uint32_t count = std::min(run.count - done, k_l2_entries - first);
    Pieces& pieces = m_tables[guest / k_l2_entries];
    cut(pieces, first, first + count);
    insert(pieces,
           {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(count), run.host + done});
    done += count;
  }
}

void ClusterMap::remove(std::uint32_t guest, std::uint32_t count) {
  const std::uint64_t end = std::uint64_t{guest} + count;
  for (auto at = m_tables.lower_bound(guest / k_l2_entries); at != m_tables.end();) {
    const std::uint64_t base = std::uint64_t{at->first} * k_l2_entries;
    if (base >= end) {
      return;
    }
    cut(at->second, static_cast<std::uint32_t>(guest > base ? guest - base : 0),
        static_cast<std::uint32_t>(std::min<std::uint64_t>(end - base, k_l2_entries)));
    at = at->second.empty() ? m_tables.erase(at) : std::next(at);
  }
}

std::vector<std::uint32_t> ClusterMap::tables() const {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(m_tables.size());
  for (const auto& [number, pieces] : m_tables) {
    numbers.push_back(number);
  }
  return numbers;
}

void ClusterMap::for_each_in(std::uint32_t table,
                             const std::function<void(const Qcow2Run&)>& body) const {
  if (const auto found = m_tables.find(table); found != m_tables.end()) {
    for (const Piece& piece : found->second) {
      body({table * k_l2_entries + piece.first, piece.host, piece.count});
    }
  }
}

std::vector<Qcow2Run> ClusterMap::runs() const {
  std::size_t pieces_of_all = 0;
  for (const auto& [number, pieces] : m_tables) {
    pieces_of_all += pieces.size();
  }
  std::vector<Qcow2Run> all;
  all.reserve(pieces_of_all);  // no more than that, also while it grows
  for (const auto& [number, pieces] : m_tables) {
    for_each_in(number, [&](const Qcow2Run& run) {
      if (!all.empty() && all.back().guest + all.back().count == run.guest &&
          all.back().host + all.back().count == run.host) {
        all.back().count += run.count;
      } else {
        all.push_back(run);
      }
    });
  }
  return all;
}

}  // namespace vmconvert::disk
