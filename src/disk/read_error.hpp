// A read that failed, with the reason as a number: only a sector that the medium has lost may ever
// be taken for zeros, and only by somebody who was asked to.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.hpp"

namespace vmconvert::disk {

class ReadError final : public Error {
 public:
  // `code`: of errno.
  ReadError(int code, const std::string& doing)
      : Error(ErrorKind::io, doing + ": " + std::strerror(code)), m_code(code) {}
  ReadError(int code, std::string message, const char* remedy)
      : Error(ErrorKind::io, std::move(message), remedy), m_code(code) {}

  // What drivers answer for a sector that cannot be read: direct I/O says ENODATA (critical medium
  // error) or EILSEQ (checksum) where the page cache says EIO. A device that is gone says others.
  [[nodiscard]] bool bad_sector() const noexcept {
    return m_code == EIO || m_code == ENODATA || m_code == EILSEQ;
  }

 private:
  int m_code;
};

}  // namespace vmconvert::disk
