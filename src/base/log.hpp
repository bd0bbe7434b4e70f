// Messages for people and for the run's log. One sink per process, set by main; silent before that.
#pragma once

#include <functional>
#include <string_view>

namespace vmconvert {

enum class LogLevel { error, warning, step, detail };

using LogSink = std::function<void(LogLevel, std::string_view)>;

// Returns the sink that was set before. Thread-safe, as are the calls below.
LogSink set_log_sink(LogSink sink);

void log_warning(std::string_view message);
void log_step(std::string_view message);
void log_detail(std::string_view message);

}  // namespace vmconvert
