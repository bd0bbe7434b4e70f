// Questions whose answer is welcome and not needed: a host that cannot say is no reason to stop.
#pragma once

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/log.hpp"

namespace vmconvert {

// The answer; or `otherwise`, with a line in the log: "not checked: WHAT: why". An interruption and
// a mistake of ours go through.
template <class Value, class Ask>
Value ask_or(Value otherwise, const char* what, Ask&& ask) {
  try {
    return ask();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::internal) {
      throw;
    }
    log_detail(fmt::format("not checked: {}: {}", what, to_text(error)));
    return otherwise;
  }
}

}  // namespace vmconvert
