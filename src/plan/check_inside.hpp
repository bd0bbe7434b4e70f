// Findings that need a look inside the guest, beyond check_guest(). Pure.
#pragma once

#include <string>

#include "model/domain.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/guest_survey.hpp"

namespace vmconvert::plan {

model::Findings check_inside(const model::Domain& domain, const model::GuestFacts& guest,
                             const model::GuestSurvey& survey);

// The parts.
model::Findings check_filesystems(const model::GuestFacts& guest, const model::GuestSurvey& survey);
model::Findings check_boot(const model::Domain& domain, const model::GuestFacts& guest,
                           const model::GuestSurvey& survey);
model::Findings check_network(const model::Domain& domain, const model::GuestSurvey& survey);
model::Findings check_contents(const model::GuestSurvey& survey);

// Of a volume inside the guest whose allocation map says that a journal waits.
model::Finding journal_finding(const std::string& content, const std::string& why);

}  // namespace vmconvert::plan
