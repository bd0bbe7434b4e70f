// Blueprints: what they say, every mistake in them, and the ones that we write.
#include "batch/blueprint.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "batch/blueprint_keys.hpp"
#include "batch/blueprint_write.hpp"
#include "batch/nearest.hpp"

namespace vmconvert::batch {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

BlueprintFile parse(std::string_view text) {
  return parse_blueprint(text, "/etc/vmconvert/night.toml");
}

std::vector<std::string> problems(std::string_view text) {
  std::vector<std::string> found;
  for (const Problem& problem : parse(text).problems) {
    found.push_back(to_text(problem));
  }
  return found;
}

constexpr const char* k_two = R"(
[batch]
jobs = 4
window = ["22:00-05:00"]
rate_limit_during = { "08:00-18:00" = "20M" }
[defaults]
vg = "vg0"
thin_pool = "thin"
trial = true
memory = "2 GiB"
[defaults.network]
bridges = { xenbr0 = "br0" }
[[guest]]
source = "/etc/xen/web01.cfg"
memory = 1073741824
accept = ["no-kernel"]
[[guest]]
source = "db.xml"
name = "db"
dir = "images"
order = 1
[guest.network]
mac = "new"
[[guest.hook]]
when = "before-copy"
run = ["/bin/true", "a b"]
limit = 5
on_failure = "go-on"
)";

// PVH and HVM are kinds of Xen guest: of what goes to KVM, the line is named, in the defaults as
// well.
TEST(Blueprint, ATypeNeedsXen) {
  const BlueprintFile good = parse(R"(
[defaults]
to = "xen"
type = "pvh"
[[guest]]
source = "a.cfg"
[[guest]]
source = "b.cfg"
type = "keep"
[[guest]]
source = "c.cfg"
type = "hvm"
)");
  ASSERT_THAT(good.problems, IsEmpty());
  EXPECT_EQ(good.guests[0].adjustments().xen_type, model::XenType::pvh);
  EXPECT_EQ(good.guests[1].adjustments().xen_type, model::XenType::keep);
  EXPECT_EQ(good.guests[2].adjustments().xen_type, model::XenType::hvm);
  for (const char* text : {"[[guest]]\nsource = \"a.cfg\"\ntype = \"pvh\"\n",
                           "[defaults]\nto = \"kvm\"\ntype = \"pvh\"\n",
                           "[[guest]]\nsource = \"a.cfg\"\ntype = \"hvm\"\n"}) {
    const BlueprintFile bad = parse(text);
    ASSERT_EQ(bad.problems.size(), 1U) << text;
    EXPECT_EQ(bad.problems[0].line, 3U);
    EXPECT_THAT(to_text(bad.problems[0]), HasSubstr("\"type\""));
    EXPECT_THAT(to_text(bad.problems[0]), Not(HasSubstr("meant")));
  }
}

TEST(Blueprint, TheGuestWinsOverTheDefaults) {
  const BlueprintFile file = parse(k_two);
  ASSERT_THAT(file.problems, IsEmpty());
  EXPECT_EQ(file.batch.number("jobs", 1), 4U);
  EXPECT_THAT(file.batch.texts("window"), ElementsAre("22:00-05:00"));
  ASSERT_EQ(file.guests.size(), 2U);
  const GuestBlueprint& web = file.guests[0];
  EXPECT_EQ(web.label(), "web01");
  EXPECT_EQ(web.text("vg"), "vg0");
  EXPECT_TRUE(web.flag("trial", false));
  EXPECT_EQ(web.adjustments().memory, ByteCount{k_gib});
  EXPECT_EQ(web.adjustments().bridges.at("xenbr0"), "br0");
  EXPECT_EQ(web.adjustments().macs, model::MacPolicy::keep);
  const GuestBlueprint& db = file.guests[1];
  EXPECT_EQ(db.label(), "db");
  EXPECT_EQ(db.text("source"), "/etc/vmconvert/db.xml");
  // Another kind of place: nothing is left of the one in the defaults.
  EXPECT_EQ(db.text("dir"), "/etc/vmconvert/images");
  EXPECT_EQ(db.text("vg"), "");
  EXPECT_EQ(db.text("thin_pool"), "");
  EXPECT_EQ(db.adjustments().macs, model::MacPolicy::fresh);
  EXPECT_EQ(db.adjustments().bridges.at("xenbr0"), "br0");
  ASSERT_EQ(db.hooks.size(), 1U);
  EXPECT_EQ(
      db.hooks[0],
      (model::Hook{
          model::HookPoint::before_copy, {"/bin/true", "a b"}, 5, model::HookFailure::go_on}));
}

