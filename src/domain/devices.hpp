// What a description says beside the model: devices that stay behind, and the files that a disk's
// chain may consist of.
#pragma once

#include <string>

#include "model/check_facts.hpp"
#include "model/domain.hpp"

namespace vmconvert::domain {

// Of domain.xml. `origin` names it in messages.
model::DescribedDevices read_devices(const model::Domain& domain, const std::string& origin);

}  // namespace vmconvert::domain
