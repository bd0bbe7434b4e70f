#include "base/own_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/interrupt.hpp"

namespace vmconvert {
namespace {

constexpr char k_good = '.';
constexpr int k_look_every = 100;  // milliseconds: for a signal to us

// One part after the other, each behind its length: no part of an error text is an end.
std::string packed(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) {
    text += std::to_string(part.size()) + ' ';
    text += part;
  }
  return text;
}

std::string take(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::size_t length = std::stoul(std::string(text.substr(0, space)));
  std::string part(text.substr(space + 1, length));
  text.remove_prefix(space + 1 + length);
  return part;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno != EINTR) {
      return;
    }
    text.remove_prefix(done > 0 ? static_cast<std::size_t>(done) : 0);
  }
}

std::string answer_of(const std::function<std::string()>& work) noexcept {
  try {
    try {
      return k_good + work();
    } catch (const Error& error) {
      return packed(
          {std::to_string(static_cast<int>(error.kind())), error.message(), error.remedy()});
    } catch (const std::exception& error) {
      return packed({std::to_string(static_cast<int>(ErrorKind::internal)), error.what(), ""});
    }
  } catch (...) {
    return {};
  }
}

class Child {
 public:
  explicit Child(pid_t pid) : m_pid(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (m_pid > 0) {
      ::kill(m_pid, SIGKILL);
      static_cast<void>(wait());
    }
  }
  int wait() {
    int status = 0;
    while (::waitpid(m_pid, &status, 0) < 0 && errno == EINTR) {
    }
    m_pid = -1;
    return status;
  }

 private:
  pid_t m_pid;
};

}  // namespace

std::string in_own_process(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw_errno(errno, "making a pipe");
  }
  const Fd from(ends[0]);
  Fd to(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw_errno(errno, "starting a process");
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) {
      write_all(to.get(), answer_of(work));
    }
    ::_exit(0);  // nothing of the parent's is taken down here
  }
  Child child(pid);
  to.reset();
  std::string answer;
  std::array<char, 4096> buffer{};
  for (;;) {
    throw_if_interrupted();
    pollfd wait{from.get(), POLLIN, 0};
    if (::poll(&wait, 1, k_look_every) <= 0) {
      continue;
    }
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      break;
    }
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  const int status = child.wait();
  if (answer.empty()) {
    throw Error(ErrorKind::tool_failed,
                WIFSIGNALED(status)
                    ? "a process of ours was killed by signal " + std::to_string(WTERMSIG(status))
                    : "a process of ours ended without an answer");
  }
  if (answer.front() == k_good) {
    return answer.substr(1);
  }
  std::string_view left = answer;
  const auto kind = static_cast<ErrorKind>(std::stoi(take(left)));
  const std::string message = take(left);
  throw Error(kind, message, take(left));
}

}  // namespace vmconvert
