#include "base/subprocess.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert {
namespace {

using Clock = std::chrono::steady_clock;

int to_exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::filesystem::path program_or_throw(const std::string& name) {
  if (auto path = find_program(name)) {
    return *path;
  }
  throw Error(ErrorKind::not_found, fmt::format("the program {} is not installed", name),
              "install the packages named in the README (scripts/install-packages run)");
}

// What the child needs, made before fork: nothing is allocated after it.
struct Launch {
  std::filesystem::path program;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::vector<char*> argv_pointers;
  std::vector<char*> environment_pointers;

  Launch(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& extra)
      : program(program_or_throw(arguments.at(0))), argv(arguments) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const std::string key(text.substr(0, text.find('=')));
      if (key != "LC_ALL" && extra.count(key) == 0) {
        environment.emplace_back(text);
      }
    }
    environment.emplace_back("LC_ALL=C");
    for (const auto& [key, value] : extra) {
      environment.push_back(fmt::format("{}={}", key, value));
    }
    for (std::string& word : argv) {
      argv_pointers.push_back(word.data());
    }
    argv_pointers.push_back(nullptr);
    for (std::string& entry : environment) {
      environment_pointers.push_back(entry.data());
    }
    environment_pointers.push_back(nullptr);
    log_detail(fmt::format("run: {}", join(argv, " ")));
  }
};

[[noreturn]] void become(Launch& launch, int in, int out, int err, pid_t parent, Ending ending) {
  ::setpgid(0, 0);
  if (ending == Ending::with_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  if (::getppid() != parent) {
    ::_exit(127);  // the parent died between fork and prctl
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) {
    ::_exit(127);
  }
  ::execve(launch.program.c_str(), launch.argv_pointers.data(), launch.environment_pointers.data());
  ::_exit(127);
}

struct Pipe {
  Fd read_end;
  Fd write_end;

  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw_errno(errno, "making a pipe");
    }
    read_end = Fd(ends[0]);
    write_end = Fd(ends[1]);
  }
};

// Moves bytes between the child and our strings until both outputs are closed or time is up.
class Pump {
 public:
  Pump(Fd in, Fd out, Fd err, const Command& command, CommandResult& result)
      : m_in(std::move(in)),
        m_out(std::move(out)),
        m_err(std::move(err)),
        m_stdin(command.stdin_text),
        m_limit(command.output_limit),
        m_result(result),
        m_stops(command.ending == Ending::with_us && !interrupted()) {
    ::fcntl(m_in.get(), F_SETFL, O_NONBLOCK);
    if (m_stdin.empty()) {
      m_in.reset();
    }
    if (command.timeout) {
      m_deadline = Clock::now() + *command.timeout;
    }
  }

  // False when time ran out or too much was said. A signal that asks us to stop while we wait is
  // Error(interrupted).
  bool run() {
    while (m_out || m_err) {
      std::array<pollfd, 3> ends = {pollfd{m_out.get(), POLLIN, 0}, pollfd{m_err.get(), POLLIN, 0},
                                    pollfd{m_in.get(), POLLOUT, 0}};
      const int ready = ::poll(ends.data(), ends.size(), remaining_ms());
      if (ready < 0 && errno != EINTR) {
        throw_errno(errno, "waiting for a program's output");
      }
      if (ready <= 0 && m_stops) {
        throw_if_interrupted();
      }
      if (m_deadline && Clock::now() >= *m_deadline) {
        m_result.timed_out = true;
        return false;
      }
      if (ready > 0) {
        drain(m_out, ends[0].revents, m_result.out);
        drain(m_err, ends[1].revents, m_result.err);
        feed(ends[2].revents);
      }
      if (m_limit && (m_result.out.size() > *m_limit || m_result.err.size() > *m_limit)) {
        m_result.said_too_much = true;
        return false;
      }
    }
    return true;
  }

 private:
  [[nodiscard]] int remaining_ms() const {
    constexpr int k_look_at_signals_ms = 500;  // another thread may have taken the signal
    if (!m_deadline) {
      return k_look_at_signals_ms;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*m_deadline - Clock::now());
    return left.count() <= 0
               ? 0
               : static_cast<int>(std::min<long long>(left.count(), k_look_at_signals_ms));
  }

  static void drain(Fd& fd, short events, std::string& text) {
    if (!fd || events == 0) {
      return;
    }
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      fd.reset();
    }
  }

  void feed(short events) {
    if (!m_in || events == 0) {
      return;
    }
    const ssize_t put = ::write(m_in.get(), m_stdin.data() + m_written, m_stdin.size() - m_written);
    if (put > 0) {
      m_written += static_cast<std::size_t>(put);
    }
    if (m_written == m_stdin.size() || (put < 0 && errno != EAGAIN && errno != EINTR)) {
      m_in.reset();
    }
  }

  Fd m_in;
  Fd m_out;
  Fd m_err;
  const std::string& m_stdin;
  const std::optional<std::size_t> m_limit;
  std::size_t m_written = 0;
  CommandResult& m_result;
  std::optional<Clock::time_point> m_deadline;
  const bool
      m_stops;  // at a signal; one that came before means that this run is part of cleaning up
};

