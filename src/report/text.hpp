// Plans, summaries and findings as people read them. All guest text is made printable first.
#pragma once

#include <string>

#include "model/domain.hpp"
#include "model/guest_facts.hpp"
#include "model/layout.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace vmconvert::report {

enum class Detail { short_form, full };  // full: with every diff

// "web01: xen pv -> kvm", disks as bars, steps, edits, findings, bytes to move.
std::string plan_to_text(const model::Plan& plan, Detail detail);
std::string findings_to_text(const model::Findings& findings);
// After a run: what was made, how it is known to boot, how long each stage took.
std::string summary_to_text(const model::RunResult& result);
std::string inspection_to_text(const model::Domain& domain, const model::GuestFacts& guest,
                               const model::Layout& layout);
// "[####....----]": patched '#', copied '=', skipped '.' along the disk, `width` cells.
std::string extent_bar(const std::vector<model::Extent>& extents, ByteCount size, unsigned width);

}  // namespace vmconvert::report
