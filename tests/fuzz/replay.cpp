// fuzz-replay [NAME...]: gives each fuzz target the files of its corpus, without any fuzzing. A
// corpus without a target, and a target without a corpus, are failures, too.
#include <algorithm>
#include <cstdio>
#include <map>
#include <vector>

#include "base/fd.hpp"
#include "fuzz.hpp"
#include "test_paths.hpp"

namespace vmconvert::fuzz {
namespace {

namespace fs = std::filesystem;

std::map<std::string, Body>& targets() {
  static std::map<std::string, Body> all;
  return all;
}

fs::path corpora() {
  return test::source_dir() / "tests" / "fuzz" / "corpus";
}

// How many files it has.
std::size_t replay(const std::string& name, Body body) {
  std::vector<fs::path> files;
  if (fs::is_directory(corpora() / name)) {
    for (const auto& entry : fs::directory_iterator(corpora() / name)) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    // Whoever ends the program now is named by the last line.
    std::printf("%s: %s\n", name.c_str(), file.filename().c_str());
    std::fflush(stdout);
    const std::string content = read_text_file(file);
    // A block of exactly this size: AddressSanitizer sees the first byte behind it.
    const std::vector<std::uint8_t> bytes(content.begin(), content.end());
    run_one(body, {bytes});
  }
  run_one(body, {});
  return files.size();
}

int replay_all(std::vector<std::string> names) {
  int bad = 0;
  if (names.empty()) {
    for (const auto& [name, body] : targets()) {
      names.push_back(name);
    }
    for (const auto& entry : fs::directory_iterator(corpora())) {
      if (!targets().contains(entry.path().filename())) {
        std::printf("%s: a corpus without a target\n", entry.path().c_str());
        bad = 1;
      }
    }
  }
  for (const std::string& name : names) {
    const auto target = targets().find(name);
    if (target == targets().end() || replay(name, target->second) == 0) {
      std::printf("%s: no such target, or no corpus\n", name.c_str());
      bad = 1;
    }
  }
  return bad;
}

}  // namespace

Registration::Registration(const char* name, Body body) {
  targets().emplace(name, body);
}

}  // namespace vmconvert::fuzz

int main(int argc, char** argv) {
  return vmconvert::fuzz::replay_all({argv + 1, argv + argc});
}
