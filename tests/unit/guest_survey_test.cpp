#include "guest/survey.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/temp_dir.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

struct SurveyTree {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path()};
  model::GuestFacts facts;

  void touch(std::initializer_list<const char*> paths) {
    for (const char* path : paths) {
      root.write(path, "x");
    }
  }
  model::GuestSurvey survey() {
    model::GuestSurvey found;
    survey_tree(root, facts, found);
    return found;
  }
};

std::vector<std::string> names(const std::vector<model::Sighting>& sights) {
  std::vector<std::string> found;
  for (const auto& sight : sights) {
    found.push_back(sight.name);
  }
  return found;
}

TEST(Survey, FindsNothingInAnEmptyTree) {
  SurveyTree tree;
  const model::GuestSurvey found = tree.survey();
  EXPECT_THAT(found.services, IsEmpty());
  EXPECT_THAT(found.overlays, IsEmpty());
  EXPECT_THAT(found.agents, IsEmpty());
  EXPECT_THAT(found.credentials, IsEmpty());
  EXPECT_THAT(found.network_managers, IsEmpty());
  EXPECT_THAT(found.addresses, IsEmpty());
  EXPECT_THAT(found.menu, IsEmpty());
  EXPECT_FALSE(found.cloud_init_network);
  EXPECT_FALSE(found.uefi_fallback);
  EXPECT_FALSE(found.selinux_enforcing);
}

TEST(Survey, FindsServicesAndWhetherTheyWereStopped) {
  SurveyTree tree;
  tree.touch({"/var/lib/postgresql/15/main/PG_VERSION", "/var/lib/mysql/ibdata1",
              "/var/lib/mongodb/WiredTiger", "/var/spool/exim4/input/1abc-H",
              "/var/lib/docker/containers/abc/config.v2.json"});
  tree.root.write("/var/lib/mongodb/mongod.lock", "");
  model::GuestSurvey found = tree.survey();
  EXPECT_THAT(names(found.services),
              ElementsAre("MySQL or MariaDB", "PostgreSQL", "MongoDB", "Docker", "Exim's queue"));
  EXPECT_THAT(found.unclean, IsEmpty());
  tree.touch({"/var/lib/postgresql/15/main/postmaster.pid", "/var/lib/mongodb/mongod.lock"});
  EXPECT_THAT(names(tree.survey().unclean), ElementsAre("PostgreSQL", "MongoDB"));
}

TEST(Survey, FindsOverlaysAgentsAndSecrets) {
  SurveyTree tree;
  tree.touch({"/var/lib/zerotier-one/identity.secret", "/var/lib/tailscale/tailscaled.state",
              "/etc/wireguard/wg0.conf", "/etc/nebula/host.key", "/etc/netbird/config.json",
              "/etc/openvpn/client/a.conf", "/etc/tinc/vpn/tinc.conf", "/usr/sbin/xe-daemon",
              "/usr/sbin/bacula-fd", "/root/.ssh/id_ed25519", "/root/.ssh/id_ed25519.pub",
              "/home/ada/.aws/credentials"});
  const model::GuestSurvey found = tree.survey();
  EXPECT_THAT(names(found.overlays), ElementsAre("ZeroTier", "Tailscale", "WireGuard", "Nebula",
                                                 "Netbird", "OpenVPN", "tinc"));
  EXPECT_THAT(names(found.agents), ElementsAre("Xen guest agent", "Bacula"));
  EXPECT_THAT(found.credentials,
              ElementsAre("/root/.ssh/id_ed25519", "/home/ada/.aws/credentials"));
}

TEST(Survey, ReadsTheMenusReferences) {
  SurveyTree tree;
  tree.facts.menu = "/boot/grub/grub.cfg";
  tree.root.write("/boot/grub/grub.cfg",
                  "# search --fs-uuid comment\n"
                  "  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,msdos1 --hint hd0,1 "
                  "1111-aa\n"
                  "search --label --set=root boot\n"
                  "search --file /x\n"
                  "linux /vmlinuz root=UUID=2222-bb ro resume=LABEL=\"sleep\" root=/dev/xvda1\n"
                  "linux /vmlinuz root=UUID=2222-bb ro\n"
                  "search --fs-uuid $saved\n");
  std::vector<std::string> found;
  for (const auto& reference : tree.survey().menu) {
    found.push_back(reference.kind + " " + reference.value);
  }
  EXPECT_THAT(found, ElementsAre("UUID 1111-aa", "LABEL boot", "UUID 2222-bb", "LABEL sleep"));
}

TEST(Survey, FindsAFallbackLoaderInAnyCase) {
  SurveyTree tree;
  tree.touch({"/boot/efi/EFI/debian/grubx64.efi"});
  EXPECT_FALSE(tree.survey().uefi_fallback);
  tree.touch({"/boot/efi/EFI/boot/bootx64.efi"});
  EXPECT_TRUE(tree.survey().uefi_fallback);
}

