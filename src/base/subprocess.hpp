// Running other programs: argv only, never a shell; stdout and stderr apart; LC_ALL=C; the child
// dies with us (PDEATHSIG) and its whole process group is killed on a time-out.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vmconvert {

// by_itself: neither a signal to us nor our death cuts it short. For programs that leave the
// machine in a bad state when they are killed: LVM suspends devices of running guests while it
// works.
enum class Ending { with_us, by_itself };

struct Command {
  std::vector<std::string> argv;
  std::string stdin_text = {};
  std::optional<std::chrono::milliseconds> timeout = {};
  std::map<std::string, std::string> environment = {};  // added to ours
  int stdin_fd = -1;  // an open descriptor of the caller's to be its standard input; -1: the text
  // Of stdout, and of stderr; a program that says more is killed. Nothing: no limit.
  std::optional<std::size_t> output_limit = {};
  Ending ending = Ending::with_us;
};

struct CommandResult {
  int exit_code = 0;  // 128 + signal when a signal ended it
  bool timed_out = false;
  bool said_too_much = false;
  std::string out = {};
  std::string err = {};
};

// The port behind which tests record and replay.
class CommandRunner {
 public:
  virtual ~CommandRunner() = default;
  // Throws not_found when the program is not installed; any exit code is a result.
  virtual CommandResult run(const Command& command) = 0;
};

class RealCommandRunner final : public CommandRunner {
 public:
  CommandResult run(const Command& command) override;
};

// stdout, or Error(tool_failed) with the exit code and the last lines of stderr.
std::string run_or_throw(CommandRunner& runner, const Command& command);

// "qemu-img" -> its path, from PATH and the sbin folders; nothing if not installed.
std::optional<std::filesystem::path> find_program(const std::string& name);

struct ChildOptions {
  // Where its output goes; /dev/null when empty. stderr goes to the same place.
  std::filesystem::path output = {};
};

// A long-running child (nbdkit, qemu-nbd, qemu): killed and reaped by the destructor.
class ChildProcess {
 public:
  ChildProcess() = default;
  // Throws not_found when the program is not installed.
  explicit ChildProcess(const std::vector<std::string>& argv, const ChildOptions& options = {});
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess() { kill(); }

  [[nodiscard]] pid_t pid() const noexcept { return m_pid; }
  // Exit code (128 + signal) once it has ended, nothing while it runs.
  std::optional<int> poll();
  std::optional<int> wait_for(std::chrono::milliseconds limit);
  // SIGTERM, then SIGKILL after `grace`; returns the exit code.
  int terminate(std::chrono::milliseconds grace = std::chrono::seconds(5));
  void kill() noexcept;

 private:
  pid_t m_pid = -1;
  std::optional<int> m_exit_code;
};

}  // namespace vmconvert
