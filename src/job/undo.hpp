// What has to be taken back when a later step fails: run last to first, unless all went well.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace vmconvert::job {

class Undo {
 public:
  Undo() = default;
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo();  // takes back; an action that fails is logged, and the others still run

  // `what` for the log: "removing /srv/web01.xml".
  void add(std::string what, std::function<void()> action) {
    m_actions.emplace_back(std::move(what), std::move(action));
  }
  void all_went_well() { m_actions.clear(); }

 private:
  std::vector<std::pair<std::string, std::function<void()>>> m_actions;
};

}  // namespace vmconvert::job
