// A table of texts that boot loaders, kernels, initramfs systems and init systems have printed over
// the last twenty years decides. Certain texts end the trial at once. Others only raise a
// suspicion: GRUB goes on after many an "error:", dracut may still find its root after a time-out.
// A suspicion becomes the verdict when the start then fails or gets stuck.
#include "trial/console.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace vmconvert::trial {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t k_last_lines = 30;
constexpr std::size_t k_failed_units = 50;
constexpr milliseconds k_prompt_quiet{500};
constexpr milliseconds k_shell_quiet{2000};
constexpr milliseconds k_loader_quiet{60000};  // a kernel under emulation unpacks itself in silence

enum class Where { start, anywhere };
enum class Phase { loader, kernel };  // loader: only before the first sign of a kernel
enum class Weight { certain, suspicion };

struct Rule {
  Ending ending;
  Weight weight;
  Phase phase;
  Where where;
  std::string_view text;
};

constexpr Weight k_sure = Weight::certain;
constexpr Weight k_maybe = Weight::suspicion;

constexpr std::array k_rules = {
    Rule{Ending::no_bootloader, k_sure, Phase::loader, Where::start, "No bootable device"},
    Rule{Ending::no_bootloader, k_sure, Phase::loader, Where::anywhere, "No bootable medium"},
    Rule{Ending::no_bootloader, k_sure, Phase::loader, Where::anywhere, "No bootable option"},
    Rule{Ending::no_bootloader, k_sure, Phase::loader, Where::start, "Operating system not found"},
    Rule{Ending::no_bootloader, k_sure, Phase::loader, Where::start, "Missing operating system"},
    Rule{Ending::no_bootloader, k_sure, Phase::loader, Where::start, "Invalid partition table"},
    Rule{Ending::no_bootloader, k_maybe, Phase::loader, Where::start, "Boot failed"},

    Rule{Ending::bootloader_failed, k_sure, Phase::loader, Where::start, "grub rescue>"},
    Rule{Ending::bootloader_failed, k_sure, Phase::loader, Where::anywhere, "Entering rescue mode"},
    // OVMF, when no disk has a loader that it finds.
    Rule{Ending::bootloader_failed, k_sure, Phase::loader, Where::start, "UEFI Interactive Shell"},
    Rule{Ending::bootloader_failed, k_sure, Phase::loader, Where::anywhere,
         "No bootable option or device was found"},
    Rule{Ending::bootloader_failed, k_sure, Phase::loader, Where::anywhere, "GRUB Error "},
    Rule{Ending::bootloader_failed, k_sure, Phase::loader, Where::anywhere, "GRUB Hard Disk Error"},
    Rule{Ending::bootloader_failed, k_sure, Phase::loader, Where::anywhere, "GRUB Read Error"},
    Rule{Ending::bootloader_failed, k_sure, Phase::loader, Where::anywhere, "GRUB Geom Error"},
    Rule{Ending::bootloader_failed, k_sure, Phase::loader, Where::start, "Error loading operating"},
    Rule{Ending::bootloader_failed, k_maybe, Phase::loader, Where::start, "error: "},
    Rule{Ending::bootloader_failed, k_maybe, Phase::loader, Where::start, "Error "},

    Rule{Ending::root_not_found, k_sure, Phase::kernel, Where::anywhere, "Unable to mount root"},
    Rule{Ending::root_not_found, k_sure, Phase::kernel, Where::anywhere,
         "Gave up waiting for root"},
    Rule{Ending::root_not_found, k_sure, Phase::kernel, Where::anywhere,
         "doesn't have requested /"},
    Rule{Ending::root_not_found, k_sure, Phase::kernel, Where::start, "No init found"},
    Rule{Ending::root_not_found, k_sure, Phase::kernel, Where::anywhere, "Unable to find root dev"},
    Rule{Ending::root_not_found, k_sure, Phase::kernel, Where::anywhere, "-- exiting to /bin/sh"},
    Rule{Ending::root_not_found, k_sure, Phase::kernel, Where::anywhere, "Warning: Could not boot"},
    Rule{Ending::root_not_found, k_sure, Phase::kernel, Where::anywhere,
         "initramfs emergency recovery shell"},
    Rule{Ending::root_not_found, k_maybe, Phase::kernel, Where::anywhere,
         "Cannot open root device"},
    Rule{Ending::root_not_found, k_maybe, Phase::kernel, Where::anywhere, "No root device "},
    Rule{Ending::root_not_found, k_maybe, Phase::kernel, Where::anywhere, "No or empty root="},
    Rule{Ending::root_not_found, k_maybe, Phase::kernel, Where::start,
         "mount: could not find filesystem"},
    Rule{Ending::root_not_found, k_maybe, Phase::kernel, Where::start, "switchroot: mount failed"},
    Rule{Ending::root_not_found, k_maybe, Phase::kernel, Where::anywhere,
         "dracut-initqueue timeout"},
    Rule{Ending::root_not_found, k_maybe, Phase::kernel, Where::start, "Could not find /dev/"},

    Rule{Ending::kernel_panic, k_sure, Phase::kernel, Where::anywhere, "Kernel panic - not sync"},
    Rule{Ending::kernel_panic, k_sure, Phase::kernel, Where::start, "Kernel panic: "},

    Rule{Ending::emergency_mode, k_sure, Phase::kernel, Where::anywhere,
         "You are in emergency mode"},
    Rule{Ending::emergency_mode, k_sure, Phase::kernel, Where::anywhere, "You are in rescue mode"},
    Rule{Ending::emergency_mode, k_sure, Phase::kernel, Where::anywhere, "Welcome to emergency mo"},
    Rule{Ending::emergency_mode, k_sure, Phase::kernel, Where::anywhere, "Entering emergency mode"},
    Rule{Ending::emergency_mode, k_sure, Phase::kernel, Where::anywhere, "Give root password for"},
    Rule{Ending::emergency_mode, k_sure, Phase::kernel, Where::anywhere, "Enter for maintenance"},
    Rule{Ending::emergency_mode, k_sure, Phase::kernel, Where::anywhere,
         "Cannot open access to console, the root account is locked"},
    Rule{Ending::emergency_mode, k_sure, Phase::kernel, Where::start, "sulogin:"},
    Rule{Ending::emergency_mode, k_sure, Phase::kernel, Where::anywhere, "S to skip mounting"},
};

