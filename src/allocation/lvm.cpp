#include "allocation/lvm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "allocation/lvm_text.hpp"

namespace vmconvert::allocation {
namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::uint64_t k_most_extents = 1ULL << 32U;

bool only(const std::vector<std::string>& flags, const Names& known) {
  return std::all_of(flags.begin(), flags.end(),
                     [&](const std::string& flag) { return known.contains(flag); });
}

// In extents of our physical volume.
struct Claim {
  std::uint64_t start;
  std::uint64_t count;
};

std::string without_dashes(std::string id) {
  std::erase(id, '-');
  return id;
}

class Group {
 public:
  Group(const LvmLabel& label, std::uint64_t size) : m_text(parse_lvm_text(label.text)) {
    if (m_text.sections.size() != 1 || m_text.need_text("contents") != "Text Format Volume Group" ||
        m_text.need_number("version") != 1) {
      refuse("its LVM metadata is of another kind");
    }
    m_group = &m_text.sections[0];
    m_name = m_group->name;
    check_group();
    find_ourselves(label);
    check_geometry(label, size);
    for (const LvmSection& volume : volumes()) {
      collect_references(volume);
    }
  }

  PhysicalVolume read() {
    PhysicalVolume made{m_name, {}, {}};
    for (const LvmSection& volume : volumes()) {
      LogicalVolume found = read_volume(volume);
      if (!found.pieces.empty()) {
        made.volumes.push_back(std::move(found));
      }
    }
    made.unused = unused();
    return made;
  }

 private:
  [[nodiscard]] const std::vector<LvmSection>& volumes() const {
    static const std::vector<LvmSection> none;
    const LvmSection* section = m_group->section("logical_volumes");
    return section == nullptr ? none : section->sections;
  }

  void check_group() const {
    const std::vector<std::string> status = m_group->texts("status");
    if (std::find(status.begin(), status.end(), "EXPORTED") != status.end()) {
      refuse("its volume group is exported");
    }
    if (!only(status, {"RESIZEABLE", "READ", "WRITE"}) || !m_group->texts("flags").empty()) {
      refuse("its volume group has a property that is not known here");
    }
    if (const LvmValue* lock = m_group->value("lock_type");
        lock != nullptr && m_group->need_text("lock_type") != "none") {
      refuse("its volume group is shared");
    }
  }

  void find_ourselves(const LvmLabel& label) {
    for (const LvmSection& volume : m_group->need_section("physical_volumes").sections) {
      m_all.insert(volume.name);
      if (!volume.texts("flags").empty()) {
        refuse("its volume group is incomplete");  // MISSING
      }
      if (without_dashes(volume.need_text("id")) == label.id) {
        if (m_self != nullptr) {
          refuse("its LVM metadata names it twice");
        }
        m_self = &volume;
        m_self_name = volume.name;
      }
    }
    if (m_self == nullptr) {
      refuse("its LVM metadata does not name it");
    }
  }

  void check_geometry(const LvmLabel& label, std::uint64_t size) {
    m_extent = m_group->need_number("extent_size");
    m_start = m_self->need_number("pe_start");
    m_count = m_self->need_number("pe_count");
    const std::uint64_t sectors = size / k_sector_size;
    if (m_extent == 0 || m_start == 0 || m_start > sectors || m_count > k_most_extents ||
        m_extent > sectors || m_count > (sectors - m_start) / m_extent) {
      refuse("it is larger than its place");
    }
    m_extent *= k_sector_size;
    m_start *= k_sector_size;
    const std::uint64_t end = m_start + m_count * m_extent;
    for (const model::ByteRange& area : label.reserved) {
      if (area.offset.value < end && m_start < area.offset.value + area.length.value) {
        refuse("its extents lie over its metadata");
      }
    }
  }

  // A volume that another one names (origin, pool, image, log...) does not hold what its extents
  // seem to hold.
  void collect_references(const LvmSection& volume) {
    for (const LvmSection& segment : volume.sections) {
      for (const auto& [key, value] : segment.values) {
        for (const LvmScalar& item : value.items) {
          const auto* text = std::get_if<std::string>(&item);
          if (text != nullptr && *text != volume.name) {
            m_referenced.insert(*text);
          }
        }
      }
    }
  }

  LogicalVolume read_volume(const LvmSection& volume) {
    LogicalVolume found{m_name + "/" + volume.name, {}, {}};
    const std::uint64_t segments = volume.need_number("segment_count");
    if (segments != volume.sections.size()) {
      refuse("its LVM metadata cannot be understood: segments are missing");
    }
    if (m_referenced.contains(volume.name)) {
      found.why = "it is a part of another volume";
    } else if (!only(volume.texts("status"), {"READ", "WRITE", "VISIBLE", "FIXED_MINOR"}) ||
               !volume.texts("flags").empty()) {
      found.why = "it has a property that is not known here";
    } else if (const auto status = volume.texts("status");
               std::find(status.begin(), status.end(), "VISIBLE") == status.end()) {
      found.why = "it is a hidden part of another volume";
    }
    std::uint64_t next = 0;  // extent of the logical volume
    for (std::uint64_t i = 1; i <= segments; ++i) {
      const LvmSection& segment = volume.need_section(fmt::format("segment{}", i));
      const std::uint64_t count = segment.need_number("extent_count");
      if (segment.need_number("start_extent") != next || count == 0 ||
          count > k_most_extents - next) {
        refuse("its LVM metadata cannot be understood: segments are out of order");
      }
      next += count;
      read_segment(segment, count, found);
    }
    return found;
  }

