#include "report/list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace vmconvert::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t k_day = 1795824000;  // 2026-11-28

std::vector<ListedDomain> two_domains() {
  ListedDomain known;
  known.name = "web01";
  known.uuid = "u1";
  known.state = "running";
  known.disks.resize(2);
  known.disks[0].target = "xvda";
  known.disks[0].source = "/dev/vg0/web01";
  known.disks[1].target = "xvdb";
  known.sizes = {ByteCount{k_gib}, std::nullopt};
  model::GuestRecord record;
  record.batch = "night";
  record.guest = "web01";
  record.standing = model::Standing::failed;
  record.error = "no room";
  record.reached.at(static_cast<std::size_t>(model::Milestone::tried)) = k_day;
  known.conversion = record;
  ListedDomain unknown;
  unknown.name = "db\x1b[2J";
  unknown.state = "shut off";
  return {known, unknown};
}

TEST(List, ShowsHowFarEachGuestIs) {
  const std::string table = to_text_table(two_domains());
  EXPECT_THAT(table, HasSubstr("NAME                     STATE     CONVERSION"));
  EXPECT_THAT(table, HasSubstr("web01                    running   tried 2026-11-2"));
  EXPECT_THAT(table, HasSubstr(", failed xvda         1.0 GiB  /dev/vg0/web01\n"));
  EXPECT_THAT(table, HasSubstr("shut off  -"));
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
}

TEST(List, SaysTheStandingOnlyWhereItTellsMore) {
  auto domains = two_domains();
  for (const auto standing : {model::Standing::waiting, model::Standing::done}) {
    domains[0].conversion->standing = standing;
    EXPECT_THAT(to_text_table(domains), Not(HasSubstr(model::to_string(standing))));
  }
  domains[0].conversion->standing = model::Standing::closed;
  EXPECT_THAT(to_text_table(domains), HasSubstr(", closed"));
}

TEST(List, HasTheWholeRecordInItsJson) {
  const auto json = nlohmann::json::parse(to_json(two_domains()));
  const auto& guests = json.at("guests");
  EXPECT_EQ(guests[0].at("state"), "running") << "of the domain";
  EXPECT_EQ(guests[0].at("conversion").at("state"), "failed") << "of its conversion";
  EXPECT_EQ(guests[0].at("conversion").at("batch"), "night");
  EXPECT_EQ(guests[0].at("conversion").at("milestones").at("tried"), k_day);
  EXPECT_EQ(guests[0].at("conversion").at("milestones").at("source_released"), nullptr);
  EXPECT_EQ(guests[1].at("conversion"), nullptr);
}

}  // namespace
}  // namespace vmconvert::report
