#include "trial/trial.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "trial/console_log.hpp"

namespace vmconvert::trial {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds k_tick{100};
constexpr milliseconds k_report_every{250};
// A failing guest may say more right after the line that gave it away.
constexpr milliseconds k_last_words{1500};

struct Firmware {
  const char* code;
  const char* vars;
};
constexpr std::array k_firmware = {
    Firmware{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
    Firmware{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
    Firmware{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
};

void check(const TrialRequest& request) {
  if (request.arch != "x86_64" && request.arch != "i686") {
    throw Error(ErrorKind::unsupported,
                fmt::format("a trial of a guest for {} is not possible", printable(request.arch)),
                "convert without --trial");
  }
  if (request.disks.empty()) {
    throw Error(ErrorKind::bad_input, "a trial needs at least one disk");
  }
  if (!find_program("qemu-system-x86_64")) {
    throw Error(ErrorKind::not_found, "the trial needs qemu-system-x86_64, which is not installed",
                "install qemu-system-x86, or convert without --trial");
  }
}

void add_firmware(const TrialRequest& request, const fs::path& folder, MachineFiles& files) {
  if (!request.uefi) {
    return;
  }
  for (const Firmware& firmware : k_firmware) {
    if (fs::exists(firmware.code) && fs::exists(firmware.vars)) {
      files.firmware_code = firmware.code;
      files.firmware_vars = folder / "firmware-vars";
      fs::copy_file(firmware.vars, files.firmware_vars);
      return;
    }
  }
  throw Error(ErrorKind::unsupported, "the guest boots by UEFI, and there is no OVMF on this host",
              "install ovmf, or convert without --trial");
}

MachineFiles make_files(const TrialRequest& request, const fs::path& folder) {
  MachineFiles files;
  RealCommandRunner commands;
  for (std::size_t i = 0; i < request.disks.size(); ++i) {
    const TrialDisk& disk = request.disks[i];
    files.overlays.push_back(folder / fmt::format("disk{}.qcow2", i));
    while_doing(fmt::format("making a throwaway overlay over {}", disk.path.string()), [&] {
      run_or_throw(
          commands,
          {.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-F", model::to_string(disk.format),
                    "-b", fs::absolute(disk.path).string(), "--", files.overlays.back().string()},
           .timeout = std::chrono::seconds(60)});
    });
  }
  files.console = folder / "console";
  if (::mkfifo(files.console.c_str(), 0600) != 0) {
    throw_errno(errno, fmt::format("making {}", files.console.string()));
  }
  add_firmware(request, folder, files);
  return files;
}

// The running machine: its console's bytes, and whether it has ended.
class Machine {
 public:
  Machine(const TrialRequest& request, const MachineFiles& files, const fs::path& messages,
          Sandbox sandbox)
      // For both, so that the FIFO neither blocks us nor ends when QEMU closes it. The reader sets
      // the pace: a guest that floods its console has to wait, memory and disk stay bounded.
      : m_console(open_file(files.console, O_RDWR | O_NONBLOCK)),
        m_process(machine_words(request, files, sandbox), {.output = messages}),
        m_messages(messages) {}

  // What came within `limit`; empty: nothing.
  std::string_view read(milliseconds limit) {
    pollfd end{m_console.get(), POLLIN, 0};
    if (::poll(&end, 1, static_cast<int>(limit.count())) <= 0) {
      return {};
    }
    const ssize_t got = ::read(m_console.get(), m_buffer.data(), m_buffer.size());
    return {m_buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  }

  std::optional<int> ended() { return m_process.poll(); }

  [[nodiscard]] std::string messages() const {
    try {
      return read_text_file(m_messages, 1U << 20U);
    } catch (const Error&) {
      return {};
    }
  }

 private:
  Fd m_console;
  ChildProcess m_process;
  fs::path m_messages;
  std::array<char, 65536> m_buffer{};
};

[[noreturn]] void throw_qemu_failed(int exit_code, const std::string& messages) {
  constexpr std::size_t k_most = 3;
  auto said = lines(trim(messages));
  said.resize(std::min(said.size(), k_most));
  throw Error(
      ErrorKind::tool_failed,
      fmt::format("the trial's machine did not run: qemu-system-x86_64 ended with exit code "
                  "{}: {}",
                  exit_code, said.empty() ? "no message" : printable(join(said, "; "))));
}

class Watch {
 public:
  Watch(Machine& machine, Console& console, const model::ProgressSink& progress,
        std::chrono::seconds limit)
      : m_machine(machine), m_console(console), m_progress(progress), m_limit(limit) {}

  Verdict run() {
    while (!m_console.verdict()) {
      throw_if_interrupted();
      report();
      if (Clock::now() - m_begin >= m_limit) {
        return m_console.conclude(Ending::timed_out);
      }
      if (take()) {
        continue;
      }
      if (const auto code = m_machine.ended()) {
        return at_end(*code);
      }
      m_console.settle(std::chrono::duration_cast<milliseconds>(Clock::now() - m_last_byte));
    }
    if (m_console.verdict()->ending != Ending::booted) {
      hear_last_words();
    }
    return *m_console.verdict();
  }

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(Clock::now() - m_begin).count();
  }

 private:
  bool take() {
    const std::string_view bytes = m_machine.read(k_tick);
    if (!bytes.empty()) {
      m_console.feed(bytes);
      m_last_byte = Clock::now();
    }
    return !bytes.empty();
  }

  Verdict at_end(int exit_code) {
    while (take()) {  // what it wrote before it ended
    }
    if (exit_code != 0) {
      throw_qemu_failed(exit_code, m_machine.messages());
    }
    return m_console.conclude(Ending::guest_ended);
  }

  void hear_last_words() {
    const auto until = Clock::now() + k_last_words;
    while (Clock::now() < until && !m_machine.ended()) {
      take();
    }
  }

  void report() {
    const auto now = Clock::now();
    if (!m_progress || now - m_reported < k_report_every) {
      return;
    }
    m_reported = now;
    m_progress({"trial", m_console.last_whole_line(),
                ByteCount{static_cast<std::uint64_t>(seconds())},
                ByteCount{static_cast<std::uint64_t>(m_limit.count())}});
  }

  Machine& m_machine;
  Console& m_console;
  const model::ProgressSink& m_progress;
  std::chrono::seconds m_limit;
  Clock::time_point m_begin = Clock::now();
  Clock::time_point m_last_byte = m_begin;
  Clock::time_point m_reported = m_begin - k_report_every;
};

TrialResult watch(const TrialRequest& request, const MachineFiles& files, const fs::path& messages,
                  Sandbox sandbox, const model::ProgressSink& progress) {
  ConsoleLog log(request.console_log);
  Console console([&](const std::string& line) { log.add(line); });
  Machine machine(request, files, messages, sandbox);
  Watch watching(machine, console, progress, time_limit(request));
  const Verdict verdict = watching.run();

  TrialResult result;
  result.booted = verdict.ending == Ending::booted;
  result.ending = verdict.ending;
  result.seconds = watching.seconds();
  result.evidence = verdict.evidence;
  result.cause = explain(verdict, console.failed_units());
  result.last_lines = console.last_lines();
  result.failed_units = console.failed_units();
  result.console_log = request.console_log;
  if (const std::string rest = console.unfinished_line(); !rest.empty()) {
    log.add(rest);
  }
  return result;
}

bool is_about_sandbox(const Error& error) {
  return error.kind() == ErrorKind::tool_failed &&
         (error.message().find("sandbox") != std::string::npos ||
          error.message().find("seccomp") != std::string::npos);
}

}  // namespace

TrialResult run_trial(const TrialRequest& request, const model::ProgressSink& progress) {
  check(request);
  const TempDir folder(request.work_folder, "trial");
  const MachineFiles files = make_files(request, folder.path());
  log_detail(fmt::format("trial: {} disks, {}, at most {} s", request.disks.size(),
                         host::to_string(request.accelerator), time_limit(request).count()));
  try {
    return watch(request, files, folder.path() / "messages", Sandbox::on, progress);
  } catch (const Error& error) {
    if (!is_about_sandbox(error)) {
      throw;
    }
    log_detail("this QEMU has no sandbox: trying without");
    return watch(request, files, folder.path() / "messages2", Sandbox::off, progress);
  }
}

}  // namespace vmconvert::trial
