#include "job/site_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/temp_dir.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* k_good =
    R"({"findings": [{"id": "site-tape", "severity": "blocks", "message": "no backup of web01",)"
    R"( "remedy": "make one"}]})";

struct Folder {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  RealCommandRunner commands;

  Folder() { ::signal(SIGPIPE, SIG_IGN); }  // as the program does: see base/interrupt.cpp

  fs::path add(const std::string& name, const std::string& script,
               fs::perms mode = fs::perms(0755)) {
    const fs::path path = temp.path() / name;
    std::ofstream(path) << script;
    fs::permissions(path, mode);
    return path;
  }
  model::Findings run(const std::string& facts = "{}") {
    return run_site_checks(temp.path(), facts, commands);
  }
  std::string error() {
    try {
      run();
    } catch (const Error& error) {
      EXPECT_FALSE(error.remedy().empty());
      return error.message();
    }
    return "no error";
  }
};

TEST(SiteChecks, AreNotThereWithoutAFolder) {
  RealCommandRunner commands;
  EXPECT_THAT(run_site_checks("/no/such/folder", "{}", commands), IsEmpty());
}

TEST(SiteChecks, GetTheFactsAndAddFindings) {
  Folder folder;
  folder.add("20-second", "#!/bin/sh\necho '{\"findings\": []}'\n");
  folder.add("10-first",
             std::string("#!/bin/sh\ngrep -q web01 || exit 9\necho '") + k_good + "'\n");
  folder.add("README", "not a program", fs::perms(0644));
  folder.add("old~", "#!/bin/sh\nexit 1\n");
  const model::Findings findings = folder.run("{\"name\": \"web01\"}");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].id, "site-tape");
  EXPECT_EQ(findings[0].severity, model::Severity::blocks);
  EXPECT_EQ(findings[0].message, "no backup of web01");
  EXPECT_EQ(findings[0].remedy, "make one");
}

TEST(SiteChecks, NeedNotReadTheFacts) {
  Folder folder;
  folder.add("a", "#!/bin/sh\nexec <&-\necho '{\"findings\": []}'\n");
  EXPECT_THAT(folder.run(std::string(1U << 20U, ' ')), IsEmpty());
}

TEST(SiteChecks, ThatFailAreNamed) {
  Folder folder;
  const fs::path path = folder.add("a", "#!/bin/sh\necho 'no tape\033[31m' >&2\nexit 4\n");
  const std::string message = folder.error();
  EXPECT_THAT(message, HasSubstr(path.string()));
  EXPECT_THAT(message, HasSubstr("exit code 4: no tape\\x1b"));
}

TEST(SiteChecks, ThatPrintForEverAreStopped) {
  Folder folder;
  folder.add("a", "#!/bin/sh\nexec yes\n");
  EXPECT_THAT(folder.error(), HasSubstr("printed more than 262144 bytes"));
}

TEST(SiteChecks, ThatOthersMayChangeAreRefused) {
  Folder folder;
  folder.add("a", "#!/bin/sh\necho '{\"findings\": []}'\n", fs::perms(0777));
  EXPECT_THAT(folder.error(), HasSubstr("can be changed by others"));
}

std::string parse_error(const std::string& text) {
  try {
    parse_site_findings(text, "/etc/vmconvert/checks.d/a");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
    EXPECT_THAT(error.message(), HasSubstr("/etc/vmconvert/checks.d/a"));
    return error.message();
  }
  return "no error";
}

TEST(SiteFindings, OfAnyOtherShapeAreRefused) {
  EXPECT_THAT(parse_error(""), HasSubstr("no JSON"));
  EXPECT_THAT(parse_error("hello"), HasSubstr("no JSON"));
  EXPECT_THAT(parse_error("[]"), HasSubstr("no object"));
  EXPECT_THAT(parse_error("{\"findings\": 3}"), HasSubstr("no object"));
  EXPECT_THAT(parse_error("{\"findings\": [3]}"), HasSubstr("no object"));
  EXPECT_THAT(parse_error("{\"findings\": [{}]}"), HasSubstr("without id"));
  EXPECT_THAT(parse_error(R"({"findings": [{"id": "no-disk"}]})"), HasSubstr("'no-disk'"));
  EXPECT_THAT(parse_error(R"({"findings": [{"id": "site-"}]})"), HasSubstr("'site-'"));
  EXPECT_THAT(parse_error(R"({"findings": [{"id": "site-a", "severity": "kills"}]})"),
              HasSubstr("'kills'"));
  EXPECT_THAT(
      parse_error(R"({"findings": [{"id": "site-a", "severity": "warns", "message": ""}]})"),
      HasSubstr("message has 0 bytes"));
  EXPECT_THAT(parse_error("{\"findings\": " + std::string(100000, '[')), HasSubstr("no JSON"));
}

TEST(SiteFindings, AreCountedAndMadePrintable) {
  nlohmann::json entry = {
      {"id", "site-a"}, {"severity", "warns"}, {"message", "red \x1b[31m\nline"}, {"remedy", "do"}};
  nlohmann::json json = {{"findings", {entry}}};
  EXPECT_EQ(parse_site_findings(json.dump(), "a")[0].message, "red \\x1b[31m line");
  json["findings"] = std::vector<nlohmann::json>(101, entry);
  EXPECT_THAT(parse_error(json.dump()), HasSubstr("101 findings"));
  entry["message"] = std::string(2001, 'x');
  json["findings"] = {entry};
  EXPECT_THAT(parse_error(json.dump()), HasSubstr("2001 bytes"));
}

TEST(SiteFacts, SayWhatIsKnown) {
  model::Domain domain;
  domain.name = "web01";
  domain.disks = {{"xvda", "xen", model::DiskDevice::disk, "/srv/web01.img"}};
  std::vector<model::DiskFacts> disks(1);
  disks[0].size = ByteCount{k_gib};
  const std::vector<model::DiskCondition> conditions(1);
  const model::Findings findings = {{"no-space", model::Severity::blocks, "full", "free some"}};
  SiteFacts facts{domain, disks, conditions, findings, nullptr, "", "web01", "", "", {}};
  nlohmann::json json = nlohmann::json::parse(to_site_json(facts));
  EXPECT_EQ(json["phase"], "outside");
  EXPECT_EQ(json["source"]["disks"][0]["size_bytes"], k_gib);
  EXPECT_EQ(json["findings"][0]["id"], "no-space");
  EXPECT_TRUE(json["guest"].is_null());
  model::GuestFacts guest;
  guest.hostname = "\xff\xfe";
  facts.guest = &guest;
  json = nlohmann::json::parse(to_site_json(facts));
  EXPECT_EQ(json["phase"], "inside");
  EXPECT_EQ(json["guest"]["hostname"], "\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace vmconvert::job
