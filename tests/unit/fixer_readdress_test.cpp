#include "fixer_testing.hpp"

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class ReaddressFixer : public FixerTest {
 protected:
  void map(const std::string& from, const std::string& to, unsigned prefix = 0) {
    facts["wishes"]["addresses"].push_back({{"from", from}, {"to", to}, {"prefix", prefix}});
  }
};

TEST_F(ReaddressFixer, LeavesAGuestAloneWithoutAWish) {
  put("/etc/network/interfaces", "iface eth0 inet static\naddress 10.0.0.5\n");
  fix("readdress");
  EXPECT_THAT(edits_now(), IsEmpty());
}

TEST_F(ReaddressFixer, MovesAStanzaWithMaskNetworkAndGateway) {
  put("/etc/network/interfaces",
      "auto lo\niface lo inet loopback\n\n# was 10.0.0.5\nauto eth0\niface "
      "eth0 inet static\n"
      "\taddress 10.0.0.5\n\tnetmask 255.255.255.0\n\tnetwork "
      "10.0.0.0\n\tbroadcast 10.0.0.255\n"
      "\tgateway 10.0.0.1\n\tdns-nameservers 10.0.0.2 10.0.0.3\n"
      "\tup ip route add 10.9.0.0/16 via 10.0.0.1\n"
      "iface eth1 inet static\n\taddress 10.0.0.55\n\tnetmask 255.255.255.0\n");
  map("10.0.0.5", "192.168.7.20", 22);
  facts["wishes"]["gateways"] = {"192.168.4.1"};
  facts["wishes"]["dns"] = {"192.168.4.2"};
  fix("readdress");
  EXPECT_EQ(get("/etc/network/interfaces"),
            "auto lo\niface lo inet loopback\n\n# was 10.0.0.5\nauto eth0\niface "
            "eth0 inet static\n"
            "\taddress 192.168.7.20\n\tnetmask 255.255.252.0\n\tnetwork 192.168.4.0\n"
            "\tbroadcast 192.168.7.255\n\tgateway 192.168.4.1\n\tdns-nameservers "
            "192.168.4.2\n"
            "\tup ip route add 10.9.0.0/16 via 192.168.4.1\n"
            "iface eth1 inet static\n\taddress 10.0.0.55\n\tnetmask 255.255.255.0\n");
  EXPECT_THAT(findings_now(), IsEmpty());
  ASSERT_EQ(result.watched.size(), 1U);
  EXPECT_EQ(result.watched[0].value, "10.0.0.5");
}

TEST_F(ReaddressFixer, MovesIfupdownsSixthVersion) {
  put("/etc/network/interfaces",
      "iface eth0 inet6 static\n  address 2001:DB8:0::5\n  netmask 64\n  "
      "gateway 2001:db8::1\n");
  map("2001:db8::5", "2001:db8:1::9", 56);
  facts["wishes"]["gateways"] = {"2001:db8:1::1"};
  fix("readdress");
  EXPECT_EQ(get("/etc/network/interfaces"),
            "iface eth0 inet6 static\n  address 2001:db8:1::9\n  netmask 56\n"
            "  gateway 2001:db8:1::1\n");
}

TEST_F(ReaddressFixer, MovesRedHatsFiles) {
  put("/etc/sysconfig/network-scripts/ifcfg-eth0",
      "DEVICE=eth0\nIPADDR=\"10.0.0.5\"\nNETMASK=255.255.255.0\nBROADCAST=10.0."
      "0.255\n"
      "IPADDR1=10.0.0.6\nPREFIX1=24\nDNS1=10.0.0.2\nDNS2=10.0.0.3\nONBOOT="
      "yes\n");
  put("/etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=web.example.org\nGATEWAY=10.0.0.1\n");
  put("/etc/sysconfig/network-scripts/route-eth0", "10.9.0.0/16 via 10.0.0.1\n");
  map("10.0.0.5", "172.16.0.5");
  map("10.0.0.6", "172.16.1.6", 16);
  facts["wishes"]["gateways"] = {"172.16.0.1"};
  facts["wishes"]["dns"] = {"172.16.0.2", "172.16.0.3", "172.16.0.4"};
  facts["wishes"]["hostname"] = "shop";
  fix("readdress");
  EXPECT_EQ(get("/etc/sysconfig/network-scripts/ifcfg-eth0"),
            "DEVICE=eth0\nIPADDR=\"172.16.0.5\"\nNETMASK=255.255.255."
            "0\nBROADCAST=172.16.0.255\n"
            "IPADDR1=172.16.1.6\nPREFIX1=16\nDNS1=172.16.0.2\nDNS2=172.16.0."
            "3\nDNS3=172.16.0.4\n"
            "ONBOOT=yes\n");
  EXPECT_EQ(get("/etc/sysconfig/network"),
            "NETWORKING=yes\nHOSTNAME=shop.example.org\nGATEWAY=172.16.0.1\n");
  EXPECT_EQ(get("/etc/sysconfig/network-scripts/route-eth0"), "10.9.0.0/16 via 172.16.0.1\n");
}

