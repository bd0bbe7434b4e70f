#include "guest/scrub.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "guest/fstab.hpp"

namespace vmconvert::guest {
namespace {

using model::Filesystem;

constexpr std::uint64_t k_overlay_block = 4096;  // of the overlay of a guest that is scrubbed

model::Finding still_readable(const std::string& what, const std::string& why) {
  return {"scrub-left", model::Severity::warns,
          fmt::format("what was deleted may still be read in {}: {}", what, why),
          "overwrite it in the new guest before the image is given away"};
}

std::string name_of(const Filesystem& fs) {
  return fmt::format("{} ({})", fs.device, printable(fs.type));
}

bool lies_on_blocks(const model::Layout& layout) {
  for (const model::TargetDisk& disk : layout.disks) {
    for (const model::Partition& part : disk.partitions) {
      if (part.start.value % k_overlay_block != 0) {
        return false;
      }
    }
  }
  return true;
}

class Scrubber {
 public:
  Scrubber(ApplianceHandle& appliance, ApplianceRoot& root)
      : m_appliance(appliance), m_root(root) {}

  void scrub(const Filesystem& fs) {
    const std::string device = m_root.to_appliance(fs.device);
    if (fs.type == "swap") {
      scrub_swap(fs, device);
    } else if (fs.type.starts_with("ext")) {
      // Reads every free block, and writes those that are not zeros: few are left after the trim.
      done(fs, guestfs_zerofree(m_appliance.get(), device.c_str()), "free blocks are zeros");
    } else if (fs.type == "xfs" || fs.type == "btrfs") {
      m_result.edits.push_back({"scrub", fs.device, "free blocks are zeros: trimmed"});
    } else if (fs.type != "LVM2_member" && fs.type != "linux_raid_member") {
      m_result.findings.push_back(
          still_readable(name_of(fs), "vmconvert knows no free space in content of that kind"));
    }
  }

  Scrubbed take() { return std::move(m_result); }

 private:
  // Discarded first: what the overlay drops need not be written. Then only what is left of it is.
  void scrub_swap(const Filesystem& fs, const std::string& device) {
    guestfs_h* g = m_appliance.get();
    static_cast<void>(guestfs_blkdiscard(g, device.c_str()));
    int result = guestfs_zero_device(g, device.c_str());
    if (result == 0) {
      struct guestfs_mkswap_opts_argv arguments = {};
      if (!fs.label.empty()) {
        arguments.bitmask |= GUESTFS_MKSWAP_OPTS_LABEL_BITMASK;
        arguments.label = fs.label.c_str();
      }
      if (!fs.uuid.empty()) {
        arguments.bitmask |= GUESTFS_MKSWAP_OPTS_UUID_BITMASK;
        arguments.uuid = fs.uuid.c_str();
      }
      result = guestfs_mkswap_opts_argv(g, device.c_str(), &arguments);
      m_appliance.check(result, fmt::format("making the swap {} anew", fs.device));
    }
    done(fs, result, "overwritten with zeros, made anew with the same UUID and label");
  }

  void done(const Filesystem& fs, int result, const char* what) {
    if (result == 0) {
      m_result.edits.push_back({"scrub", fs.device, what});
      return;
    }
    if (guestfs_is_ready(m_appliance.get()) != 1) {
      m_appliance.fail(fmt::format("overwriting free blocks of {}", fs.device));
    }
    m_result.findings.push_back(still_readable(name_of(fs), m_appliance.last_error()));
  }

  ApplianceHandle& m_appliance;
  ApplianceRoot& m_root;
  Scrubbed m_result;
};

}  // namespace

model::Findings scrub_gaps(const std::string& fstab, const model::GuestFacts& facts,
                           const model::Layout& layout) {
  model::Findings found;
  for (const FstabEntry& entry : read_fstab(fstab)) {
    if (entry.is_swap() && entry.device.starts_with('/') && !entry.device.starts_with("/dev/")) {
      found.push_back(
          still_readable("the swap file " + printable(entry.device), "it is copied as it is"));
    }
  }
  if (!lies_on_blocks(layout)) {
    for (const Filesystem& fs : facts.filesystems) {
      if (fs.type == "xfs" || fs.type == "btrfs") {
        found.push_back(
            still_readable(name_of(fs),
                           "its partition begins within a block of 4 KiB, so the ends of freed "
                           "stretches could not be dropped"));
      }
    }
  }
  for (const model::TargetDisk& disk : layout.disks) {
    if (disk.composed || disk.table == model::TableKind::none) {
      continue;
    }
    std::uint64_t covered = k_mib;  // table and loader
    for (const model::Partition& part : disk.partitions) {
      covered += part.length.value;
    }
    if (disk.size.value > covered + k_mib) {
      found.push_back(still_readable("parts of " + disk.name + " that belong to no partition",
                                     "they are copied as they are"));
    }
  }
  return found;
}

Scrubbed scrub_disks(ApplianceHandle& appliance, ApplianceRoot& root,
                     const model::GuestFacts& facts, const model::Layout& layout) {
  const std::string fstab = root.read_if_there("/etc/fstab").value_or("");
  appliance.check(guestfs_umount_all(appliance.get()), "unmounting the guest's filesystems");
  Scrubber scrubber(appliance, root);
  for (const Filesystem& fs : facts.filesystems) {
    scrubber.scrub(fs);
  }
  Scrubbed result = scrubber.take();
  for (model::Finding& finding : scrub_gaps(fstab, facts, layout)) {
    result.findings.push_back(std::move(finding));
  }
  return result;
}

}  // namespace vmconvert::guest
