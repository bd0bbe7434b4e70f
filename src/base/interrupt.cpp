#include "base/interrupt.hpp"

#include <csignal>

#include "base/error.hpp"

namespace vmconvert {
namespace {

volatile std::sig_atomic_t interrupt_signal = 0;

void remember(int signal) {
  interrupt_signal = signal;
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = remember;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    ::sigaction(signal, &action, nullptr);
  }
  ::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() noexcept {
  return interrupt_signal != 0;
}

void throw_if_interrupted() {
  if (interrupted()) {
    throw Error(ErrorKind::interrupted, "interrupted by a signal");
  }
}

}  // namespace vmconvert
