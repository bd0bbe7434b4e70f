#include "cli/paths.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <system_error>

namespace vmconvert::cli {

ProgramPaths program_paths() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path build = VMCONVERT_BINARY_DIR;
  if (!error && self.parent_path() == build) {
    return {std::filesystem::path(VMCONVERT_SOURCE_DIR) / "templates", build / "fixers",
            build / "nbdkit", build / "vmconvert-allocation"};
  }
  // Beside the program, so that one build serves /usr/local, a package, and a chroot.
  const std::filesystem::path prefix = self.parent_path().parent_path();
  const std::filesystem::path libraries = prefix / VMCONVERT_LIBDIR;
  return {prefix / VMCONVERT_DATADIR / "templates", libraries / "fixers", libraries / "nbdkit",
          prefix / VMCONVERT_LIBEXECDIR / "vmconvert-allocation"};
}

std::filesystem::path default_state_dir() {
  const auto from_environment = [](const char* name) -> std::string_view {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
  };
  if (const auto chosen = from_environment("VMCONVERT_STATE_DIR"); !chosen.empty()) {
    return chosen;
  }
  if (::geteuid() == 0) {
    return "/var/lib/vmconvert";
  }
  if (const auto state = from_environment("XDG_STATE_HOME"); !state.empty()) {
    return std::filesystem::path(state) / "vmconvert";
  }
  return std::filesystem::path(from_environment("HOME")) / ".local/state/vmconvert";
}

std::filesystem::path state_dir_of(const std::string& given) {
  return given.empty() ? default_state_dir() : std::filesystem::absolute(given);
}

}  // namespace vmconvert::cli
