// SIGINT, SIGTERM and SIGHUP only set a flag; long loops look at it and throw, so that undoing is
// the usual path.
#pragma once

namespace vmconvert {

void install_interrupt_handlers();
bool interrupted() noexcept;
// Error(interrupted) if a signal came.
void throw_if_interrupted();

}  // namespace vmconvert