TEST(Blueprint, EveryMistakeIsNamedAtOnce) {
  const auto found = problems(R"([batch]
job = 4
window = ["never"]
[defaults]
memroy = "2 GiB"
vcpus = "two"
name = "x"
[[guest]]
source = "/a.cfg"
format = "qcow"
memory = "900000 TiB"
trial = 1
[guest.network]
mac = "nwe"
bridges = "br0"
[[guest]]
name = "b"
dir = "/a"
vg = "b"
start = true
define = false
[[guest.hook]]
run = ["true"]
)");
  EXPECT_THAT(
      found,
      testing::UnorderedElementsAre(
          AllOf(HasSubstr("night.toml:2:"), HasSubstr("\"job\""), HasSubstr("\"jobs\" meant")),
          AllOf(HasSubstr(":3:"), HasSubstr("never"), HasSubstr("no time of the week")),
          AllOf(HasSubstr(":5:"), HasSubstr("memroy"), HasSubstr("\"memory\" meant")),
          AllOf(HasSubstr(":6:"), HasSubstr("a text, it has to be a whole number")),
          AllOf(HasSubstr(":7:"), HasSubstr("belongs to one [[guest]]")),
          AllOf(HasSubstr(":10:"), HasSubstr("qcow2")),
          AllOf(HasSubstr(":11:"), HasSubstr("out of range")),
          AllOf(HasSubstr(":12:"), HasSubstr("true or false")),
          AllOf(HasSubstr(":14:"), HasSubstr("\"new\" meant")),
          AllOf(HasSubstr(":15:"), HasSubstr("a table of texts")),
          AllOf(HasSubstr(":16:"), HasSubstr("no \"source\"")),
          AllOf(HasSubstr(":19:"), HasSubstr("several places"), HasSubstr("dir, vg")),
          AllOf(HasSubstr(":20:"), HasSubstr("\"start\" needs")),
          AllOf(HasSubstr(":22:"), HasSubstr("a hook needs \"when\"")),
          AllOf(HasSubstr(":23:"), HasSubstr("full path"))));
}

TEST(Blueprint, NotTomlNamesTheLine) {
  EXPECT_THAT(problems("[batch]\njobs = = 2\n"), ElementsAre(HasSubstr("night.toml:2: not TOML")));
}

TEST(Blueprint, HostileTextIsBounded) {
  EXPECT_THAT(problems(fmt::format("[[guest]]\nsource = \"{}\"\n", std::string(5000, 'x'))),
              testing::Contains(HasSubstr("5000 bytes")));
  EXPECT_THAT(problems("[[guest]]\nsource = \"a\\u001b[2J\"\n"),
              testing::Contains(HasSubstr("control character")));
  EXPECT_THAT(problems("\"\\u001b[2J\" = 1\n"), ElementsAre(testing::Not(HasSubstr("\x1b"))));
  std::string many;
  for (int i = 0; i < 10001; ++i) {
    many += "[[guest]]\n";
  }
  EXPECT_THAT(problems(many), ElementsAre(HasSubstr("10001 guests")));
  std::string wrong = "[defaults]\n";
  for (int i = 0; i < 5000; ++i) {
    wrong += fmt::format("k{} = 1\n", i);
  }
  EXPECT_EQ(problems(wrong).size(), 200U);
  EXPECT_THAT(problems("a = " + std::string(100000, '[')), ElementsAre(HasSubstr("not TOML")));
}

TEST(Blueprint, OneLabelForTwoGuestsIsAMistake) {
  EXPECT_THAT(problems("[[guest]]\nsource = \"/a/web.cfg\"\n[[guest]]\nsource = \"/b/web.xml\"\n"),
              ElementsAre(AllOf(HasSubstr(":3:"), HasSubstr("\"web\""), HasSubstr("line 1"))));
}

TEST(Blueprint, AGuestIsPickedByNameOrSource) {
  const BlueprintFile file = parse(k_two);
  EXPECT_EQ(pick_guest(file, "db").text("name"), "db");
  EXPECT_EQ(pick_guest(file, "/etc/xen/web01.cfg").label(), "web01");
  EXPECT_EQ(pick_guest(file, "web01").label(), "web01");
  try {
    static_cast<void>(pick_guest(file, "mail"));
    FAIL() << "mail was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.remedy(), HasSubstr("web01, db"));
  }
  EXPECT_EQ(pick_guest(parse("[defaults]\nvg = \"v\"\n"), "any").text("vg"), "v");
}

