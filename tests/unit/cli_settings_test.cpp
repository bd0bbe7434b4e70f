#include "cli/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/completion.hpp"

namespace vmconvert::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Options read(std::string_view text) {
  Options options;
  apply_settings_text(options, text, "site.toml");
  return options;
}

std::string error_of(std::string_view text) {
  try {
    read(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return to_text(error);
  }
  return "no error";
}

TEST(Settings, SetWhatOptionsHaveBeforeTheCommandLine) {
  const Options options = read(
      "state_dir = \"/srv/state\"\nrate_limit = \"50M\"\ntrial_limit = 90\n"
      "fixers = [\"/a\", \"/b\"]\nchecksum = \"sha256\"\n");
  EXPECT_EQ(options.state_dir, "/srv/state");
  EXPECT_EQ(options.rate_limit, 50U << 20U);
  EXPECT_EQ(options.trial_limit, 90U);
  EXPECT_EQ(options.checksum, "sha256");
  EXPECT_THAT(options.fixers, testing::ElementsAre("/a", "/b"));
}

TEST(Settings, SayWhereEachCameFrom) {
  Options options = read("\nchecksum = \"sha256\"\nprogress = \"none\"\n");
  options.progress = "json";  // as the command line would
  const std::string text = settings_to_text(options);
  EXPECT_THAT(text, HasSubstr("# site.toml, line 2"));
  EXPECT_THAT(text, testing::ContainsRegex("progress *= \"json\" *# command line"));
  EXPECT_THAT(text, testing::ContainsRegex("rate_limit *= 0 *# default"));
  EXPECT_THAT(settings_to_json(options), HasSubstr("site.toml, line 2"));
}

TEST(Settings, NameFileAndLineOfAMistake) {
  EXPECT_THAT(error_of("\n\nstatedir = \"/x\"\n"),
              AllOf(HasSubstr("site.toml, line 3"), HasSubstr("statedir"), HasSubstr("state_dir")));
  EXPECT_THAT(error_of("state_dir = \"relative\""), HasSubstr("line 1"));
  EXPECT_THAT(error_of("checksum = \"md5\""), HasSubstr("xxh3, sha256"));
  EXPECT_THAT(error_of("rate_limit = \"fast\""), HasSubstr("rate_limit"));
  EXPECT_THAT(error_of("rate_limit = -1"), HasSubstr("rate_limit"));
  EXPECT_THAT(error_of("trial_limit = 99999999"), HasSubstr("86400"));
  EXPECT_THAT(error_of("fixers = \"/a\""), HasSubstr("list"));
  EXPECT_THAT(error_of("progress = \n"), HasSubstr("line 1"));
  EXPECT_THAT(error_of("state_dir = \"/x\\u001b[2J\""), HasSubstr("plain text"));
}

// What the example shows as defaults are the defaults: with every # taken away, nothing changes.
TEST(Settings, TheExampleHoldsTheDefaults) {
  std::string all;
  for (const std::string& line : lines(example_settings())) {
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ') {
      all += line.substr(1) + "\n";
    }
  }
  const Options options = read(all);
  const Options fresh;
  EXPECT_EQ(options.state_dir, "/var/lib/vmconvert");
  EXPECT_EQ(options.rate_limit, fresh.rate_limit);
  EXPECT_EQ(options.checksum, fresh.checksum);
  EXPECT_EQ(options.progress, fresh.progress);
  EXPECT_EQ(options.fixers, fresh.fixers);
  EXPECT_GE(options.settings.size(), 8U);
}

TEST(Completion, NamesEachCommandAndOptionForEachShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(shell);
    for (const CommandEntry& command : command_table()) {
      EXPECT_THAT(script, HasSubstr(command.name)) << shell;
    }
    EXPECT_THAT(script, HasSubstr("trial-limit")) << shell;
    EXPECT_THAT(script, HasSubstr("raw qcow2")) << shell;
    EXPECT_THAT(script, HasSubstr("bash zsh fish")) << shell;
    EXPECT_THAT(script, HasSubstr("vmconvert jobs")) << shell;
  }
  EXPECT_THROW(completion_script("csh"), Error);
}

TEST(Completion, QuotesApostrophesOfHelp) {
  EXPECT_THAT(completion_script("fish"), HasSubstr("source'\\''s"));
  EXPECT_THAT(completion_script("zsh"), Not(HasSubstr(" source's ")));
}

}  // namespace
}  // namespace vmconvert::cli
