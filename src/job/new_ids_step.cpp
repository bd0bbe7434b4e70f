#include "job/new_ids_step.hpp"

#include "guest/new_ids.hpp"
#include "job/new_identity.hpp"

namespace vmconvert::job {

NewIdsGiven give_new_ids(guest::Appliance& appliance, model::GuestFacts& facts,
                         const model::Layout& layout, const model::Domain& source,
                         const std::string& name, model::TargetHypervisor to) {
  if (source.uefi && !guest::sees_efi_partition(facts)) {
    return {{}, {}, {guest::refusal_of_uefi()}};
  }
  const auto make = [&](const std::vector<std::string>& parts) {
    std::vector<std::string> all = {"new-uuids", source.uuid, source.name, name,
                                    model::to_string(to)};
    all.insert(all.end(), parts.begin(), parts.end());
    return derived_uuid(all);
  };
  guest::NewIds ids = guest::choose_new_ids(appliance.root(), facts, layout, make);
  NewIdsGiven given{std::move(ids.changes), {}, std::move(ids.kept)};
  for (model::Finding& finding : appliance.renew_ids(layout, given.changes)) {
    given.findings.push_back(std::move(finding));
  }
  guest::use_new_ids(facts, given.changes);
  given.edits = guest::edits_of(given.changes);
  return given;
}

model::Findings look_for_old_ids(guest::Appliance& appliance, const model::Domain& source,
                                 model::TargetHypervisor to, const model::IdChanges& changes) {
  if (changes.empty()) {
    return {};
  }
  model::Findings found = guest::old_ids_in_initramfs(appliance.root(), changes);
  const auto& boot = source.direct_boot;
  if (to == model::TargetHypervisor::xen && boot &&
      guest::with_new_ids(boot->cmdline, changes) != boot->cmdline) {
    found.push_back({"uuid-left", model::Severity::warns,
                     "the kernel's arguments in the new description still name an old UUID",
                     "correct them there: they are kept as they were for a Xen host"});
  }
  return found;
}

}  // namespace vmconvert::job
