// What in a description means processors and nodes of the old host.
#pragma once

#include <string>

#include "model/domain.hpp"
#include "model/host_fit.hpp"

namespace vmconvert::domain {

// Of domain.xml. `origin` names it in messages.
model::CpuPinning read_pinning(const model::Domain& domain, const std::string& origin);

}  // namespace vmconvert::domain
