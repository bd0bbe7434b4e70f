// The one exception of the project: a kind for machines, a message and a trail for people.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vmconvert {

enum class ErrorKind {
  usage,         // the command line or a setting is wrong: exit 2
  bad_input,     // XML, xl.cfg, an image, guest content: exit 1
  not_found,     // a file, domain or tool that should be there
  unsupported,   // understood, and not something that we can do
  refused,       // a check says no: exit 3
  trial_failed,  // the guest did not reach its prompt: exit 4
  mismatch,      // verification found a difference: exit 5
  interrupted,   // a signal asked us to stop: exit 6
  busy,          // a lock is held by somebody else: exit 75
  tool_failed,   // a program or library that we use failed
  io,            // a system call failed
  internal,      // our own bug
};

class Error : public std::exception {
 public:
  // `message` names object, action and cause. `remedy` is the next thing to try; may be empty.
  Error(ErrorKind kind, std::string message, std::string remedy = {});

  [[nodiscard]] ErrorKind kind() const noexcept { return m_kind; }
  [[nodiscard]] const std::string& message() const noexcept { return m_message; }
  [[nodiscard]] const std::string& remedy() const noexcept { return m_remedy; }
  [[nodiscard]] const std::vector<std::string>& trail() const noexcept { return m_trail; }
  [[nodiscard]] const char* what() const noexcept override { return m_message.c_str(); }

  // Inner first: "copying disk vda", then "converting guest web01".
  void add_context(std::string_view doing);

 private:
  ErrorKind m_kind;
  std::string m_message;
  std::string m_remedy;
  std::vector<std::string> m_trail;
};

// "message\n  while ...\n  try: remedy", the way that people see it.
std::string to_text(const Error& error);

// Error(io) with strerror(errno_value) appended: "opening /x: No such file or directory".
[[noreturn]] void throw_errno(int errno_value, std::string_view doing, std::string remedy = {});

template <class Body>
decltype(auto) while_doing(std::string_view doing, Body&& body) {
  try {
    return std::invoke(std::forward<Body>(body));
  } catch (Error& error) {
    error.add_context(doing);
    throw;
  }
}

}  // namespace vmconvert
