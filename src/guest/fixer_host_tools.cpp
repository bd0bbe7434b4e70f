// What a fixer may use of the hypervisor host: few programs, few files.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "guest/fixer_session.hpp"
#include "guest/regular_file.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;

// Whether `path` is `allowed` or below it; both without links and dots.
bool is_within(const fs::path& path, const fs::path& allowed) {
  return std::mismatch(allowed.begin(), allowed.end(), path.begin(), path.end()).first ==
         allowed.end();
}

// Links are resolved on both sides: a link inside an allowed folder opens no other one.
bool is_allowed(const fs::path& real_path, const std::vector<fs::path>& allowed) {
  return std::any_of(allowed.begin(), allowed.end(), [&](const fs::path& one) {
    std::error_code error;
    const fs::path real_one = fs::canonical(one, error);
    return !error && is_within(real_path, real_one);
  });
}

}  // namespace

std::string run_host_tool(FixerSession& session, const std::vector<std::string>& argv) {
  const auto& allowed = session.options.host_tools;
  if (argv.empty() || std::find(allowed.begin(), allowed.end(), argv.front()) == allowed.end()) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the fixer {} may not run \"{}\" on this host; allowed: {}",
                            session.fixer, printable(join(argv, " ")), join(allowed, ", ")));
  }
  Command command{argv};
  command.timeout = session.options.host_tool_limit;
  return run_or_throw(session.host_commands, command);
}

std::string read_host_file(const FixerSession& session, const std::string& path,
                           std::uint64_t limit) {
  if (!fs::path(path).is_absolute()) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the host file \"{}\" is no absolute path", printable(path)));
  }
  std::error_code error;
  const fs::path real_path = fs::canonical(path, error);
  if (error) {
    throw Error(ErrorKind::not_found,
                fmt::format("opening {} on this host: {}", printable(path), error.message()));
  }
  if (!is_allowed(real_path, session.options.host_files)) {
    throw Error(ErrorKind::bad_input, fmt::format("the fixer {} may not read {} of this host",
                                                  session.fixer, printable(path)));
  }
  // O_NOFOLLOW: the name was resolved; what became a link since then is not followed.
  return read_regular_file(open_file(real_path, O_PATH | O_NOFOLLOW), limit, path);
}

}  // namespace vmconvert::guest
