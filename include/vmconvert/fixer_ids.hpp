// Identifiers of the guest's storage that are others from now on (--new-uuids), header only: facts
// "new_ids" and "old_ids_in" of vmconvert-plugin(7), for fixers that follow them.
//
//   static void fix(Host& guest, const NewIds& ids) { ... }
//   VMCONVERT_FIXER_WITH_IDS("motd", "one line about it", 400, fix)
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <vmconvert/fixer.hpp>

namespace vmconvert::fixer {

// The facts' filesystems have the new ones already. kind: filesystem, physical-volume,
// volume-group, array, disk, partition.
struct NewId {
  std::string kind, device, type, from, to;
};
struct NewIds {
  std::vector<NewId> changes;
  std::vector<std::string> images;  // initramfs images of the guest that name an old one
};

inline NewIds read_new_ids(const vmconvert_host& host) {
  vmconvert_text text{};
  if (host.facts(host.context, &text) != 0) {
    throw std::runtime_error(host.last_error(host.context));
  }
  const std::string copy(text.data, text.size);
  host.release(host.context, text);
  const nlohmann::json json = nlohmann::json::parse(copy);
  NewIds ids;
  for (const auto& item : json.value("new_ids", nlohmann::json::array())) {
    ids.changes.push_back(
        {item.at("kind"), item.at("device"), item.at("type"), item.at("from"), item.at("to")});
  }
  ids.images = json.value("old_ids_in", ids.images);
  return ids;
}

}  // namespace vmconvert::fixer

// As VMCONVERT_FIXER, whose `host` this uses.
#define VMCONVERT_FIXER_WITH_IDS(NAME, SUMMARY, ORDER, FUNCTION)                \
  VMCONVERT_FIXER(NAME, SUMMARY, ORDER, [host](vmconvert::fixer::Host& guest) { \
    FUNCTION(guest, vmconvert::fixer::read_new_ids(*host));                     \
  })
