// Files that a guest's owner made to fill our memory or to take our time: what is read grows with
// their size, not with its square. Without that these tests take minutes, or gigabytes.
#include <fmt/format.h>

#include "fixer_testing.hpp"

namespace {

using testing::IsEmpty;

std::string times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += text;
  }
  return all;
}

class HostileGuest : public FixerTest {};

TEST_F(HostileGuest, RepeatsTheHostNameOnOneLine) {
  put("/etc/hostname", "web01\n");
  put("/etc/hosts", "192.0.2.9" + times(100'000, " web01") + "\n");
  facts["wishes"]["hostname"] = "web02";
  run_only("readdress");
  EXPECT_EQ(get("/etc/hosts"), "192.0.2.9" + times(100'000, " web02") + "\n");
}

TEST_F(HostileGuest, NamesManyGateways) {
  std::string routes;
  for (int i = 0; i < 20'000; ++i) {
    routes += fmt::format("gateway 10.1.{}.{}\n", i / 250, i % 250);
  }
  put("/etc/network/interfaces", "iface eth0 inet static\naddress 10.0.0.5\n" + routes);
  facts["wishes"]["gateways"] = {"192.0.2.1"};
  run_only("readdress");
  EXPECT_THAT(findings_now(), testing::ElementsAre("address-gateway blocks"));
}

TEST_F(HostileGuest, WritesSettingsBelowALongSection) {
  put("/etc/systemd/network/a.network",
      "[" + std::string(1U << 20U, 'x') + "]\n" + times(20'000, "a=b\n"));
  run_only("network");
  EXPECT_THAT(edits_now(), IsEmpty());
}

TEST_F(HostileGuest, IncludesFileAfterFile) {
  for (int i = 0; i < 100; ++i) {
    put(fmt::format("/etc/network/{}", i == 0 ? "interfaces" : std::to_string(i)),
        fmt::format("source {}\niface eth{} inet dhcp\n", i + 1, i));
  }
  run_only("network");
}

TEST_F(HostileGuest, RepeatsADeviceOnOneLine) {
  put("/etc/lvm/lvm.conf", "filter = [" + times(100'000, " \"a|/dev/xvda2|\"") + " ]\n");
  run_only("fstab");
  EXPECT_EQ(get("/etc/lvm/lvm.conf"), "filter = [" + times(100'000, " \"a|/dev/vda2|\"") + " ]\n");
}

TEST_F(HostileGuest, RepeatsTheConsoleOnOneLine) {
  put("/etc/inittab", "1:2345:respawn:/sbin/getty" + times(100'000, " hvc0") + "\n");
  run_only("consoles");
  EXPECT_EQ(get("/etc/inittab"), "1:2345:respawn:/sbin/getty" + times(100'000, " ttyS0") + "\n");
}

TEST_F(HostileGuest, PutsManyEntriesBelowALongTitle) {
  facts["guest"]["menu"] = "/boot/grub/grub.cfg";
  put("/boot/grub/grub.cfg", "submenu '" + std::string(1U << 20U, 'a') + "' {\n" +
                                 times(20'000, "linux /vmlinuz root=/dev/xvda2\n") + "}\n");
  run_only("initramfs");
}

TEST_F(HostileGuest, MentionsAllArgumentsAgainAndAgain) {
  facts["guest"]["menu"] = "/boot/grub2/grub.cfg";
  put("/boot/grub2/grub.cfg", "blscfg\n");
  put("/boot/grub2/grubenv", "kernelopts=" + std::string(1U << 20U, 'a') + "\n");
  put("/boot/loader/entries/a.conf",
      "title A\nlinux /vmlinuz-6.1.0\noptions" + times(20'000, " $kernelopts") + "\n");
  run_only("initramfs");
}

TEST_F(HostileGuest, RepeatsAnArgumentOnOneLine) {
  facts["disks"][0]["loader"] = "grub-legacy";
  put("/boot/grub/menu.lst", "title a\nroot (hd0,0)\nkernel /vmlinuz" +
                                 times(200'000, " root=/dev/xvda2") + "\ninitrd /initrd\n");
  run_only("bootloader");
}

}  // namespace
