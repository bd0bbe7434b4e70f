#include "cli/journald.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace vmconvert::cli {
namespace {

constexpr std::size_t k_longest = 32U << 10U;  // far below what a Unix datagram may hold

// KEY=value, or, where the value has lines, KEY, its length in 64 bits with the lowest first, and
// it.
void add(std::string& datagram, std::string_view key, std::string value) {
  if (value.empty()) {
    return;
  }
  value.resize(std::min(value.size(), k_longest));
  datagram += key;
  if (value.find('\n') == std::string::npos) {
    datagram += '=';
  } else {
    datagram += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8) {
      datagram += static_cast<char>((std::uint64_t{value.size()} >> shift) & 0xFFU);
    }
  }
  datagram += value + '\n';
}

}  // namespace

std::string to_datagram(const JournalEntry& entry) {
  std::string datagram;
  add(datagram, "MESSAGE", printable(entry.message));
  add(datagram, "PRIORITY", fmt::format("{}", entry.priority));
  add(datagram, "SYSLOG_IDENTIFIER", "vmconvert");
  add(datagram, "VMCONVERT_COMMAND", printable(entry.command));
  add(datagram, "VMCONVERT_JOB", printable(entry.job));
  add(datagram, "VMCONVERT_GUEST", printable(entry.guest));
  add(datagram, "EXIT_STATUS", entry.exit_status);
  return datagram;
}

Journald::Journald(const std::string& socket) : m_path(socket) {
  struct stat status {};
  if (::stat(m_path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    m_fd = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  }
}

bool Journald::send(const JournalEntry& entry) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (m_fd.get() < 0 || m_path.size() >= sizeof address.sun_path) {
    return false;
  }
  std::memcpy(address.sun_path, m_path.c_str(), m_path.size());
  const std::string datagram = to_datagram(entry);
  // Not connected: a journal that is started anew is found again.
  return ::sendto(m_fd.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) == static_cast<ssize_t>(datagram.size());
}

bool is_journal_stream(int fd, const char* stream) {
  struct stat status {};
  return stream != nullptr && ::fstat(fd, &status) == 0 &&
         fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

}  // namespace vmconvert::cli