TEST(Blueprint, SizesHaveUnits) {
  EXPECT_EQ(parse_size("4 GiB"), 4 * k_gib);
  EXPECT_EQ(parse_size("512M"), 512 * k_mib);
  EXPECT_EQ(parse_size("20MB"), 20 * k_mib);
  EXPECT_EQ(parse_size("123"), 123U);
  for (const char* bad : {"", "G", "-1", "1.5G", "4 XiB", "99999999999T", "4 G G"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
}

TEST(Blueprint, WhatIsWrittenIsReadAgain) {
  const BlueprintFile file = parse(k_two);
  for (const GuestBlueprint& guest : file.guests) {
    const BlueprintFile again = parse(to_toml(guest));
    ASSERT_THAT(again.problems, IsEmpty()) << to_toml(guest);
    ASSERT_EQ(again.guests.size(), 1U);
    EXPECT_EQ(to_toml(again.guests[0]), to_toml(guest));
    EXPECT_EQ(again.guests[0].hooks, guest.hooks);
    EXPECT_EQ(again.guests[0].adjustments(), guest.adjustments());
  }
}

TEST(Blueprint, ANewOneHasEveryKeyAndNoMistake) {
  GuestReading reading;
  reading.source = "/etc/xen/we\"ird\n.cfg";
  reading.source = "/etc/xen/we\"ird.cfg";
  reading.domain.name = "web01";
  reading.domain.memory = ByteCount{512 * k_mib};
  reading.domain.vcpus = 3;
  reading.domain.nics = {{"00:16:3e:00:00:01", "xenbr0"}};
  reading.findings = {{"no-kernel", model::Severity::blocks, "a\nb = 1", "", false}};
  const std::string text = new_blueprint(reading);
  const BlueprintFile file = parse(text);
  ASSERT_THAT(file.problems, IsEmpty()) << text;
  ASSERT_EQ(file.guests.size(), 1U);
  EXPECT_EQ(file.guests[0].text("source"), reading.source);
  EXPECT_EQ(file.guests[0].adjustments().vcpus, 3U);
  EXPECT_EQ(file.guests[0].adjustments().bridges.at("xenbr0"), "xenbr0");
  for (const KeyEntry& key : blueprint_keys()) {
    EXPECT_THAT(text, HasSubstr(key.name.substr(key.name.find('.') + 1) + " = ")) << key.name;
  }
  // What is commented out is right, too.
  std::string active;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    if (line.starts_with('#') && !line.starts_with("# ")) {
      line.erase(0, 1);
    }
    active += line + "\n";
    at = end + 1;
  }
  // Two kinds of places are too many; that is all there is to say against it.
  EXPECT_THAT(parse(active).problems,
              testing::Each(testing::Field(&Problem::message, HasSubstr("several places"))))
      << active;
}

TEST(Blueprint, AddressesAndNamesAreCheckedInTheirLines) {
  const BlueprintFile good = parse(R"([defaults]
identity = "clone"
identity_keep = ["ssh-host"]
bad_sectors = "map"
[defaults.network]
gateway = ["10.1.0.1", "2001:db8::1"]
[[guest]]
source = "a.cfg"
hostname = "web01.example.org"
[guest.network]
addresses = { "10.0.0.5" = "10.1.0.5/24", "2001:db8::5" = "2001:db8:1::5" }
)");
  ASSERT_THAT(good.problems, IsEmpty());
  EXPECT_THAT(good.guests[0].changes(),
              ElementsAre("10.0.0.5=10.1.0.5/24", "2001:db8::5=2001:db8:1::5"));
  const BlueprintFile bad = parse(R"([defaults]
identity = "clon"
identity_keep = ["ssh-host"]
identity_reset = ["lvm", "ssh-host"]
hostname = "web01"
[[guest]]
source = "a.cfg"
hostname = "web_01"
[guest.network]
addresses = { "10.0.0.5" = "10.1.0.5/33" }
gateway = ["10.1.0.1", "10.1.0.2"]
dns = ["ns.example.org"]
adresses = {}
)");
  std::vector<std::string> problems;
  for (const Problem& problem : bad.problems) {
    problems.push_back(to_text(problem));
  }
  EXPECT_THAT(
      problems,
      ElementsAre(HasSubstr(":2: \"identity\" cannot be \"clon\"; it is one of: move, clone"),
                  HasSubstr(":4: the group \"ssh-host\" of the identity cannot be kept"),
                  HasSubstr(":5: there is no key \"hostname\" here; it belongs to one"),
                  HasSubstr(":8: \"hostname\": web_01: this is no host name"),
                  HasSubstr(":10: \"network.addresses\": 10.0.0.5=10.1.0.5/33: the prefix"),
                  HasSubstr(":11: \"network.gateway\": 10.1.0.2: there is one"),
                  HasSubstr(":12: \"network.dns\": ns.example.org: this is no address"),
                  HasSubstr("is \"addresses\" meant?")));
}

TEST(Blueprint, TheNearestWordIsOffered) {
  EXPECT_EQ(nearest("thin-pool", {"pool", "thin_pool"}), "thin_pool");
  EXPECT_EQ(nearest("completely_other", {"pool", "vg"}), "");
  EXPECT_EQ(nearest(std::string(100000, 'a'), {"pool"}), "");
}

}  // namespace
}  // namespace vmconvert::batch
