// Work in a process of its own, for libraries that hold on to something until their process ends.
#pragma once

#include <functional>
#include <string>

namespace vmconvert {

// What `work` returns, or its Error as if it had been called here. The process is a copy of this
// one, locks and open files included, and is killed when a signal asks us to stop. `work` must not
// rely on other threads: they are not there.
std::string in_own_process(const std::function<std::string()>& work);

}  // namespace vmconvert
