#include "cli/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/error.hpp"
#include "cli/exit_code.hpp"
#include "cli/progress_view.hpp"

namespace vmconvert::cli {
namespace {

using testing::HasSubstr;

struct Parsed {
  Options options;
  const CommandEntry* command = nullptr;
};

Parsed parse(std::vector<std::string> arguments) {
  Parsed parsed;
  const auto parser = make_parser(parsed.options, parsed.command);
  std::reverse(arguments.begin(), arguments.end());
  parser->parse(arguments);
  return parsed;
}

TEST(Options, ConvertTakesTheWholeContract) {
  const Parsed parsed = parse(
      {"convert", "web01.cfg", "--dir",          "/srv",    "--format", "qcow2",       "--name",
       "web",     "-t",        "qemu:///system", "--trial", "--accept", "a",           "--accept",
       "b",       "--json",    "--progress",     "none",    "-v",       "--state-dir", "/tmp/s"});
  ASSERT_NE(parsed.command, nullptr);
  EXPECT_STREQ(parsed.command->name, "convert");
  const job::Request request = to_request(parsed.options);
  EXPECT_EQ(request.source.text, "web01.cfg");
  ASSERT_TRUE(request.storage.has_value());
  const auto& folder = std::get<model::DirectoryTarget>(*request.storage);
  EXPECT_EQ(folder.folder, "/srv");
  EXPECT_EQ(folder.format, model::DiskFormat::qcow2);
  EXPECT_EQ(request.name, "web");
  EXPECT_EQ(request.target_uri, "qemu:///system");
  EXPECT_TRUE(request.trial);
  EXPECT_THAT(request.accepted, testing::ElementsAre("a", "b"));
  EXPECT_EQ(request.state_dir, "/tmp/s");
}

TEST(Options, ASnapshotHasASizeOrAPercentage) {
  const Parsed parsed = parse({"plan", "web01.xml", "--snapshot", "10%"});
  EXPECT_EQ(to_request(parsed.options).snapshot, (model::SnapshotSize{{}, 10}));
  EXPECT_FALSE(to_request(parse({"plan", "web01.xml"}).options).snapshot);
  EXPECT_THROW(parse({"plan", "web01.xml", "--snapshot", "some"}), CLI::ValidationError);
}

TEST(Options, SiteChecksRunUnlessTheCommandShowsNoFindings) {
  Options options;
  options.source = "/tmp/web01.xml";
  EXPECT_EQ(to_request(options).site_checks, "/etc/vmconvert/checks.d");
  options.checks_dir = "/srv/checks";
  EXPECT_EQ(to_request(options).site_checks, "/srv/checks");
  options.no_site_checks = true;  // inspect
  EXPECT_TRUE(to_request(options).site_checks.empty());
}

TEST(Options, NewUuidsAreAWishOfTheirOwn) {
  for (const char* command : {"check", "plan", "trial", "convert"}) {
    const job::Request request =
        to_request(parse({command, "x.cfg", "--new-uuids", "--identity-reset", "logs"}).options);
    EXPECT_TRUE(request.wishes.new_uuids) << command;
    EXPECT_THAT(request.wishes.reset, testing::ElementsAre("logs"));
    EXPECT_EQ(request.wishes.identity, model::IdentityProfile::move);
  }
  EXPECT_FALSE(to_request(parse({"plan", "x.cfg"}).options).wishes.new_uuids);
}

TEST(Options, ScrubIsAWishOfItsOwn) {
  const job::Request request =
      to_request(parse({"convert", "x.cfg", "--scrub", "--identity-keep", "logs"}).options);
  EXPECT_TRUE(request.wishes.scrub);
  EXPECT_FALSE(request.wishes.new_uuids);
  EXPECT_THAT(request.wishes.reset, testing::IsEmpty());
  EXPECT_THAT(request.wishes.keep, testing::ElementsAre("logs"));
}

TEST(Options, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(parse({"convert", "x.xml", "--formt", "raw"}), CLI::ParseError);
  EXPECT_THROW(parse({"convert", "x.xml", "--format", "vhd"}), CLI::ParseError);
  EXPECT_THROW(parse({"convert"}), CLI::ParseError);
  EXPECT_THROW(parse({}), CLI::ParseError);
}

TEST(Options, StartWithoutDefineIsAUsageError) {
  const Parsed parsed = parse({"convert", "x.xml", "--dir", "/srv", "--start", "--no-define"});
  try {
    to_request(parsed.options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(exit_code_for(error.kind()), k_exit_usage);
  }
}

TEST(ExitCodes, AreTheContract) {
  EXPECT_EQ(exit_code_for(ErrorKind::io), 1);
  EXPECT_EQ(exit_code_for(ErrorKind::bad_input), 1);
  EXPECT_EQ(exit_code_for(ErrorKind::usage), 2);
  EXPECT_EQ(exit_code_for(ErrorKind::refused), 3);
  EXPECT_EQ(exit_code_for(ErrorKind::trial_failed), 4);
  EXPECT_EQ(exit_code_for(ErrorKind::mismatch), 5);
  EXPECT_EQ(exit_code_for(ErrorKind::interrupted), 6);
  EXPECT_EQ(exit_code_for(ErrorKind::busy), 75);
}

TEST(Bar, ShowsShareRateAndTimeLeft) {
  const std::string text =
      bar_text({"copy", "vda", ByteCount{k_gib}, ByteCount{4 * k_gib}}, 2.0, 120);
  EXPECT_THAT(text, HasSubstr("25%"));
  EXPECT_THAT(text, HasSubstr("512.0 MiB/s"));
  EXPECT_THAT(text, HasSubstr("6 s left"));
  EXPECT_THAT(text, HasSubstr("[######                  ]"));
  EXPECT_LE(text.size(), 120U);
}

TEST(Bar, FitsANarrowTerminalAndHostileText) {
  const std::string text =
      bar_text({"trial", "\x1b[2J" + std::string(500, 'x'), ByteCount{5}, ByteCount{600}}, 5.0, 60);
  EXPECT_LE(text.size(), 60U);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Line, SaysWhenWhatAndHowFar) {
  EXPECT_EQ(line_text({"copy", "vda", ByteCount{k_gib}, ByteCount{4 * k_gib}}, 28.2),
            "[  28 s] copy: vda, 1.0 GiB of 4.0 GiB");
  EXPECT_EQ(line_text({"appliance", "starting", {}, {}}, 0), "[   0 s] appliance: starting");
}

TEST(Duration, ReadsAsPeopleSayIt) {
  EXPECT_EQ(duration_text(12.2), "12 s");
  EXPECT_EQ(duration_text(185), "3 min 05 s");
  EXPECT_EQ(duration_text(3720), "1 h 02 min");
}

}  // namespace
}  // namespace vmconvert::cli
