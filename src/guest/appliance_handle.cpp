#include "guest/appliance_handle.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_log_limit = 64U << 10U;

guestfs_h* make_handle() {
  // Nobody's LIBGUESTFS_* variables may change what we do.
  guestfs_h* handle = guestfs_create_flags(GUESTFS_CREATE_NO_ENVIRONMENT);
  if (handle == nullptr) {
    throw Error(ErrorKind::tool_failed, "libguestfs gave no handle: out of memory");
  }
  return handle;
}

}  // namespace

std::vector<std::string> take_list(char** owned) {
  std::vector<std::string> result;
  for (char** item = owned; item != nullptr && *item != nullptr; ++item) {
    result.emplace_back(*item);
    std::free(*item);
  }
  std::free(owned);
  return result;
}

ApplianceHandle::ApplianceHandle(const std::string& identifier)
    : m_handle(make_handle()), m_watch("guestfs_identifier=" + identifier) {
  guestfs_set_error_handler(m_handle.get(), nullptr, nullptr);
  const uint64_t events = GUESTFS_EVENT_APPLIANCE | GUESTFS_EVENT_LIBRARY | GUESTFS_EVENT_WARNING;
  check(guestfs_set_event_callback(m_handle.get(), on_event, events, 0, this),
        "listening to the appliance");
  check(guestfs_set_identifier(m_handle.get(), identifier.c_str()), "naming the appliance");
}

ApplianceHandle::~ApplianceHandle() {
  // Events still come while the handle is closed: it goes before what they write to.
  m_handle.reset();
}

void ApplianceHandle::on_event(guestfs_h* /*handle*/, void* self, uint64_t /*event*/,
                               int /*event_handle*/, int /*flags*/, const char* text, size_t size,
                               const uint64_t* /*array*/, size_t /*array_size*/) {
  try {
    auto& me = *static_cast<ApplianceHandle*>(self);
    const std::lock_guard guard(me.m_log_mutex);
    me.m_log.append(text, size);
    if (me.m_log.size() > 2 * k_log_limit) {
      me.m_log.erase(0, me.m_log.size() - k_log_limit);
    }
  } catch (const std::exception&) {
    // No memory for a message: losing it is all that can be done inside a C callback.
  }
}

std::string ApplianceHandle::log() const {
  const std::lock_guard guard(m_log_mutex);
  return m_log;
}

std::string ApplianceHandle::last_error() const {
  const char* text = guestfs_last_error(m_handle.get());
  return text == nullptr ? std::string("no reason given") : printable(trim(text));
}

void ApplianceHandle::fail(std::string_view doing) const {
  throw_if_interrupted();
  if (m_watch.timed_out()) {
    throw Error(ErrorKind::tool_failed,
                fmt::format("{}: took too long, so the appliance was stopped", doing));
  }
  throw Error(ErrorKind::tool_failed, fmt::format("{}: {}", doing, last_error()));
}

void ApplianceHandle::check(int result, std::string_view doing) const {
  if (result == -1) {
    fail(doing);
  }
}

std::string ApplianceHandle::text(char* owned, std::string_view doing) const {
  if (owned == nullptr) {
    fail(doing);
  }
  const Owned<char, std::free> holder(owned);
  return owned;
}

std::vector<std::string> ApplianceHandle::list(char** owned, std::string_view doing) const {
  if (owned == nullptr) {
    fail(doing);
  }
  return take_list(owned);
}

}  // namespace vmconvert::guest
