// A fake `lvm` and the recorded reports, for the tests of host/lvm and its neighbours.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/subprocess.hpp"
#include "test_paths.hpp"
#include "unit/error_of.hpp"

namespace vmconvert::host {

inline std::string recorded(const std::string& name) {
  return read_text_file(test::source_dir() / "tests/recorded/lvm" / name);
}

// Answers by the word after "lvm"; fails the test for a word without an answer.
class FakeLvm final : public CommandRunner {
 public:
  using Answer = std::function<CommandResult(const Command&)>;

  static CommandResult result(std::string out, int exit_code = 0, std::string err = {}) {
    CommandResult result;
    result.exit_code = exit_code;
    result.out = std::move(out);
    result.err = std::move(err);
    return result;
  }

  void answer(const std::string& word, std::string out, int exit_code = 0, std::string err = {}) {
    answers[word] = [given = result(std::move(out), exit_code, std::move(err))](const Command&) {
      return given;
    };
  }

  CommandResult run(const Command& command) override {
    seen.push_back(command);
    const auto found = answers.find(command.argv.at(1));
    if (command.argv.at(0) != "lvm" || found == answers.end()) {
      ADD_FAILURE() << "unexpected: " << command.argv.at(0) << " " << command.argv.at(1);
      return result({}, 127);
    }
    return found->second(command);
  }

  // The commands with this word.
  [[nodiscard]] std::vector<Command> all(const std::string& word) const {
    std::vector<Command> found;
    std::copy_if(seen.begin(), seen.end(), std::back_inserter(found),
                 [&](const Command& command) { return command.argv.at(1) == word; });
    return found;
  }

  std::map<std::string, Answer> answers;
  std::vector<Command> seen;
};

}  // namespace vmconvert::host
