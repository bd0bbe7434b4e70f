// A guest's serial console: any bytes become lines of plain text.
#include <algorithm>

#include "fuzz.hpp"
#include "trial/line_reader.hpp"

using namespace vmconvert;

namespace {

std::vector<std::string> lines_of(std::string_view bytes, std::size_t step) {
  std::vector<std::string> found;
  trial::LineReader reader([&](const std::string& line) { found.push_back(line); });
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    reader.feed(bytes.substr(at, step));
  }
  found.push_back(reader.current());
  return found;
}

}  // namespace

FUZZ_TARGET(console) {
  const std::vector<std::string> lines = lines_of(input.text(), input.data.size() + 1);
  for (const std::string& line : lines) {
    fuzz::require(line.size() <= trial::LineReader::k_line_limit + 4, "a line that is too long");
    fuzz::require(std::none_of(line.begin(), line.end(),
                               [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
                  "a control character in a line");
  }
  fuzz::require(lines_of(input.text(), 1) == lines, "other lines when the bytes come one by one");
}