TEST(Survey, ReadsSelinux) {
  SurveyTree tree;
  tree.root.write("/etc/selinux/config", "# SELINUX=enforcing\nSELINUX=permissive\n");
  EXPECT_FALSE(tree.survey().selinux_enforcing);
  tree.root.write("/etc/selinux/config", "SELINUX=enforcing\n");
  EXPECT_TRUE(tree.survey().selinux_enforcing);
}

TEST(Survey, TellsNetworkManagersApart) {
  SurveyTree tree;
  tree.root.write("/etc/network/interfaces", "auto lo\niface lo inet loopback\n");
  EXPECT_THAT(tree.survey().network_managers, IsEmpty());
  tree.root.write("/etc/network/interfaces", "iface eth0 inet dhcp\n");
  tree.touch({"/etc/netplan/01.yaml", "/etc/systemd/network/a.network",
              "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"});
  EXPECT_THAT(names(tree.survey().network_managers), ElementsAre("ifupdown", "netplan"));
  tree.root.remove("/etc/netplan/01.yaml");
  EXPECT_THAT(names(tree.survey().network_managers), ElementsAre("ifupdown", "systemd-networkd"));
}

TEST(Survey, KnowsWhenCloudInitWrites) {
  SurveyTree tree;
  tree.root.write("/etc/cloud/cloud.cfg", "users:\n - default\n");
  EXPECT_TRUE(tree.survey().cloud_init_network);
  tree.root.write("/etc/cloud/cloud.cfg.d/99.cfg", "network: {config: disabled}\n");
  EXPECT_FALSE(tree.survey().cloud_init_network);
  tree.root.write("/etc/cloud/cloud.cfg.d/99.cfg", "network:\n  config: disabled\n");
  EXPECT_FALSE(tree.survey().cloud_init_network);
  tree.root.remove("/etc/cloud/cloud.cfg.d/99.cfg");
  tree.touch({"/etc/cloud/cloud-init.disabled"});
  EXPECT_FALSE(tree.survey().cloud_init_network);
}

TEST(Survey, FindsAddressesAndWhoNamesThem) {
  SurveyTree tree;
  tree.root.write("/etc/network/interfaces",
                  "iface eth0 inet static\n address 192.0.2.7/24\n gateway 192.0.2.1\n");
  tree.root.write("/etc/sysconfig/network-scripts/ifcfg-eth1", "IPADDR=\"10.0.0.1\"\n");
  tree.root.write("/etc/netplan/a.yaml",
                  "eth2:\n  addresses:\n    - \"2001:db8::5/64\"\n  nameservers:\n"
                  "    addresses: [9.9.9.9]\n");
  tree.root.write("/etc/NetworkManager/system-connections/a",
                  "address1=198.51.100.4/24,198.51.100.1\n");
  tree.root.write("/etc/hosts", "127.0.0.1 localhost\n192.0.2.7 web01\n10.0.0.12 other\n");
  tree.root.write("/etc/nginx/sites-enabled/a", "listen 192.0.2.7:443;\n");
  tree.root.write("/etc/exports", "/srv 10.0.0.1(rw)\n");
  const model::GuestSurvey found = tree.survey();
  EXPECT_THAT(found.addresses, ElementsAre("192.0.2.7", "10.0.0.1", "2001:db8::5", "198.51.100.4"));
  std::vector<std::string> uses;
  for (const auto& use : found.address_uses) {
    uses.push_back(use.name + " " + use.path);
  }
  EXPECT_THAT(uses, ElementsAre("192.0.2.7 /etc/hosts", "10.0.0.1 /etc/exports",
                                "192.0.2.7 /etc/nginx/sites-enabled/a"));
}

TEST(Survey, PassesOverHostileFiles) {
  SurveyTree tree;
  tree.facts.menu = "/boot/grub/grub.cfg";
  tree.root.write("/boot/grub/grub.cfg", std::string("search --fs-uuid \x1b[31mred\0x\n", 25));
  tree.root.write("/etc/network/interfaces", std::string(3U << 20U, 'a'));
  tree.root.symlink("/etc/hosts", "/etc/hosts");
  tree.root.symlink("/etc/cloud/cloud.cfg", "/dev/zero");
  fs::create_directories(fs::path(tree.temp.path()) / "etc/selinux/config");
  const model::GuestSurvey found = tree.survey();
  ASSERT_EQ(found.menu.size(), 1U);
  EXPECT_THAT(found.menu[0].value, Not(testing::HasSubstr("\x1b")));
  EXPECT_THAT(found.addresses, IsEmpty());
}

}  // namespace
}  // namespace vmconvert::guest
