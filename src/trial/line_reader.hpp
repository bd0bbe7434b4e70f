// Bytes of a serial console -> plain lines. The guest is not to be trusted: any bytes, any amount.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace vmconvert::trial {

// Escape sequences, colours and cursor movements are taken out; a jump of the cursor and a carriage
// return end a line, since what follows would overwrite it. A jump to where the cursor stands
// anyway is none: SeaBIOS makes one amid words. Blank lines are left out. Lines are valid UTF-8
// without control characters and at most k_line_limit bytes long: longer ones are cut into several.
// Memory use is bounded.
class LineReader {
 public:
  static constexpr std::size_t k_line_limit = 1024;

  explicit LineReader(std::function<void(const std::string&)> on_line);

  void feed(std::string_view bytes);
  // The line that has not ended yet, cleaned, trailing blanks kept: where a prompt stands.
  [[nodiscard]] std::string current() const;

 private:
  enum class State { text, escape, skip_one, sequence, string, string_escape };

  void take(char c);
  void take_text(char c);
  void take_escape(char c);
  void take_sequence(char c);
  void take_string(char c);
  void move_cursor();
  void put(char c);
  void end_line();

  std::function<void(const std::string&)> m_on_line;
  std::string m_line;
  State m_state = State::text;
  std::size_t m_sequence_length = 0;
  std::string m_parameters;  // of the control sequence that is being read
  // One-based, as terminals count. Row 0: not known.
  struct Position {
    unsigned long long row = 0;
    unsigned long long column = 1;
  };
  Position m_cursor;
  std::optional<Position> m_jump;  // takes place when something is written there
};

}  // namespace vmconvert::trial