TEST_F(ReaddressFixer, MovesSusesFiles) {
  put("/etc/sysconfig/network/ifcfg-eth0",
      "IPADDR='10.0.0.5/24'\nIPADDR_0='10.0.0.6'\nNETMASK_0='255.255.255.0'\n");
  put("/etc/sysconfig/network/routes", "default 10.0.0.1 - -\n");
  put("/etc/sysconfig/network/config", "NETCONFIG_DNS_STATIC_SERVERS=\"10.0.0.2\"\n");
  put("/etc/HOSTNAME", "web.example.org\n");
  map("10.0.0.5", "172.16.0.5", 20);
  map("10.0.0.6", "172.16.0.6", 20);
  facts["wishes"]["gateways"] = {"172.16.0.1"};
  facts["wishes"]["dns"] = {"9.9.9.9"};
  facts["wishes"]["hostname"] = "shop.example.net";
  fix("readdress");
  EXPECT_EQ(get("/etc/sysconfig/network/ifcfg-eth0"),
            "IPADDR='172.16.0.5/"
            "20'\nIPADDR_0='172.16.0.6'\nNETMASK_0='255.255.240.0'\n");
  EXPECT_EQ(get("/etc/sysconfig/network/routes"), "default 172.16.0.1 - -\n");
  EXPECT_EQ(get("/etc/sysconfig/network/config"), "NETCONFIG_DNS_STATIC_SERVERS=\"9.9.9.9\"\n");
  EXPECT_EQ(get("/etc/HOSTNAME"), "shop.example.net\n");
}

TEST_F(ReaddressFixer, MovesNetworkdNetplanAndNetworkManager) {
  put("/etc/systemd/network/10-eth0.network",
      "[Network]\nAddress=10.0.0.5/"
      "24\nGateway=10.0.0.1\nDNS=10.0.0.2\nDNS=10.0.0.3\n");
  put("/etc/netplan/01.yaml",
      "network:\n  ethernets:\n    eth0:\n      addresses:\n        - "
      "10.0.0.5/24\n"
      "      routes:\n        - to: default\n          via: 10.0.0.1\n"
      "      nameservers:\n        addresses:\n          - 10.0.0.2\n          "
      "- 10.0.0.3\n"
      "    eth1:\n      dhcp4: true\n");
  put("/etc/NetworkManager/system-connections/eth0.nmconnection",
      "[ipv4]\naddress1=10.0.0.5/"
      "24,10.0.0.1\ndns=10.0.0.2;\n[ipv6]\ndns=2001:db8::2;\n",
      0600);
  map("10.0.0.5", "172.16.0.5", 16);
  facts["wishes"]["gateways"] = {"172.16.0.1"};
  facts["wishes"]["dns"] = {"172.16.0.2", "172.16.0.3"};
  fix("readdress");
  EXPECT_EQ(get("/etc/systemd/network/10-eth0.network"),
            "[Network]\nAddress=172.16.0.5/"
            "16\nGateway=172.16.0.1\nDNS=172.16.0.2 172.16.0.3\n");
  EXPECT_EQ(get("/etc/netplan/01.yaml"),
            "network:\n  ethernets:\n    eth0:\n      addresses:\n        - "
            "172.16.0.5/16\n"
            "      routes:\n        - to: default\n          via: 172.16.0.1\n"
            "      nameservers:\n        addresses: [172.16.0.2, 172.16.0.3]\n"
            "    eth1:\n      dhcp4: true\n");
  EXPECT_EQ(get("/etc/NetworkManager/system-connections/eth0.nmconnection"),
            "[ipv4]\naddress1=172.16.0.5/"
            "16,172.16.0.1\ndns=172.16.0.2;172.16.0.3;\n[ipv6]\n"
            "dns=2001:db8::2;\n");
}

TEST_F(ReaddressFixer, RenamesTheHostWhereItSaysItsName) {
  put("/etc/hostname", "web\n");
  put("/etc/mailname", "web.example.org\n");
  put("/etc/hosts",
      "127.0.0.1 localhost\n10.0.0.5\tweb.example.org web # web "
      "itself\n10.0.0.50 webmail\n");
  put("/etc/network/interfaces", "iface eth0 inet static\n address 10.0.0.5/24\n");
  map("10.0.0.5", "10.0.1.5");
  facts["wishes"]["hostname"] = "shop";
  fix("readdress");
  EXPECT_EQ(get("/etc/hostname"), "shop\n");
  EXPECT_EQ(get("/etc/mailname"), "shop.example.org\n");
  EXPECT_EQ(get("/etc/hosts"),
            "127.0.0.1 localhost\n10.0.1.5\tshop.example.org shop # web "
            "itself\n10.0.0.50 webmail\n");
}

TEST_F(ReaddressFixer, RefusesAnAddressThatIsNowhere) {
  put("/etc/network/interfaces", "iface eth0 inet dhcp\n");
  put("/etc/hosts", "10.0.0.5 web\n");
  map("10.0.0.5", "10.0.1.5");
  fix("readdress");
  EXPECT_THAT(findings_now(), Contains("address-not-found blocks"));
}

TEST_F(ReaddressFixer, DoesNotGuessAmongSeveralGateways) {
  put("/etc/network/interfaces",
      "iface eth0 inet static\n address 10.0.0.5/24\n gateway 10.0.0.1\n"
      "iface eth1 inet static\n address 10.1.0.5/24\n gateway 10.1.0.1\n");
  map("10.0.0.5", "10.2.0.5");
  facts["wishes"]["gateways"] = {"10.2.0.1"};
  fix("readdress");
  EXPECT_THAT(findings_now(), Contains("address-gateway blocks"));
  EXPECT_THAT(get("/etc/network/interfaces"), HasSubstr("gateway 10.0.0.1"));
}

TEST_F(ReaddressFixer, WritesNameServersAndSaysWhereThereAreNone) {
  put("/etc/resolv.conf", "search example.org\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n");
  facts["wishes"]["dns"] = {"9.9.9.9"};
  fix("readdress");
  EXPECT_EQ(get("/etc/resolv.conf"), "search example.org\nnameserver 9.9.9.9\n");
  EXPECT_THAT(findings_now(), IsEmpty());
  link("/etc/resolv.conf.link", "/run/x");
  std::filesystem::remove(host_path("/etc/resolv.conf"));
  fix("readdress");
  EXPECT_THAT(findings_now(), Contains("address-dns warns"));
}

}  // namespace
