#include "plan/check_inside.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vmconvert::plan {
namespace {

using model::Findings;
using model::Severity;
using testing::ElementsAre;
using testing::HasSubstr;

// A guest with a root and a home on a volume, with which nothing is wrong.
struct Guest {
  model::Domain domain;
  model::GuestFacts facts;
  model::GuestSurvey survey;

  Guest() {
    domain.name = "web01";
    facts.root_device = "vda1";
    facts.menu = "/boot/grub/grub.cfg";
    facts.filesystems = {{"vda1", "ext4", "aaaa", "root", ByteCount{k_gib}, "/"},
                         {"vg0/home", "xfs", "bbbb", "home", ByteCount{k_gib}, "/home"}};
    survey.roots = {"vda1"};
    survey.rooms = {{"vda1", "/", ByteCount{k_gib}, 1000, 500},
                    {"vg0/home", "/home", ByteCount{k_gib}, 0, 0}};
    survey.menu = {{"UUID", "aaaa"}, {"LABEL", "home"}};
    survey.network_managers = {{"ifupdown", "/etc/network/interfaces"}};
    survey.addresses = {"192.0.2.7"};
  }
  [[nodiscard]] Findings all() const { return check_inside(domain, facts, survey); }
};

void expect_only(const Findings& findings, const char* id, Severity severity,
                 const std::vector<std::string>& words) {
  std::vector<std::string> ids;
  for (const auto& finding : findings) {
    ids.push_back(finding.id);
  }
  ASSERT_THAT(ids, ElementsAre(id));
  EXPECT_EQ(findings[0].severity, severity);
  for (const std::string& word : words) {
    EXPECT_THAT(findings[0].message, HasSubstr(word));
  }
  EXPECT_FALSE(findings[0].remedy.empty());
}

TEST(CheckInside, IsSilentForAHealthyGuest) {
  const Guest guest;
  EXPECT_TRUE(guest.all().empty());
}

TEST(CheckInside, TellsWhichRootWasTaken) {
  Guest guest;
  guest.survey.roots.emplace_back("vdb1");
  expect_only(guest.all(), "several-roots", Severity::warns, {"vda1, vdb1", "vda1 is taken"});
}

TEST(CheckInside, NamesWhatCannotBeMounted) {
  Guest guest;
  guest.survey.unread = {{"vdb1", "ext4", "unsupported feature"}};
  expect_only(guest.all(), "filesystem-unreadable", Severity::warns,
              {"vdb1 (ext4)", "unsupported feature"});
}

TEST(CheckInside, MeasuresRoom) {
  Guest guest;
  model::MountRoom& root = guest.survey.rooms[0];
  root.free = ByteCount{100 * k_mib};
  EXPECT_TRUE(guest.all().empty());
  root.free = ByteCount{100 * k_mib - 1};
  expect_only(guest.all(), "low-space", Severity::warns, {"/ (vda1)", "104857599", "104857600"});
  root.free = ByteCount{20 * k_mib - 1};
  expect_only(guest.all(), "low-space", Severity::blocks, {"/ (vda1)"});
  root.mountpoint = "/srv";
  root.free = ByteCount{0};
  expect_only(guest.all(), "low-space", Severity::warns, {"/srv"});
  root.free = ByteCount{k_gib};
  root.free_inodes = 100;
  EXPECT_TRUE(guest.all().empty());
  root.free_inodes = 99;
  expect_only(guest.all(), "low-inodes", Severity::warns, {"/srv", "99 of 1000"});
}

TEST(CheckInside, FindsTwinsOnVolumes) {
  Guest guest;
  guest.facts.filesystems[1].uuid = "aaaa";
  expect_only(guest.all(), "duplicate-uuid", Severity::blocks, {"aaaa", "vda1, vg0/home"});
  guest.facts.filesystems[1].uuid = "bbbb";
  guest.facts.filesystems[1].label = "root";
  guest.survey.menu.clear();
  expect_only(guest.all(), "duplicate-label", Severity::warns, {"root", "vda1, vg0/home"});
  guest.facts.filesystems[1].device = "vdb1";
  EXPECT_TRUE(guest.all().empty()) << "that is seen from outside";
}

TEST(CheckInside, FindsAHibernatedVolume) {
  Guest guest;
  guest.facts.filesystems.push_back({"vg0/swap", "swsuspend", "", "", {}, ""});
  expect_only(guest.all(), "swap-hibernated", Severity::blocks, {"vg0/swap"});
}

TEST(CheckInside, FindsWhatTheMenuNamesInVain) {
  Guest guest;
  guest.survey.menu.push_back({"UUID", "dead-beef"});
  expect_only(guest.all(), "menu-unknown-filesystem", Severity::warns,
              {"/boot/grub/grub.cfg", "UUID dead-beef"});
  guest.survey.menu.back() = {"LABEL", "gone"};
  expect_only(guest.all(), "menu-unknown-filesystem", Severity::warns, {"LABEL gone"});
}

TEST(CheckInside, AsksForAFallbackLoader) {
  Guest guest;
  guest.domain.uefi = true;
  expect_only(guest.all(), "uefi-no-fallback", Severity::informs, {"EFI/BOOT"});
  guest.survey.uefi_fallback = true;
  EXPECT_TRUE(guest.all().empty());
}

TEST(CheckInside, KnowsSelinux) {
  Guest guest;
  guest.survey.selinux_enforcing = true;
  expect_only(guest.all(), "selinux-enforcing", Severity::informs, {"SELinux"});
}

TEST(CheckInside, KnowsOverlayNetworks) {
  for (const char* name : {"ZeroTier", "Tailscale", "WireGuard", "Netbird"}) {
    Guest guest;
    guest.survey.overlays = {{name, "/var/lib/x"}};
    expect_only(guest.all(), "overlay-network", Severity::warns, {name, "/var/lib/x"});
  }
}

TEST(CheckInside, KnowsWhoConfiguresTheNetwork) {
  Guest guest;
  guest.survey.network_managers.push_back({"netplan", "/etc/netplan"});
  expect_only(guest.all(), "several-network-managers", Severity::warns, {"ifupdown", "netplan"});
  guest.survey.network_managers.pop_back();
  guest.survey.cloud_init_network = true;
  expect_only(guest.all(), "cloud-init-network", Severity::warns, {"cloud-init"});
}

TEST(CheckInside, NamesFilesWithTheAddress) {
  Guest guest;
  guest.survey.address_uses = {{"192.0.2.7", "/etc/hosts"}, {"192.0.2.7", "/etc/exports"}};
  expect_only(guest.all(), "address-in-files", Severity::informs,
              {"192.0.2.7", "/etc/hosts, /etc/exports"});
}

TEST(CheckInside, KnowsServicesAgentsAndSecrets) {
  Guest guest;
  guest.survey.services = {{"PostgreSQL", "/var/lib/pgsql/data"}};
  expect_only(guest.all(), "data-services", Severity::informs, {"PostgreSQL"});
  guest.survey.services.clear();
  guest.survey.unclean = {{"PostgreSQL", "/var/lib/pgsql/data/postmaster.pid"}};
  expect_only(guest.all(), "service-not-stopped", Severity::warns, {"postmaster.pid"});
  guest.survey.unclean.clear();
  guest.survey.agents = {{"Bacula", "/usr/sbin/bacula-fd"}};
  expect_only(guest.all(), "old-agents", Severity::informs, {"Bacula"});
  guest.survey.agents.clear();
  guest.survey.credentials.assign(10, "/root/.ssh/id_rsa");
  expect_only(guest.all(), "credentials-inside", Severity::informs,
              {"/root/.ssh/id_rsa", "and 2 more"});
}

TEST(CheckInside, PassesOnWhatAnAllocationMapSays) {
  expect_only({journal_finding("xfs", "its log has to be replayed first")}, "filesystem-dirty",
              Severity::warns, {"xfs", "log has to be replayed"});
}

}  // namespace
}  // namespace vmconvert::plan
