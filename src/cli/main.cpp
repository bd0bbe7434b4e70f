#include <unistd.h>

#include <cstdlib>

#include "cli/program.hpp"

// libvirt's embedded driver writes a log to stderr unless the environment says otherwise, and it
// asks the environment when it is loaded: before main(). So we start once more with it set.
static void keep_libvirt_quiet(char** argv) {
  constexpr const char* k_variable = "LIBVIRT_LOG_OUTPUTS";
  if (std::getenv(k_variable) == nullptr && ::setenv(k_variable, "4:file:/dev/null", 1) == 0) {
    ::execv("/proc/self/exe", argv);  // when it fails, a noisy log is all that is lost
  }
}

int main(int argc, char** argv) {
  keep_libvirt_quiet(argv);
  return vmconvert::cli::run_program(argc, argv);
}
