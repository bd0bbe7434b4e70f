#include "fixer_testing.hpp"

namespace {

constexpr const char* k_first = "00:16:3e:11:22:33";
constexpr const char* k_second = "00:16:3e:44:55:66";
constexpr const char* k_third = "00:16:3e:77:88:99";
constexpr const char* k_rules = "/etc/udev/rules.d/70-persistent-net.rules";
constexpr const char* k_interfaces = "/etc/network/interfaces";

class NetworkFixer : public FixerTest {
 protected:
  NetworkFixer() { domain_has({k_first}); }

  void domain_has(const std::vector<std::string>& macs) {
    facts["nics"] = nlohmann::json::array();
    for (std::size_t index = 0; index < macs.size(); ++index) {
      facts["nics"].push_back({{"mac", macs[index]}, {"index", index}});
    }
  }
  // udev of Debian 12; its links decide.
  void new_systemd(const std::string& version = "252") {
    put("/lib/systemd/systemd-udevd", "ELF");
    put("/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-" + version + ".so", "ELF");
    put("/lib/systemd/network/99-default.link", "[Match]\nOriginalName=*\n");
    put("/lib/udev/rules.d/80-net-setup-link.rules", "# systemd\n");
  }
  // udev of Debian 5 to 8, CentOS 6, SLES 11: writes its rules itself.
  void old_udev() { put("/lib/udev/rules.d/75-persistent-net-generator.rules", "# udev\n"); }

