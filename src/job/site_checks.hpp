// Rules of a site: programs in a folder, given the facts as JSON on their standard input, which
// print findings as JSON. They run with our rights and are trusted to run; what they print is not
// trusted.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "model/check_facts.hpp"
#include "model/disk_facts.hpp"
#include "model/domain.hpp"
#include "model/finding.hpp"
#include "model/guest_facts.hpp"
#include "model/plan.hpp"

namespace vmconvert::job {

struct SiteFacts {
  const model::Domain& domain;
  const std::vector<model::DiskFacts>& disks;           // parallel to domain.disks
  const std::vector<model::DiskCondition>& conditions;  // likewise
  const model::Findings& findings;                      // so far
  const model::GuestFacts* guest;                       // null: from outside only
  std::string connection;  // that the source is a domain of; empty: a file
  std::string name;        // of the new domain
  std::string target_uri;  // empty: not known
  std::string place;       // of the first new disk; empty: none is made
  model::TargetHypervisor to;
};
// The JSON of vmconvert-check(1), "SITE CHECKS".
std::string to_site_json(const SiteFacts& facts);

// Runs each program in the folder, by name. A folder that is not there has none. Error(tool_failed)
// naming the file for one that fails, hangs, prints too much or anything but findings;
// Error(refused) for one that others than its owner and root may change.
model::Findings run_site_checks(const std::filesystem::path& folder, const std::string& facts,
                                CommandRunner& commands);

// Pure: what a program printed. `file` names it in messages.
model::Findings parse_site_findings(const std::string& text, const std::filesystem::path& file);

inline constexpr const char* k_site_checks = "/etc/vmconvert/checks.d";

}  // namespace vmconvert::job
