// The Error that a piece of code ends with; a failure of the test if it ends without one.
#pragma once

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace vmconvert {

template <class Body>
Error error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return {ErrorKind::internal, ""};
}

}  // namespace vmconvert
