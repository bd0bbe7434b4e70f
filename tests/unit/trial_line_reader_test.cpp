#include "trial/line_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vmconvert::trial {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Read {
  std::vector<std::string> lines;
  std::string current;
};

Read read(std::string_view bytes, std::size_t chunk = std::string_view::npos) {
  Read found;
  LineReader reader([&](const std::string& line) { found.lines.push_back(line); });
  for (std::size_t at = 0; at < bytes.size(); at += std::min(chunk, bytes.size())) {
    reader.feed(bytes.substr(at, chunk));
  }
  found.current = reader.current();
  return found;
}

TEST(LineReader, EndsLinesAtNewlinesReturnsAndCursorJumps) {
  EXPECT_THAT(read("a\r\nb\n\n\nc\rd\x1b[2;1He\x1b[Jf").lines,
              ElementsAre("a", "b", "c", "d", "e"));
}

TEST(LineReader, JoinsWhatSeaBiosWritesAroundAJumpToWhereTheCursorIs) {
  EXPECT_THAT(
      read("\x1b[01;01H\x1b[2JBooting\r\n\r\nLoading Linux 6.1.0\x1b[03;19H\x1b[03;20H-56 ..."
           "\r\ngrub res\x1b[04;08H\x1b[04;09Hcue> \x1b[05;14Helsewhere\n")
          .lines,
      ElementsAre("Booting", "Loading Linux 6.1.0-56 ...", "grub rescue> ", "elsewhere"));
  EXPECT_THAT(read("\x1b[7;3Ha\x1b[8;4Hb\x1b[99999999999999999999;4Hc\x1b[Hd\n").lines,
              ElementsAre("a", "b", "c", "d"));
}

TEST(LineReader, KeepsTheUnfinishedLineWithItsBlanks) {
  EXPECT_EQ(read("x\nweb01 login: ").current, "web01 login: ");
  EXPECT_EQ(read("x\n").current, "");
}

TEST(LineReader, TakesOutSequencesHoweverTheyAreCut) {
  const std::string_view bytes =
      "\x1b"
      "c\x1b[?7l\x1b[0m[\x1b[0;32m  OK  \x1b[0m] Started \x1b]0;title\x07Getty\x1b(B"
      "\x1bP1;2|x\x1b\\ on\btyS0.\r\n";
  for (std::size_t chunk = 1; chunk < 8; ++chunk) {
    EXPECT_THAT(read(bytes, chunk).lines, ElementsAre("[  OK  ] Started Getty otyS0.")) << chunk;
  }
}

TEST(LineReader, ReturnsToTextAfterASequenceThatDoesNotEnd) {
  EXPECT_THAT(read("\x1b]0;no end\nnext\n").lines, ElementsAre("next"));
  EXPECT_THAT(read("\x1b[12\nnext\n").lines, ElementsAre("next"));
  EXPECT_THAT(read("\x1b]" + std::string(5000, 'x') + "\nnext\n").lines, testing::Contains("next"));
}

TEST(LineReader, CutsALineOfAMegabyteAndForgetsIt) {
  const Read found = read(std::string(1U << 20U, 'a') + "\nend\n");
  EXPECT_EQ(found.lines.size(), 1025U);
  EXPECT_EQ(found.lines.back(), "end");
  for (const std::string& line : found.lines) {
    EXPECT_LE(line.size(), LineReader::k_line_limit + 4);
  }
}

TEST(LineReader, GivesValidUtf8WithoutControlCharacters) {
  EXPECT_THAT(
      read("\xe2\x97\x8f caf\xc3\xa9 \xff\xc3( \xc2\x9b\x31m \xed\xa0\x80\x01\x7f.\n").lines,
      ElementsAre("\xe2\x97\x8f caf\xc3\xa9 ?\?( ?\?1m ?\?\?."));
  EXPECT_THAT(read(std::string_view("\0\0 \0\n", 5)).lines, IsEmpty());
}

}  // namespace
}  // namespace vmconvert::trial
