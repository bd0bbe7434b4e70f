#include "disk/unit_reader.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "disk/aligned_buffer.hpp"
#include "disk/copy.hpp"

namespace vmconvert::disk {

using model::Extent;
using model::ExtentKind;

std::vector<UnitReader::Part> UnitReader::parts(ByteCount offset, ByteCount end) const {
  std::vector<Part> found;
  auto extent = std::upper_bound(m_extents.begin(), m_extents.end(), offset,
                                 [](ByteCount o, const Extent& e) { return o < e.offset; });
  for (--extent; extent != m_extents.end() && extent->offset < end; ++extent) {
    found.push_back({extent->kind, std::max(extent->offset, offset),
                     std::min(extent->offset + extent->length, end)});
  }
  return found;
}

ByteCount UnitReader::to_read(ByteCount offset, ByteCount length) const {
  ByteCount sum;
  for (const Part& part : parts(offset, offset + length)) {
    if (part.kind != ExtentKind::skipped) {
      sum = sum + (part.to - part.from);
    }
  }
  return sum;
}

// Parts of one kind, near ones in one request, each widened to what direct I/O takes. What comes in
// besides is overwritten by the parts of the other kind, or zeroed.
void UnitReader::read_kind(ExtentKind kind, const std::vector<Part>& parts, ByteCount offset,
                           std::span<std::byte> buffer) const {
  if (kind == ExtentKind::patched && m_overlay == nullptr) {
    return;  // then no extent is patched
  }
  BlockReader& reader = kind == ExtentKind::patched ? *m_overlay : m_source;
  const auto read = [&](ByteCount from, ByteCount to) {
    reader.read(buffer.subspan((from - offset).value, (to - from).value), from);
  };
  const ByteCount unit_end = offset + ByteCount{buffer.size()};
  const auto widened = [&](ByteCount from, ByteCount to) {
    return Part{kind, ByteCount{from.value / k_direct_alignment * k_direct_alignment},
                std::min(round_up(to, ByteCount{k_direct_alignment}), unit_end)};
  };
  for (auto part = parts.begin(); part != parts.end();) {
    if (part->kind != kind) {
      ++part;
      continue;
    }
    auto last = part;
    auto next = std::next(part);
    for (; next != parts.end(); ++next) {
      if (next->kind == kind && next->from.value - last->to.value <= k_merge_gap) {
        last = next;
      } else if (next->from.value - last->to.value > k_merge_gap) {
        break;
      }
    }
    const Part request = widened(part->from, last->to);
    try {
      read(request.from, request.to);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::io) {
        throw;
      }
      // The bad sector may lie in what nobody needs: each part by itself decides.
      for (auto each = part; each <= last; ++each) {
        if (each->kind == kind) {
          read(each->from, each->to);
        }
      }
    }
    part = std::next(last);
  }
}

void UnitReader::fill(ByteCount offset, std::span<std::byte> buffer) const {
  const std::vector<Part> all = parts(offset, offset + ByteCount{buffer.size()});
  read_kind(ExtentKind::needed, all, offset, buffer);
  // Patched parts come second: they lie in gaps of the needed ones, and the other way round never
  // wins, since a widened read of the overlay shows the same source bytes below it. Not so for
  // bytes that are skipped: those are zeroed last.
  read_kind(ExtentKind::patched, all, offset, buffer);
  for (const Part& part : all) {
    if (part.kind == ExtentKind::skipped) {
      const auto free = buffer.subspan((part.from - offset).value, (part.to - part.from).value);
      std::fill(free.begin(), free.end(), std::byte{0});
    }
  }
}

}  // namespace vmconvert::disk
