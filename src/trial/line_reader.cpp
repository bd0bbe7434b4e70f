#include "trial/line_reader.hpp"

#include <utility>

#include "base/text.hpp"

namespace vmconvert::trial {
namespace {

// A sequence that does not end is text after all: a terminal would give up too.
constexpr std::size_t k_sequence_limit = 256;

// Length of the UTF-8 sequence at the start of `text`, 0 when it is not one. Overlong forms and
// surrogates count as none, so does C1 (U+0080 to U+009F): terminals take those as commands.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || length > text.size()) {
    return 0;
  }
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0U) != 0x80U) {
      return 0;
    }
  }
  const bool refused =
      length > 1 && ((lead == 0xc2 && byte(1) < 0xa0) || (lead == 0xe0 && byte(1) < 0xa0) ||
                     (lead == 0xed && byte(1) >= 0xa0) || (lead == 0xf0 && byte(1) < 0x90) ||
                     (lead == 0xf4 && byte(1) >= 0x90));
  return refused ? 0 : length;
}

std::string clean(std::string_view line) {
  std::string cleaned;
  while (!line.empty()) {
    const std::size_t length = utf8_length(line);
    if (length == 0) {
      cleaned += '?';
      line.remove_prefix(1);
    } else {
      cleaned += line.substr(0, length);
      line.remove_prefix(length);
    }
  }
  return cleaned;
}

}  // namespace

LineReader::LineReader(std::function<void(const std::string&)> on_line)
    : m_on_line(std::move(on_line)) {}

void LineReader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    take(c);
  }
}

std::string LineReader::current() const {
  return clean(m_line);
}

void LineReader::take(char c) {
  switch (m_state) {
    case State::text: take_text(c); break;
    case State::escape: take_escape(c); break;
    case State::skip_one: m_state = State::text; break;
    case State::sequence: take_sequence(c); break;
    case State::string: take_string(c); break;
    case State::string_escape: m_state = c == '\\' ? State::text : State::string; break;
  }
}

void LineReader::take_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n' || c == '\r' || c == '\f' || c == '\v') {
    end_line();
    m_jump.reset();
    m_cursor = {.row = c == '\r' ? m_cursor.row : 0, .column = 1};
  } else if (c == '\x1b') {
    m_state = State::escape;
    m_sequence_length = 0;
  } else if (c == '\b') {
    if (!m_line.empty()) {
      m_line.pop_back();
      m_cursor.column -= m_cursor.column > 1 ? 1 : 0;
    }
  } else if (c == '\t') {
    put(' ');
  } else if (byte >= 0x20 && byte != 0x7f) {
    put(c);
  }
}

void LineReader::put(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (m_jump) {
    const bool stays =
        m_jump->column == m_cursor.column && (m_cursor.row == 0 || m_jump->row == m_cursor.row);
    if (!stays) {
      end_line();
    }
    m_cursor = *m_jump;
    m_jump.reset();
  }
  m_line += c;
  m_cursor.column += (byte & 0xc0U) == 0x80U ? 0 : 1;
  // A little longer than the limit, so that a character at the cut stays whole.
  if (m_line.size() >= k_line_limit && (m_line.size() >= k_line_limit + 4 || byte < 0x80)) {
    end_line();
  }
}

void LineReader::move_cursor() {
  const auto numbers = split(m_parameters, ';');
  const auto number = [&](std::size_t at) {
    return at < numbers.size() ? parse_number(numbers[at]).value_or(1) : 1;
  };
  m_jump = Position{number(0), number(1)};
}

void LineReader::take_escape(char c) {
  m_state = State::text;
  if (c == '[') {
    m_state = State::sequence;
    m_parameters.clear();
  } else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_') {
    m_state = State::string;
  } else if (c == '(' || c == ')' || c == '*' || c == '+' || c == '#' || c == '%' || c == ' ') {
    m_state = State::skip_one;
  } else if (c == 'c' || c == 'D' || c == 'E' || c == 'M') {
    end_line();
  } else if (c == '\x1b' || c == '\n' || c == '\r') {
    take_text(c);
  }
}

void LineReader::take_sequence(char c) {
  const auto byte = static_cast<unsigned char>(c);
  ++m_sequence_length;
  if (byte >= 0x40 && byte <= 0x7e) {
    m_state = State::text;
    if (c == 'H' || c == 'f') {
      move_cursor();
    } else if (std::string_view("JABEFd").find(c) != std::string_view::npos) {
      end_line();
    }
  } else if (byte < 0x20 || byte >= 0x7f || m_sequence_length > k_sequence_limit) {
    m_state = State::text;
    take_text(c);
  } else {
    m_parameters += c;
  }
}

void LineReader::take_string(char c) {
  ++m_sequence_length;
  if (c == '\x1b') {
    m_state = State::string_escape;
  } else if (c == '\a' || c == '\n' || m_sequence_length > k_sequence_limit) {
    m_state = State::text;
    if (c == '\n') {
      end_line();
    }
  }
}

void LineReader::end_line() {
  const std::string line = clean(m_line);
  m_line.clear();
  if (!trim(line).empty()) {
    m_on_line(line);
  }
}

}  // namespace vmconvert::trial
