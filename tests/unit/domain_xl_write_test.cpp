#include "domain/xl_write.hpp"

#include <fmt/format.h>

#include "domain/rewrite.hpp"
#include "domain/xl_config.hpp"
#include "unit/domain_support.hpp"

namespace vmconvert::domain {
namespace {

std::string xen(const std::string& os, const std::string& devices) {
  return "<domain type='xen'><name>g</name><memory unit='MiB'>256</memory>" + os + "<devices>" +
         devices + "</devices></domain>";
}
const std::string k_pv = "<bootloader>pygrub</bootloader><os><type>linux</type></os>";
const std::string k_hvm =
    "<os><type>hvm</type><boot dev='cdrom'/><boot dev='hd'/></os><features><acpi/></features>";

std::string disk(const std::string& path, const std::string& target = "xvda") {
  return fmt::format(
      "<disk type='file' device='disk'><driver type='raw'/><source file='{}'/>"
      "<target dev='{}'/></disk>",
      path, target);
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class XlWriteDump : public ::testing::TestWithParam<std::string> {};

// What a real libvirt on a real Xen said of its guests.
TEST_P(XlWriteDump, is_the_golden_and_tells_of_the_same_guest) {
  const std::string text = to_xl_config(dump(GetParam()), GetParam());
  expect_golden(k_golden / "expected" / (GetParam() + ".cfg"), text);
}

// The configuration of a guest that was moved to another Xen.
TEST_P(XlWriteDump, follows_a_conversion) {
  RewriteRequest request;
  request.source_xml = dump(GetParam());
  request.stylesheet = k_templates / "xen-to-xen.xsl";
  request.name = "web01";
  request.virt_type = "xen";
  request.disks = {{"xvda", "/srv/vms/web01-xvda.qcow2", model::DiskFormat::qcow2},
                   {"xvdb", "/dev/vg0/web01-xvdb", model::DiskFormat::raw, true, true}};
  const std::string text = to_xl_config(rewrite_domain(request), "web01.xml");
  EXPECT_TRUE(has(text, "name = \"web01\"\n"));
  EXPECT_TRUE(
      has(text, "\"format=qcow2, vdev=xvda, access=rw, target=/srv/vms/web01-xvda.qcow2\",\n"))
      << text;
  EXPECT_TRUE(has(text, "\"format=raw, vdev=xvdb, access=ro, target=/dev/vg0/web01-xvdb\",\n"));
}

INSTANTIATE_TEST_SUITE_P(All, XlWriteDump, ::testing::ValuesIn(k_dumps), [](const auto& one) {
  std::string name = one.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

TEST(XlWrite, paths_with_quotes_commas_and_backslashes) {
  for (const std::string path : {"/srv/it&apos;s.img", "/srv/a, b=c.img", "/srv/back\\slash.img",
                                 "/srv/&quot;quoted&quot;.img", "/srv/ü.img"}) {
    const std::string text = to_xl_config(xen(k_pv, disk(path)), "g.xml");
    EXPECT_TRUE(has(text, "target=/srv/")) << text;
  }
}

TEST(XlWrite, cards_as_xens_scripts_want_them) {
  const std::string text = to_xl_config(
      xen(k_pv, disk("/a") +
                    "<interface type='bridge'><mac address='00:16:3e:00:00:01'/>"
                    "<source bridge='ovsbr0'/><virtualport type='openvswitch'/>"
                    "<vlan trunk='yes'><tag id='10'/><tag id='20'/></vlan></interface>"
                    "<interface type='bridge'><source bridge='ovsbr1'/>"
                    "<virtualport type='openvswitch'/><vlan><tag id='7'/></vlan></interface>"
                    "<interface type='ethernet'><mac address='00:16:3e:00:00:03'/>"
                    "<ip address='192.0.2.9' family='ipv4'/><script path='vif-nat'/>"
                    "<bandwidth><outbound average='1024'/></bandwidth></interface>"),
      "g.xml");
  EXPECT_TRUE(has(text, "\"mac=00:16:3e:00:00:01,bridge=ovsbr0:10:20,script=vif-openvswitch\""))
      << text;
  EXPECT_TRUE(has(text, "\"bridge=ovsbr1.7,script=vif-openvswitch\""));
  EXPECT_TRUE(has(text, "\"mac=00:16:3e:00:00:03,script=vif-nat,ip=192.0.2.9,rate=1024KB/s\""));
}

TEST(XlWrite, an_hvm_guests_boot_and_screen) {
  const std::string text = to_xl_config(
      xen(k_hvm, disk("/a", "hda") +
                     "<disk type='file' device='cdrom'><target dev='hdc'/><readonly/></disk>"
                     "<interface type='bridge'><source bridge='b'/><model type='rtl8139'/>"
                     "</interface><serial type='pty'/><input type='tablet' bus='usb'/>"
                     "<graphics type='vnc' port='5907' autoport='no' listen='127.0.0.1'/>"
                     "<video><model type='vga'/></video>"),
      "g.xml");
  for (const char* line :
       {"type = \"hvm\"\n", "boot = \"dc\"\n", "acpi = 1\n", "apic = 0\n",
        "\"format=raw, vdev=hdc, access=ro, devtype=cdrom\",\n", "\"bridge=b,model=rtl8139\"",
        "vncdisplay = 7\n", "vncunused = 0\n", "vga = \"stdvga\"\n", "serial = \"pty\"\n",
        "usbdevice = \"tablet\"\n"}) {
    EXPECT_TRUE(has(text, line)) << line << "\n" << text;
  }
}

TEST(XlWrite, says_what_xl_has_no_word_for) {
  const auto network = error_of([] {
    static_cast<void>(to_xl_config(
        xen(k_pv, disk("/a") + "<interface type='network'><source network='default'/></interface>"),
        "g.xml"));
  });
  ASSERT_TRUE(network);
  EXPECT_EQ(network->kind(), ErrorKind::unsupported);
  EXPECT_TRUE(has(network->message(), "g.xml: a card on the network \"default\""));
  const auto comma = error_of([] {
    static_cast<void>(to_xl_config(
        xen(k_pv, disk("/a") + "<interface type='bridge'><source bridge='a,b'/></interface>"),
        "g.xml"));
  });
  ASSERT_TRUE(comma);
  EXPECT_EQ(comma->kind(), ErrorKind::unsupported);
}

TEST(XlWrite, takes_xen_guests_only) {
  const auto error = error_of([] {
    static_cast<void>(
        to_xl_config("<domain type='kvm'><name>g</name><memory>262144</memory><os>"
                     "<type>hvm</type></os><devices/></domain>",
                     "g.xml"));
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::bad_input);
  EXPECT_TRUE(has(error->remedy(), "--to xen"));
}

}  // namespace
}  // namespace vmconvert::domain
