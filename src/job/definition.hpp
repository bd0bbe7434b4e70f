// What the new domain's description was made from. It stays with a finished job, so that the
// description can be made anew without a look at the source or a copy.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "domain/rewrite.hpp"
#include "job/saved_job.hpp"

namespace vmconvert::job {

struct Definition {
  std::string original_xml;  // the source's, without the operator's adjustments
  // The patched guest knows its addresses: they and the UUID stay, whatever name the domain gets.
  std::string first_name;
  std::string uuid;
  std::vector<std::string> macs;  // of the source's interfaces, in order
  std::string virt_type;
  std::vector<domain::RewriteDisk> disks;
  std::string nic_model = "virtio";
  std::filesystem::path description;
  std::string target_uri;
};

// From a description that was made: UUID, MACs and kind of domain as they stand in it.
Definition definition_of(const std::string& domain_xml);

struct KeptDefinition {
  SavedJob job;  // as it was carried out last; its plan has what a new patch run is compared with
  Definition definition;
};

// In JOB/kept. load: nothing where there is none (an older program's job); Error(bad_input) for one
// that is damaged.
void keep_definition(const std::filesystem::path& kept, const KeptDefinition& what);
std::optional<KeptDefinition> load_definition(const std::filesystem::path& kept);

}  // namespace vmconvert::job
