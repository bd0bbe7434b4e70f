// A UUID and MACs for a machine that will live beside its original. They follow from the source and
// the new name, so that plan, trial and convert of the same wish say the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "job/request.hpp"
#include "model/domain.hpp"

namespace vmconvert::job {

struct NewIdentity {
  std::string uuid;               // of the new domain; the source's unless that was asked to change
  std::vector<std::string> macs;  // parallel to domain.nics; empty: as they are
};

NewIdentity new_identity(const model::Domain& source, const std::string& new_name,
                         const Request& request);

// A UUID of version 8 (RFC 9562: of the maker's own kind) that depends on all of `parts`.
std::string derived_uuid(const std::vector<std::string>& parts);

}  // namespace vmconvert::job
