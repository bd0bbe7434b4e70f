// C handles as unique_ptr: using Domain = Owned<virDomain, virDomainFree>;
#pragma once

#include <memory>

namespace vmconvert {

template <auto Free>
struct Releases {
  template <class T>
  void operator()(T* handle) const noexcept {
    static_cast<void>(Free(handle));
  }
};

template <class T, auto Free>
using Owned = std::unique_ptr<T, Releases<Free>>;

}  // namespace vmconvert
