// One libguestfs handle. Its messages are kept, never printed; each failure becomes an Error that
// says what was being done.
#pragma once

#include <guestfs.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/owned.hpp"
#include "guest/appliance_watch.hpp"

namespace vmconvert::guest {

class ApplianceHandle {
 public:
  // `identifier` (letters, digits, - and _) is this appliance's own: the watch knows the machine
  // by it.
  explicit ApplianceHandle(const std::string& identifier);
  ApplianceHandle(const ApplianceHandle&) = delete;
  ApplianceHandle& operator=(const ApplianceHandle&) = delete;
  ~ApplianceHandle();

  [[nodiscard]] guestfs_h* get() const { return m_handle.get(); }
  ApplianceWatch& watch() { return m_watch; }

  // For the results of libguestfs calls: -1 and null throw Error(tool_failed), or interrupted.
  void check(int result, std::string_view doing) const;
  std::string text(char* owned, std::string_view doing) const;
  std::vector<std::string> list(char** owned, std::string_view doing) const;
  [[noreturn]] void fail(std::string_view doing) const;
  [[nodiscard]] std::string last_error() const;
  [[nodiscard]] int last_errno() const { return guestfs_last_errno(m_handle.get()); }

  // The latest console output and messages.
  [[nodiscard]] std::string log() const;

 private:
  static void on_event(guestfs_h* handle, void* self, uint64_t event, int event_handle, int flags,
                       const char* text, size_t size, const uint64_t* array, size_t array_size);

  mutable std::mutex m_log_mutex;
  std::string m_log;
  Owned<guestfs_h, guestfs_close> m_handle;
  ApplianceWatch m_watch;
};

// Frees what a libguestfs call gave us.
std::vector<std::string> take_list(char** owned);

}  // namespace vmconvert::guest