// Of a folder, the right to execute means something else.
bool is_program(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<std::filesystem::path> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return is_program(name) ? std::optional<std::filesystem::path>(name) : std::nullopt;
  }
  const char* path = ::getenv("PATH");
  const std::string folders =
      fmt::format("{}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", path == nullptr ? "" : path);
  for (const std::string& folder : split(folders, ':')) {
    const std::filesystem::path candidate = std::filesystem::path(folder) / name;
    if (folder.starts_with('/') && is_program(candidate)) {
      return candidate;
    }
  }
  return std::nullopt;
}

CommandResult RealCommandRunner::run(const Command& command) {
  Launch launch(command.argv, command.environment);
  Pipe in;
  Pipe out;
  Pipe err;
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw_errno(errno, fmt::format("starting {}", command.argv.at(0)));
  }
  if (pid == 0) {
    const int stdin_fd = command.stdin_fd >= 0 ? command.stdin_fd : in.read_end.get();
    become(launch, stdin_fd, out.write_end.get(), err.write_end.get(), parent, command.ending);
  }
  ::setpgid(pid, pid);
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();

  CommandResult result;
  Pump pump(std::move(in.write_end), std::move(out.read_end), std::move(err.read_end), command,
            result);
  bool ended = false;
  try {
    ended = pump.run();
  } catch (...) {
    ::kill(-pid, SIGKILL);
    static_cast<void>(reap(pid));
    throw;
  }
  if (!ended) {
    ::kill(-pid, SIGKILL);
  }
  result.exit_code = to_exit_code(reap(pid));
  return result;
}

std::string run_or_throw(CommandRunner& runner, const Command& command) {
  CommandResult result = runner.run(command);
  if (result.timed_out) {
    throw Error(ErrorKind::tool_failed,
                fmt::format("{} did not end within {} s", command.argv.at(0),
                            command.timeout.value_or(std::chrono::milliseconds(0)).count() / 1000));
  }
  if (result.said_too_much) {
    throw Error(ErrorKind::tool_failed,
                fmt::format("{} wrote more than {} bytes", command.argv.at(0),
                            command.output_limit.value_or(0)));
  }
  if (result.exit_code != 0) {
    const std::vector<std::string> said = lines(result.err);
    const std::size_t from = said.size() > 5 ? said.size() - 5 : 0;
    throw Error(
        ErrorKind::tool_failed,
        fmt::format("{} ended with exit code {}: {}", command.argv.at(0), result.exit_code,
                    printable(join({said.begin() + static_cast<long>(from), said.end()}, "; "))));
  }
  return std::move(result.out);
}

ChildProcess::ChildProcess(const std::vector<std::string>& argv, const ChildOptions& options) {
  Launch launch(argv, {});
  const Fd in = open_file("/dev/null", O_RDONLY);
  const Fd out = options.output.empty() ? open_file("/dev/null", O_WRONLY)
                                        : open_file(options.output, O_WRONLY | O_CREAT | O_APPEND);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw_errno(errno, fmt::format("starting {}", argv.at(0)));
  }
  if (pid == 0) {
    become(launch, in.get(), out.get(), out.get(), parent, Ending::with_us);
  }
  ::setpgid(pid, pid);
  m_pid = pid;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : m_pid(std::exchange(other.m_pid, -1)), m_exit_code(other.m_exit_code) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    kill();
    m_pid = std::exchange(other.m_pid, -1);
    m_exit_code = other.m_exit_code;
  }
  return *this;
}

std::optional<int> ChildProcess::poll() {
  if (m_pid > 0 && !m_exit_code) {
    int status = 0;
    if (::waitpid(m_pid, &status, WNOHANG) == m_pid) {
      m_exit_code = to_exit_code(status);
    }
  }
  return m_exit_code;
}

std::optional<int> ChildProcess::wait_for(std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (!poll() && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return m_exit_code;
}

int ChildProcess::terminate(std::chrono::milliseconds grace) {
  if (m_pid > 0 && !poll()) {
    ::kill(-m_pid, SIGTERM);
    if (!wait_for(grace)) {
      kill();
    }
  }
  return m_exit_code.value_or(0);
}

void ChildProcess::kill() noexcept {
  if (m_pid > 0 && !m_exit_code) {
    ::kill(-m_pid, SIGKILL);
    m_exit_code = to_exit_code(reap(m_pid));
  }
}

}  // namespace vmconvert
