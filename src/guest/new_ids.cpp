#include "guest/new_ids.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

using model::IdChange;
using model::IdKind;

constexpr const char* k_own_tool = "set it in the copy with the filesystem's own tool";

}  // namespace

model::Finding kept_id(const std::string& device, const std::string& type, const std::string& why) {
  return {"uuid-kept", model::Severity::warns,
          fmt::format("{} ({}) keeps its UUID: {}", device, printable(type), why),
          fmt::format("never give both disks to one host; or {}", k_own_tool)};
}

bool sees_efi_partition(const model::GuestFacts& facts) {
  return std::any_of(
      facts.filesystems.begin(), facts.filesystems.end(),
      [](const model::Filesystem& fs) { return fs.type == "vfat" && !fs.mountpoint.empty(); });
}

model::Finding refusal_of_uefi() {
  return {"uuid-uefi", model::Severity::blocks,
          "the loader on the EFI system partition finds the guest's /boot by its UUID, and the "
          "guest's fstab does not say where that partition is",
          "leave --new-uuids out, and never give both disks to one host"};
}

void use_new_ids(model::GuestFacts& facts, const model::IdChanges& changes) {
  for (const IdChange& change : changes) {
    for (model::Filesystem& fs : facts.filesystems) {
      if (change.kind == IdKind::disk || change.kind == IdKind::partition) {
        continue;
      }
      // All members of an array have its UUID, all devices of a btrfs its own.
      const bool shared = change.kind == IdKind::array || change.type == "btrfs";
      if (fs.uuid == change.from &&
          (shared ? fs.type == change.type : fs.device == change.device)) {
        fs.uuid = change.to;
      }
      if (change.kind == IdKind::array && fs.array && fs.array->uuid == change.from) {
        fs.array->uuid = change.to;
      }
    }
  }
}

model::Edits edits_of(const model::IdChanges& changes) {
  model::Edits edits;
  for (const IdChange& change : changes) {
    edits.push_back({"new-uuids", change.device,
                     fmt::format("{} ({}): {} -> {}", model::to_string(change.kind),
                                 printable(change.type), printable(change.from), change.to)});
  }
  return edits;
}

std::string with_new_ids(std::string text, const model::IdChanges& changes) {
  for (const IdChange& change : changes) {
    if (change.kind != IdKind::disk) {
      text = replace_all(std::move(text), change.from, change.to);
    }
  }
  return text;
}

}  // namespace vmconvert::guest
