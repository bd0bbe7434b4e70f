// What a guest's console says about its start. Pure: bytes in, verdict out, no clock of its own.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trial/line_reader.hpp"

namespace vmconvert::trial {

enum class Ending {
  booted,             // a login prompt
  no_bootloader,      // the firmware found nothing to start
  bootloader_failed,  // a loader started and did not find its parts or the kernel
  kernel_panic,
  root_not_found,  // kernel or initramfs could not mount the root filesystem, or found no init
  emergency_mode,  // a shell for maintenance instead of a normal start
  guest_ended,     // powered off or rebooted by itself
  silent,          // no word from a kernel or its programs
  timed_out,
};
const char* to_string(Ending ending);

struct Verdict {
  Ending ending = Ending::timed_out;
  std::string evidence;  // the line that proved it; the last line where none did; may be empty
};

class Console {
 public:
  // on_line sees every line once, cleaned.
  explicit Console(std::function<void(const std::string&)> on_line = {});

  void feed(std::string_view bytes);
  // To be called while nothing arrives: a prompt is one only when the guest waits behind it.
  void settle(std::chrono::milliseconds quiet);
  // The first certain verdict, and it stays; nothing as long as the start may still succeed.
  [[nodiscard]] const std::optional<Verdict>& verdict() const noexcept { return m_verdict; }
  // The verdict when the end came from outside, with `otherwise` (guest_ended, timed_out) when the
  // console gives no better reason.
  [[nodiscard]] Verdict conclude(Ending otherwise) const;

  // At most 30, the unfinished one included.
  [[nodiscard]] std::vector<std::string> last_lines() const;
  [[nodiscard]] std::string last_line() const;
  [[nodiscard]] std::string unfinished_line() const;
  // For those who watch: not one that is cut in mid-word. Empty while there is none.
  [[nodiscard]] std::string last_whole_line() const;
  // "[FAILED] Failed to start ...": at most 50, each once.
  [[nodiscard]] const std::vector<std::string>& failed_units() const noexcept { return m_failed; }

 private:
  void see(const std::string& line);
  void note_progress(std::string_view text, bool from_kernel);
  void note_failed_unit(const std::string& line);
  void judge(const std::string& line, std::string_view text);
  void decide(Ending ending, std::string_view evidence);

  LineReader m_reader;
  std::function<void(const std::string&)> m_on_line;
  std::deque<std::string> m_last;
  std::vector<std::string> m_failed;
  std::optional<Verdict> m_verdict;
  std::optional<Verdict> m_suspicion;  // not certain yet: what followed may still go well
  bool m_kernel_seen = false;
  bool m_programs_seen = false;
};

// "web01 login:" at the end of a line, nothing after it; not "Last login: ...".
bool is_login_prompt(std::string_view line);

// The likely cause and what to look at, for people.
std::string explain(const Verdict& verdict, const std::vector<std::string>& failed_units);

}  // namespace vmconvert::trial
