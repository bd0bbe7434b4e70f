#include "trial/console_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/log.hpp"

namespace vmconvert::trial {

ConsoleLog::ConsoleLog(const std::filesystem::path& path) {
  if (!path.empty()) {
    m_fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  }
}

void ConsoleLog::add(std::string_view line) {
  if (!m_fd) {
    return;
  }
  if (m_written + line.size() + 1 > k_limit) {
    write("[the console said more than is kept here]\n");
    m_fd.reset();
    return;
  }
  m_written += line.size() + 1;
  write(std::string(line) + '\n');
}

void ConsoleLog::write(std::string_view text) {
  while (!text.empty() && m_fd) {
    const ssize_t put = ::write(m_fd.get(), text.data(), text.size());
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno != EINTR) {
      log_warning("the console log could not be written to its end");
      m_fd.reset();
    }
  }
}

}  // namespace vmconvert::trial