  void read_segment(const LvmSection& segment, std::uint64_t count, LogicalVolume& found) {
    const bool striped = segment.need_text("type") == "striped";
    const std::uint64_t stripes = striped ? segment.need_number("stripe_count") : 0;
    const LvmValue* list = segment.value("stripes");
    if (striped && stripes == 1 && list != nullptr && list->items.size() == 2) {
      if (const auto* name = std::get_if<std::string>(&list->items[0]);
          name != nullptr && m_all.contains(*name)) {
        if (*name != m_self_name) {
          found.why = "a part of it is on another physical volume";
          return;
        }
        const auto* start = std::get_if<std::int64_t>(&list->items[1]);
        if (start == nullptr || *start < 0) {
          refuse("its LVM metadata cannot be understood: a segment has no start");
        }
        claim(static_cast<std::uint64_t>(*start), count, true, found);
        return;
      }
    }
    found.why = fmt::format("it is of the kind {}",
                            striped ? "striped" : printable_kind(segment.need_text("type")));
    claim_anywhere(segment, count, found);
  }

  static std::string printable_kind(const std::string& type) {
    const bool plain = type.size() < 40 && std::all_of(type.begin(), type.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                                c == '_' || c == '+';
                       });
    return plain ? type : "unknown";
  }

  // Of a segment that we cannot read: at each place in our physical volume that it names, as many
  // extents as it can possibly have there.
  void claim_anywhere(const LvmSection& segment, std::uint64_t count, LogicalVolume& found) {
    for (const auto& [key, value] : segment.values) {
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        const auto* name = std::get_if<std::string>(&value.items[i]);
        if (name == nullptr || *name != m_self_name) {
          continue;
        }
        const auto* start =
            i + 1 < value.items.size() ? std::get_if<std::int64_t>(&value.items[i + 1]) : nullptr;
        if (start == nullptr || *start < 0 || static_cast<std::uint64_t>(*start) >= m_count) {
          refuse("its LVM metadata cannot be understood: a segment has no start");
        }
        const auto first = static_cast<std::uint64_t>(*start);
        claim(first, std::min(count, m_count - first), false, found);
      }
    }
  }

  void claim(std::uint64_t start, std::uint64_t count, bool exact, LogicalVolume& found) {
    if (start > m_count || count > m_count - start) {
      refuse("a logical volume goes beyond it");
    }
    (exact ? m_exact : m_loose).push_back({start, count});
    found.pieces.push_back({ByteCount{m_start + start * m_extent}, ByteCount{count * m_extent}});
  }

  // Also checks that no two volumes share an extent. Where a volume that is not read may lie over
  // one that is, the latter was claimed exactly, so it is the loose claim that was too large.
  std::vector<model::ByteRange> unused() {
    const auto by_start = [](const Claim& a, const Claim& b) { return a.start < b.start; };
    std::sort(m_exact.begin(), m_exact.end(), by_start);
    for (std::size_t i = 1; i < m_exact.size(); ++i) {
      if (m_exact[i].start < m_exact[i - 1].start + m_exact[i - 1].count) {
        refuse("two logical volumes lie over each other");
      }
    }
    std::vector<Claim> all = m_exact;
    all.insert(all.end(), m_loose.begin(), m_loose.end());
    all.push_back({m_count, 0});
    std::sort(all.begin(), all.end(), by_start);
    std::vector<model::ByteRange> made;
    std::uint64_t next = 0;
    for (const Claim& used : all) {
      if (used.start > next) {
        made.push_back(
            {ByteCount{m_start + next * m_extent}, ByteCount{(used.start - next) * m_extent}});
      }
      next = std::max(next, used.start + used.count);
    }
    return made;
  }

  LvmSection m_text;
  std::string m_name;
  const LvmSection* m_group = nullptr;
  const LvmSection* m_self = nullptr;
  std::string m_self_name;
  Names m_all;                 // physical volumes
  Names m_referenced;          // logical volumes that others are made of
  std::uint64_t m_extent = 0;  // bytes
  std::uint64_t m_start = 0;   // of extent 0, bytes
  std::uint64_t m_count = 0;   // extents here
  std::vector<Claim> m_exact;
  std::vector<Claim> m_loose;
};

}  // namespace

PhysicalVolume read_physical_volume(const LvmLabel& label, std::uint64_t size) {
  return Group(label, size).read();
}

}  // namespace vmconvert::allocation
