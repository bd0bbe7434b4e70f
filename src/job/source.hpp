// SOURCE, as users spell it, becomes a domain description.
#pragma once

#include "job/request.hpp"
#include "model/domain.hpp"

namespace vmconvert::job {

struct OpenedSource {
  model::Domain domain;
  bool active = false;  // running on the connection that it came from
};

// Error(usage) if the text is neither a known kind of file nor, with a URI, a domain's name;
// not_found, bad_input, unsupported from the readers.
OpenedSource open_source(const SourceSpec& spec);

}  // namespace vmconvert::job