  static std::string classic_rule(const std::string& mac, const std::string& name) {
    return "SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", ATTR{address}==\"" + mac +
           "\", ATTR{dev_id}==\"0x0\", ATTR{type}==\"1\", KERNEL==\"eth*\", NAME=\"" + name +
           "\"\n";
  }
  static std::string own_rule(const std::string& mac, const std::string& name,
                              const std::string& file, const std::string& key = "ATTR") {
    return "# Written by vmconvert: " + file + " names this interface " + name +
           "\nSUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", " + key + "{address}==\"" +
           mac + "\", NAME=\"" + name + "\"\n";
  }
  static std::string link_path(const std::string& name) {
    return "/etc/systemd/network/10-vmconvert-" + name + ".link";
  }
};

TEST_F(NetworkFixer, PinsTheNameByALinkOnANewSystem) {
  new_systemd();
  const std::string text =
      "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\n"
      "auto eth0\niface eth0 inet static\n\taddress 192.0.2.10/24\n\tgateway 192.0.2.1\n";
  put(k_interfaces, text);
  fix("network");
  EXPECT_EQ(get(k_interfaces), text);
  EXPECT_EQ(get(link_path("eth0")),
            "# Written by vmconvert: /etc/network/interfaces names this interface eth0.\n"
            "# Matched by MAC, the name survives the change from Xen's network driver.\n"
            "[Match]\nMACAddress=00:16:3e:11:22:33\nPath=?*\n\n[Link]\nName=eth0\n");
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(NetworkFixer, WritesARuleBeforeSystemd240) {
  new_systemd("232");
  put(k_interfaces, "auto eth0\niface eth0 inet dhcp\n");
  fix("network");
  EXPECT_EQ(get(k_rules), own_rule(k_first, "eth0", k_interfaces));
  EXPECT_FALSE(there(link_path("eth0")));
}

TEST_F(NetworkFixer, WritesARuleWhereUdevWritesRules) {
  old_udev();
  domain_has({"00:16:3E:11:22:33"});
  put(k_interfaces, "allow-hotplug eth0\niface eth0 inet dhcp\n");
  put(k_rules, "# This file was automatically generated");
  fix("network");
  EXPECT_EQ(get(k_rules), "# This file was automatically generated\n\n" +
                              own_rule(k_first, "eth0", k_interfaces));
}

TEST_F(NetworkFixer, WritesTheRuleOfAnOldUdev) {
  put("/etc/udev/rules.d/50-udev.rules", "SYSFS{vendor}==\"x\", NAME=\"y\"\n");
  put("/etc/sysconfig/network-scripts/ifcfg-eth0",
      "# Xen Virtual Ethernet\nDEVICE=eth0\nBOOTPROTO=static\nHWADDR=00:16:3E:11:22:33\n"
      "IPADDR=192.0.2.5\nONBOOT=yes\n");
  fix("network");
  EXPECT_EQ(get(k_rules),
            own_rule(k_first, "eth0", "/etc/sysconfig/network-scripts/ifcfg-eth0", "SYSFS"));
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(NetworkFixer, AddsToTheRulesFileOfDebian4) {
  const std::string file = "/etc/udev/rules.d/z25_persistent-net.rules";
  put(file,
      "SUBSYSTEM==\"net\", DRIVERS==\"?*\", ATTRS{address}==\"00:16:3e:00:00:01\", "
      "NAME=\"eth1\"\n");
  put(k_interfaces, "auto eth0\niface eth0 inet dhcp\n");
  fix("network");
  EXPECT_EQ(get(file),
            "SUBSYSTEM==\"net\", DRIVERS==\"?*\", ATTRS{address}==\"00:16:3e:00:00:01\", "
            "NAME=\"eth1\"\n\n" +
                own_rule(k_first, "eth0", k_interfaces));
}

TEST_F(NetworkFixer, LeavesAGuestWithoutUdev) {
  put(k_interfaces, "auto eth0\niface eth0 inet dhcp\n");
  fix("network");
  EXPECT_FALSE(there(k_rules));
}

TEST_F(NetworkFixer, WritesBesideRulesThatWereSwitchedOff) {
  old_udev();
  link(k_rules, "/dev/null");
  put("/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\n");
  fix("network");
  EXPECT_EQ(target(k_rules), "/dev/null");
  EXPECT_EQ(get("/etc/udev/rules.d/70-vmconvert-net.rules"),
            own_rule(k_first, "eth0", "/etc/sysconfig/network-scripts/ifcfg-eth0"));
}

TEST_F(NetworkFixer, TrustsTheGuestsOwnRules) {
  old_udev();
  domain_has({k_first, k_second});
  const std::string rules =
      "# comment\n" + classic_rule(k_first, "eth1") + classic_rule(k_second, "eth0");
  put(k_rules, rules);
  put(k_interfaces, "auto eth0 eth1\niface eth0 inet dhcp\niface eth1 inet dhcp\n");
  fix("network");
  EXPECT_EQ(get(k_rules), rules);
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(NetworkFixer, TakesOutRulesThatHoldTheNameForACardThatIsGone) {
  old_udev();
  put(k_rules,
      classic_rule("00:0c:29:01:02:03", "eth0") + classic_rule("00:0c:29:01:02:04", "eth7"));
  put(k_interfaces, "auto eth0\niface eth0 inet dhcp\n");
  fix("network");
  EXPECT_EQ(get(k_rules), "# vmconvert, not for KVM: " + classic_rule("00:0c:29:01:02:03", "eth0") +
                              classic_rule("00:0c:29:01:02:04", "eth7") + "\n" +
                              own_rule(k_first, "eth0", k_interfaces));
  EXPECT_THAT(findings_now(), testing::ElementsAre("network-stale-rule informs"));
}

TEST_F(NetworkFixer, ReplacesARuleThatAsksForXensDriver) {
  old_udev();
  const std::string bound =
      "SUBSYSTEM==\"net\", DRIVERS==\"vif\", ATTR{address}==\"00:16:3e:11:22:33\", "
      "NAME=\"eth0\"\n";
  put(k_rules, bound);
  put(k_interfaces, "auto eth0\niface eth0 inet dhcp\n");
  fix("network");
  EXPECT_EQ(get(k_rules),
            "# vmconvert, not for KVM: " + bound + "\n" + own_rule(k_first, "eth0", k_interfaces));
}

TEST_F(NetworkFixer, ReadsSuse10sRules) {
  const std::string file = "/etc/udev/rules.d/30-net_persistent_names.rules";
  const std::string rule =
      "SUBSYSTEM==\"net\", ACTION==\"add\", SYSFS{address}==\"00:16:3e:11:22:33\", "
      "IMPORT=\"/lib/udev/rename_netiface %k eth0\"\n";
  put(file, rule);
  put("/etc/sysconfig/network/ifcfg-eth-id-00:16:3e:11:22:33", "BOOTPROTO='dhcp'\n");
  put("/etc/sysconfig/network/ifcfg-eth0", "BOOTPROTO='dhcp'\n");
  fix("network");
  EXPECT_EQ(get(file), rule);
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(NetworkFixer, PinsEachOfSeveralCardsOfSles11) {
  old_udev();
  domain_has({k_first, k_second});
  put("/etc/sysconfig/network/ifcfg-eth0", "BOOTPROTO='static'\nIPADDR='192.0.2.4/24'\n");
  put("/etc/sysconfig/network/ifcfg-br0", "BRIDGE='yes'\nBRIDGE_PORTS='eth1'\n");
  put("/etc/sysconfig/network/ifcfg-eth2.bak", "BOOTPROTO='static'\n");
  put("/etc/sysconfig/network/ifcfg-lo", "IPADDR=127.0.0.1\n");
  fix("network");
  EXPECT_EQ(get(k_rules), own_rule(k_first, "eth0", "/etc/sysconfig/network/ifcfg-eth0") + "\n" +
                              own_rule(k_second, "eth1", "/etc/sysconfig/network/ifcfg-br0"));
}

TEST_F(NetworkFixer, FollowsIncludesVlansAndBridges) {
  new_systemd();
  domain_has({k_first, k_second, k_third});
  put(k_interfaces,
      "source interfaces.d/*.cfg\nsource-directory interfaces.d\nsource /etc/network/interfaces\n"
      "auto eth0.100\niface eth0.100 inet manual\n");
  put("/etc/network/interfaces.d/br.cfg",
      "iface br0 inet dhcp\n  bridge_ports \\\n    eth1 tap0\n");
  put("/etc/network/interfaces.d/third", "iface eth2:1 inet dhcp\n");
  put("/etc/network/interfaces.d/third.dpkg-old", "iface eth9 inet dhcp\n");
  fix("network");
  for (const char* name : {"eth0", "eth1", "eth2"}) {
    EXPECT_TRUE(there(link_path(name))) << name;
  }
  EXPECT_THAT(get(link_path("eth1")), testing::HasSubstr(k_second));
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(NetworkFixer, PinsNothingThatTheConfigurationDoesNotName) {
  new_systemd();
  put("/etc/systemd/network/20-wired.network", "[Match]\nName=en*\n\n[Network]\nDHCP=yes\n");
  put(k_interfaces, "auto lo\niface lo inet loopback\n");
  fix("network");
  EXPECT_FALSE(there(link_path("eth0")));
}

TEST_F(NetworkFixer, PinsAllCardsForAPattern) {
  new_systemd();
  domain_has({k_first, k_second});
  put("/etc/systemd/network/20-wired.network", "[Match]\nName=enX*\n\n[Network]\nDHCP=yes\n");
  fix("network");
  EXPECT_THAT(get(link_path("enX0")), testing::HasSubstr(k_first));
  EXPECT_THAT(get(link_path("enX1")), testing::HasSubstr(k_second));
}

TEST_F(NetworkFixer, PinsTheOnlyCardWhateverItsName) {
  new_systemd();
  facts["source"]["kind"] = "hvm";
  put(k_interfaces, "allow-hotplug ens4\niface ens4 inet dhcp\n");
  fix("network");
  EXPECT_THAT(get(link_path("ens4")), testing::HasSubstr(k_first));
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(NetworkFixer, SaysWhenItGuessed) {
  new_systemd();
  domain_has({k_first, k_second});
  put(k_interfaces, "auto ens4 ens5\n");
  fix("network");
  EXPECT_THAT(get(link_path("ens4")), testing::HasSubstr(k_first));
  EXPECT_THAT(get(link_path("ens5")), testing::HasSubstr(k_second));
  EXPECT_THAT(findings_now(),
              testing::ElementsAre("network-name-guessed warns", "network-name-guessed warns"));
}

TEST_F(NetworkFixer, FollowsTheMacOfTheConfiguration) {
  new_systemd();
  domain_has({k_first, k_second});
  put("/etc/NetworkManager/system-connections/lan",
      "[connection]\nid=lan\ntype=ethernet\ninterface-name=eth0\n\n"
      "[ethernet]\nmac-address=00:16:3E:44:55:66\n");
  put("/etc/NetworkManager/system-connections/any", "[connection]\nid=any\ntype=ethernet\n");
  fix("network");
  EXPECT_THAT(get(link_path("eth0")), testing::HasSubstr(k_second));
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(NetworkFixer, ReadsNetplan) {
  new_systemd();
  domain_has({k_first, k_second, k_third});
  const std::string text =
      "# from the installer\nnetwork:\n  version: 2\n  renderer: networkd\n  ethernets:\n"
      "    eth0:\n      addresses: [192.0.2.7/24]\n      nameservers:\n        addresses: "
      "[192.0.2.1]\n"
      "    lan:\n      match:\n        macaddress: '00:16:3e:44:55:66'\n      set-name: lan0\n"
      "    \"eth2\":\n      dhcp4: true\n"
      "  vlans:\n    eth5:\n      id: 5\n      link: eth0\n";
  put("/etc/netplan/01-netcfg.yaml", text);
  fix("network");
  EXPECT_EQ(get("/etc/netplan/01-netcfg.yaml"), text);
  EXPECT_THAT(get(link_path("eth0")), testing::HasSubstr(k_first));
  EXPECT_THAT(get(link_path("eth2")), testing::HasSubstr(k_third));
  EXPECT_FALSE(there(link_path("lan0")));
  EXPECT_FALSE(there(link_path("eth5")));
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(NetworkFixer, LeavesANameThatNetplanGivesByMac) {
  new_systemd();
  put("/etc/netplan/50-cloud-init.yaml",
      "network:\n    ethernets:\n        eth0:\n            dhcp4: true\n            match:\n"
      "                macaddress: 00:16:3e:11:22:33\n            set-name: eth0\n    version: "
      "2\n");
  fix("network");
  EXPECT_FALSE(there(link_path("eth0")));
}

TEST_F(NetworkFixer, SaysThatNetplanAsksForXensDriver) {
  new_systemd();
  put("/etc/netplan/x.yaml",
      "network:\n  ethernets:\n    all:\n      match:\n        driver: xen-netfront\n");
  fix("network");
  EXPECT_THAT(findings_now(), testing::ElementsAre("network-xen-match warns"));
}

TEST_F(NetworkFixer, MatchesByMacInsteadOfXensDriver) {
  new_systemd();
  put("/etc/systemd/network/lan.network",
      "[Match]\r\nDriver=xen-netfront\r\n\r\n[Network]\r\nAddress=192.0.2.9/24\r\n");
  fix("network");
  EXPECT_EQ(get("/etc/systemd/network/lan.network"),
            "[Match]\r\n# vmconvert, not for KVM: Driver=xen-netfront\r\n"
            "MACAddress=00:16:3e:11:22:33\r\n\r\n[Network]\r\nAddress=192.0.2.9/24\r\n");
}

TEST_F(NetworkFixer, KnowsTheCardBehindAXenPath) {
  new_systemd();
  domain_has({k_first, k_second});
  put("/etc/systemd/network/a.network", "[Match]\nPath=xen-vif-1\n[Network]\nDHCP=yes\n");
  put("/etc/systemd/network/b.network", "[Match]\nDriver=vif\n[Network]\nDHCP=yes\n");
  put("/etc/systemd/network/c.link",
      "[Match]\nDriver=vif\nMACAddress=00:16:3e:11:22:33\n[Link]\nName=dmz\n");
  fix("network");
  EXPECT_EQ(get("/etc/systemd/network/a.network"),
            "[Match]\n# vmconvert, not for KVM: Path=xen-vif-1\nMACAddress=00:16:3e:44:55:66\n"
            "[Network]\nDHCP=yes\n");
  EXPECT_EQ(
      get("/etc/systemd/network/b.network"),
      "[Match]\n# vmconvert, not for KVM: Driver=vif\nDriver=virtio_net\n[Network]\nDHCP=yes\n");
  EXPECT_EQ(get("/etc/systemd/network/c.link"),
            "[Match]\n# vmconvert, not for KVM: Driver=vif\nMACAddress=00:16:3e:11:22:33\n"
            "[Link]\nName=dmz\n");
}

TEST_F(NetworkFixer, LoadsTheEmulatedCardsDriverWhereTheGuestHasNoVirtio) {
  facts["hardware"] = {{"disk_bus", "ide"}, {"nic_model", "rtl8139"}};
  put("/etc/modprobe.conf", "alias eth0 xennet\n");
  fix("network");
  EXPECT_EQ(get("/etc/modprobe.conf"), "alias eth0 8139cp\n");
}

TEST_F(NetworkFixer, LoadsVirtioWhereAnAliasNamedXensDriver) {
  put("/etc/modprobe.conf",
      "alias eth0 xennet\nalias\teth1\txen-netfront\nalias eth2 e1000\n# alias eth3 xennet\n");
  put("/etc/modprobe.d/xen", "alias eth0 xen-vnif");
  fix("network");
  EXPECT_EQ(
      get("/etc/modprobe.conf"),
      "alias eth0 virtio_net\nalias\teth1\tvirtio_net\nalias eth2 e1000\n# alias eth3 xennet\n");
  EXPECT_EQ(get("/etc/modprobe.d/xen"), "alias eth0 virtio_net");
}

TEST_F(NetworkFixer, SaysWhatDoesNotFitTheDomain) {
  new_systemd();
  domain_has({""});
  put("/etc/sysconfig/network-scripts/ifcfg-eth0",
      "DEVICE=\"eth0\"\nHWADDR=\"00:16:3E:00:00:99\"\n");
  put("/etc/sysconfig/network-scripts/ifcfg-eth1", "DEVICE=eth1\n");
  fix("network");
  EXPECT_FALSE(there(link_path("eth0")));
  EXPECT_THAT(findings_now(), testing::ElementsAre("network-mac-differs warns",
                                                   "network-no-nic warns", "network-no-mac warns"));
}

TEST_F(NetworkFixer, ChangesNothingForXen) {
  new_systemd();
  facts["to"] = "xen";
  put(k_interfaces, "auto eth0\niface eth0 inet dhcp\n");
  put("/etc/modprobe.conf", "alias eth0 xennet\n");
  fix("network");
  EXPECT_FALSE(there(link_path("eth0")));
  EXPECT_EQ(get("/etc/modprobe.conf"), "alias eth0 xennet\n");
}

TEST_F(NetworkFixer, SurvivesOddInput) {
  new_systemd();
  domain_has({"nonsense", "00:16:3e:11:22:3g"});
  put(k_interfaces, "source\nauto\niface\nsource /etc/network/interfaces\nauto \\\n" +
                        std::string(100000, 'e') + "\niface eth99999999999 inet x\nauto eth0\\");
  put(k_rules,
      "ATTR{address}==\"00:16:3e:11:22:33\nNAME=\"\nIMPORT=\"rename_netiface\", "
      "ATTR{address}==\"\"\n");
  put("/etc/systemd/network/a.network",
      "[Match\nName\n=\n[]\n[Match]\nDriver=xen\nPath=xen-vif-99999999999\n");
  put("/etc/netplan/a.yaml", std::string("\0network:\n", 10));
  put("/etc/netplan/b.yaml",
      ":\n: :\nnetwork:\n ethernets:\n  :\n   match:\n    name: eth*\n\t\n- x: y\n");
  put("/etc/sysconfig/network-scripts/ifcfg-", "DEVICE=\nHWADDR=\n");
  put("/etc/NetworkManager/system-connections/x",
      "interface-name=eth0\n[connection]\ninterface-name=\n");
  fix("network");
  EXPECT_THAT(findings_now(), testing::Contains("config-not-text warns"));
  EXPECT_THAT(findings_now(), testing::Contains("network-no-mac warns"));
}

}  // namespace
