#include "guest/appliance_watch.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <sstream>

#include "base/fd.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::chrono::milliseconds k_look_every(200);

// Field 4 of /proc/PID/stat, after the program's name in brackets, which may hold anything.
pid_t parent_of(pid_t pid) {
  const std::string stat = read_text_or_empty("/proc/" + std::to_string(pid) + "/stat");
  const auto bracket = stat.rfind(')');
  if (bracket == std::string::npos) {
    return -1;
  }
  std::istringstream fields(stat.substr(bracket + 1));
  std::string state;
  pid_t parent = -1;
  fields >> state >> parent;
  return parent;
}

bool is_machine(pid_t pid, const std::string& mark) {
  if (parent_of(pid) != ::getpid()) {
    return false;
  }
  const std::string arguments = read_text_or_empty("/proc/" + std::to_string(pid) + "/cmdline");
  const std::string program = std::filesystem::path(arguments.c_str()).filename();
  return program.starts_with("qemu") && arguments.find(mark) != std::string::npos;
}

pid_t find_machine(const std::string& mark) {
  for (const std::filesystem::path& entry : list_folder("/proc")) {
    const auto pid = parse_number(entry.filename().string());
    if (pid && is_machine(static_cast<pid_t>(*pid), mark)) {
      return static_cast<pid_t>(*pid);
    }
  }
  return -1;
}

}  // namespace

ApplianceWatch::ApplianceWatch(std::string mark)
    : m_mark(std::move(mark)), m_thread([this] { run(); }) {}

ApplianceWatch::~ApplianceWatch() {
  {
    const std::lock_guard guard(m_mutex);
    m_stop = true;
  }
  m_changed.notify_all();
  m_thread.join();
}

void ApplianceWatch::arm(std::chrono::seconds limit) {
  const std::lock_guard guard(m_mutex);
  m_limit = limit;
  m_deadline.reset();
}

void ApplianceWatch::disarm() {
  const std::lock_guard guard(m_mutex);
  m_limit.reset();
  m_deadline.reset();
}

void ApplianceWatch::run() {
  std::unique_lock lock(m_mutex);
  while (!m_stop) {
    look();
    m_changed.wait_for(lock, k_look_every, [this] { return m_stop; });
  }
}

// With the mutex held.
void ApplianceWatch::look() {
  if (m_machine < 0 && (m_limit || interrupted())) {
    m_machine = find_machine(m_mark);
  }
  if (m_machine < 0) {
    return;
  }
  if (interrupted()) {
    kill_machine();
    return;
  }
  if (m_limit && !m_deadline) {
    m_deadline = Clock::now() + *m_limit;
  }
  if (m_deadline && Clock::now() >= *m_deadline) {
    m_timed_out = true;
    kill_machine();
  }
}

void ApplianceWatch::kill_machine() {
  // It may have ended by itself, and its number may be another's by now.
  if (is_machine(m_machine, m_mark)) {
    ::kill(m_machine, SIGKILL);
  }
}

}  // namespace vmconvert::guest
