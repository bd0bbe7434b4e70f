#include "base/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace vmconvert {

Error::Error(ErrorKind kind, std::string message, std::string remedy)
    : m_kind(kind), m_message(std::move(message)), m_remedy(std::move(remedy)) {}

void Error::add_context(std::string_view doing) {
  m_trail.emplace_back(doing);
}

std::string to_text(const Error& error) {
  std::string text = error.message();
  for (const std::string& doing : error.trail()) {
    text += fmt::format("\n  while {}", doing);
  }
  if (!error.remedy().empty()) {
    text += fmt::format("\n  try: {}", error.remedy());
  }
  return text;
}

void throw_errno(int errno_value, std::string_view doing, std::string remedy) {
  const ErrorKind kind = errno_value == ENOENT ? ErrorKind::not_found : ErrorKind::io;
  throw Error(kind, fmt::format("{}: {}", doing, std::generic_category().message(errno_value)),
              std::move(remedy));
}

}  // namespace vmconvert
