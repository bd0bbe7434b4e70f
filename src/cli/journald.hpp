// Messages to systemd's journal, where there is one, with the job that they are about in fields of
// their own: journalctl VMCONVERT_JOB=... finds them. By its native protocol, a datagram of text:
// https://systemd.io/JOURNAL_NATIVE_PROTOCOL - for which libsystemd would be a library to load in
// every run and a dependency on hosts that have no systemd.
#pragma once

#include <string>

#include "base/fd.hpp"

namespace vmconvert::cli {

struct JournalEntry {
  int priority = 6;  // of syslog(3): 3 error, 4 warning, 6 information, 7 debugging
  std::string message;
  std::string command;      // convert, resume, ...
  std::string job;          // empty: none yet
  std::string guest;        // likewise
  std::string exit_status;  // of what ended with this message
};

// Empty fields are left out. The message is cut where a datagram would be too large.
std::string to_datagram(const JournalEntry& entry);

class Journald {
 public:
  static constexpr const char* k_socket = "/run/systemd/journal/socket";

  explicit Journald(const std::string& socket = k_socket);

  // Never waits: false where there is no journal, or it does not take the message now. A conversion
  // does not depend on it.
  bool send(const JournalEntry& entry) const;

 private:
  std::string m_path;
  Fd m_fd;
};

// Whether this descriptor is the journal already: then a line in both would be there twice.
// `stream` is what the service manager says, "DEVICE:INODE" in $JOURNAL_STREAM; may be null.
bool is_journal_stream(int fd, const char* stream);

}  // namespace vmconvert::cli
