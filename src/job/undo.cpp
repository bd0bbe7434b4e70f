#include "job/undo.hpp"

#include <fmt/format.h>

#include <exception>

#include "base/log.hpp"

namespace vmconvert::job {

Undo::~Undo() {
  for (auto action = m_actions.rbegin(); action != m_actions.rend(); ++action) {
    try {
      log_detail(fmt::format("undo: {}", action->first));
      action->second();
    } catch (const std::exception& error) {
      log_warning(fmt::format("{} failed: {}", action->first, error.what()));
    }
  }
}

}  // namespace vmconvert::job