struct ShellPrompt {
  Ending ending;
  std::string_view text;
};
constexpr std::array k_shells = {
    ShellPrompt{Ending::bootloader_failed, "grub rescue>"},
    ShellPrompt{Ending::bootloader_failed, "grub>"},
    ShellPrompt{Ending::root_not_found, "(initramfs)"},
    ShellPrompt{Ending::root_not_found, "dracut:/#"},
    ShellPrompt{Ending::emergency_mode, "Give root password for maintenance"},
};

// "[   12.345678] text" -> "text"; the same text when there is no time in front.
std::string_view without_timestamp(std::string_view line) {
  line = trim(line);
  const auto close = line.find("] ");
  if (!line.starts_with('[') || close == std::string_view::npos || close > 20) {
    return line;
  }
  const std::string_view time = trim(line.substr(1, close - 1));
  const bool digits = time.find_first_not_of("0123456789.T ") == std::string_view::npos;
  return digits && time.find('.') != std::string_view::npos ? trim(line.substr(close + 2)) : line;
}

bool matches(const Rule& rule, std::string_view text, bool past_loader) {
  if (rule.phase == Phase::loader && past_loader) {
    return false;
  }
  return rule.where == Where::start ? text.starts_with(rule.text)
                                    : text.find(rule.text) != std::string_view::npos;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A prompt that a message of the kernel or of systemd was printed behind.
bool is_overwritten_prompt(std::string_view line) {
  const auto prompt = line.find("login: ");
  const auto after = prompt + 7;
  return prompt != std::string_view::npos && after < line.size() &&
         is_login_prompt(line.substr(0, after)) &&
         (line[after] == '[' || contains(line, "(automatic login)"));
}

}  // namespace

const char* to_string(Ending ending) {
  switch (ending) {
    case Ending::booted: return "booted";
    case Ending::no_bootloader: return "no_bootloader";
    case Ending::bootloader_failed: return "bootloader_failed";
    case Ending::kernel_panic: return "kernel_panic";
    case Ending::root_not_found: return "root_not_found";
    case Ending::emergency_mode: return "emergency_mode";
    case Ending::guest_ended: return "guest_ended";
    case Ending::silent: return "silent";
    case Ending::timed_out: return "timed_out";
  }
  return "unknown";
}

bool is_login_prompt(std::string_view line) {
  const auto found = words(line);
  if (found.empty() || found.size() > 2 || (found.back() != "login:" && found.back() != "Login:")) {
    return false;
  }
  constexpr std::string_view k_host_characters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_()";
  return found.size() == 1 || (found[0] != "Last" && found[0] != "last" &&
                               found[0].find_first_not_of(k_host_characters) == std::string::npos);
}

Console::Console(std::function<void(const std::string&)> on_line)
    : m_reader([this](const std::string& line) { see(line); }), m_on_line(std::move(on_line)) {}

void Console::feed(std::string_view bytes) {
  m_reader.feed(bytes);
}

void Console::settle(milliseconds quiet) {
  const std::string current = m_reader.current();
  if (quiet >= k_prompt_quiet && is_login_prompt(current)) {
    decide(Ending::booted, current);
  }
  if (quiet >= k_shell_quiet) {
    for (const ShellPrompt& shell : k_shells) {
      if (trim(current).starts_with(shell.text)) {
        const bool known = m_suspicion && m_suspicion->ending == shell.ending;
        decide(shell.ending, known ? m_suspicion->evidence : current);
      }
    }
  }
  if (quiet >= k_loader_quiet && m_suspicion && !m_kernel_seen && !m_programs_seen) {
    decide(m_suspicion->ending, m_suspicion->evidence);
  }
}

