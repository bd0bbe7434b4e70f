#include "base/log.hpp"

#include <mutex>
#include <utility>

namespace vmconvert {
namespace {

// The only state of the process that is not passed around: where its messages go.
struct Log {
  std::mutex mutex;
  LogSink sink;
};

Log& the_log() {
  static Log log;
  return log;
}

void emit(LogLevel level, std::string_view message) {
  Log& log = the_log();
  const std::lock_guard guard(log.mutex);
  if (log.sink) {
    log.sink(level, message);
  }
}

}  // namespace

LogSink set_log_sink(LogSink sink) {
  Log& log = the_log();
  const std::lock_guard guard(log.mutex);
  return std::exchange(log.sink, std::move(sink));
}

void log_warning(std::string_view message) {
  emit(LogLevel::warning, message);
}
void log_step(std::string_view message) {
  emit(LogLevel::step, message);
}
void log_detail(std::string_view message) {
  emit(LogLevel::detail, message);
}

}  // namespace vmconvert