Verdict Console::conclude(Ending otherwise) const {
  if (m_verdict) {
    return *m_verdict;
  }
  if (m_suspicion) {
    return *m_suspicion;
  }
  const bool heard = m_kernel_seen || m_programs_seen;
  return {!heard && otherwise == Ending::timed_out ? Ending::silent : otherwise, last_line()};
}

std::vector<std::string> Console::last_lines() const {
  std::vector<std::string> found(m_last.begin(), m_last.end());
  if (std::string current = unfinished_line(); !current.empty()) {
    found.push_back(std::move(current));
  }
  return found;
}

std::string Console::unfinished_line() const {
  return std::string(trim(m_reader.current()));
}

std::string Console::last_line() const {
  const auto all = last_lines();
  return all.empty() ? std::string() : all.back();
}

std::string Console::last_whole_line() const {
  return m_last.empty() ? std::string() : m_last.back();
}

void Console::see(const std::string& raw) {
  const std::string line(trim(raw));
  if (m_on_line) {
    m_on_line(line);
  }
  m_last.push_back(line);
  if (m_last.size() >= k_last_lines) {
    m_last.pop_front();
  }
  const std::string_view text = without_timestamp(line);
  note_progress(text, text.size() != line.size());
  note_failed_unit(line);
  judge(line, text);
}

void Console::note_progress(std::string_view text, bool from_kernel) {
  const bool past_loader = m_kernel_seen || m_programs_seen;
  m_kernel_seen = m_kernel_seen || from_kernel || text.starts_with("Linux version ");
  for (const std::string_view sign :
       {"[  OK  ]", "INIT: version", "Begin: ", "systemd[1]", "Switching root", "Welcome to "}) {
    m_programs_seen =
        m_programs_seen || (contains(text, sign) && !contains(text, "Welcome to GRUB"));
  }
  const bool loader_went_on = !past_loader && (m_kernel_seen || m_programs_seen);
  const bool root_was_found = contains(text, "Switching root") || contains(text, "Switch Root");
  if (loader_went_on || root_was_found) {
    m_suspicion.reset();
  }
}

void Console::note_failed_unit(const std::string& line) {
  for (const std::string_view sign :
       {"[FAILED]", "[DEPEND]", "[ TIME ]", "Failed to start ", "Failed to mount "}) {
    if (contains(line, sign)) {
      if (m_failed.size() < k_failed_units &&
          std::find(m_failed.begin(), m_failed.end(), line) == m_failed.end()) {
        m_failed.push_back(line);
      }
      return;
    }
  }
}

void Console::judge(const std::string& line, std::string_view text) {
  if (is_login_prompt(line) || is_overwritten_prompt(line)) {
    decide(Ending::booted, line);
  }
  if (contains(text, "ALERT!") && contains(text, "does not exist")) {
    decide(Ending::root_not_found, line);
    if (m_verdict->ending == Ending::root_not_found) {
      m_verdict->evidence = line;  // comes after "Gave up waiting", and names the device
    }
  }
  if (m_verdict) {
    return;
  }
  for (const Rule& rule : k_rules) {
    if (!matches(rule, text, m_kernel_seen || m_programs_seen)) {
      continue;
    }
    if (rule.weight == Weight::certain) {
      const bool explained = m_suspicion && m_suspicion->ending == Ending::root_not_found &&
                             rule.phase == Phase::kernel;
      decide(explained ? Ending::root_not_found : rule.ending,
             explained ? m_suspicion->evidence : line);
    } else if (!m_suspicion) {
      m_suspicion = Verdict{rule.ending, line};
    }
    return;
  }
}

void Console::decide(Ending ending, std::string_view evidence) {
  if (!m_verdict) {
    m_verdict = Verdict{ending, std::string(trim(evidence))};
  }
}

std::string explain(const Verdict& verdict, const std::vector<std::string>& failed_units) {
  switch (verdict.ending) {
    case Ending::booted: return "the guest reached its login prompt";
    case Ending::no_bootloader: return "the disk has no boot loader that the firmware could start";
    case Ending::bootloader_failed:
      return "the boot loader started and did not find its own files or the kernel";
    case Ending::kernel_panic: return "the guest's kernel panicked";
    case Ending::root_not_found:
      return "the root filesystem was not found: a wrong root= or an initramfs without the driver "
             "for the new disk";
    case Ending::emergency_mode:
      return failed_units.empty() ? "the guest stopped in maintenance mode: often an fstab line "
                                    "that does not resolve"
                                  : fmt::format("the guest stopped in maintenance mode after: {}",
                                                failed_units.front());
    case Ending::guest_ended: return "the guest powered off or rebooted before its login prompt";
    case Ending::silent:
      return verdict.evidence.empty()
                 ? "nothing at all came from the guest's console"
                 : "no word from a kernel on the serial console: is console=ttyS0 among its "
                   "arguments?";
    case Ending::timed_out: return "the guest was still starting when the time limit was reached";
  }
  return {};
}

}  // namespace vmconvert::trial
