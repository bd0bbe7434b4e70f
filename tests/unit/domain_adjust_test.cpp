// What a blueprint changes in a description, and the note of where one came from.
#include "domain/adjust.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "domain/make_hvm.hpp"
#include "domain/make_pvh.hpp"
#include "domain/read.hpp"
#include "unit/error_of.hpp"

namespace vmconvert::domain {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* k_xml = R"(<domain type="xen">
  <name>web01</name>
  <uuid>00000000-0000-0000-0000-000000000001</uuid>
  <memory unit="KiB">524288</memory>
  <currentMemory unit="KiB">262144</currentMemory>
  <vcpu current="1">2</vcpu>
  <cpu><topology sockets="1" cores="2" threads="1"/></cpu>
  <os><type arch="x86_64" machine="xenpv">linux</type></os>
  <devices>
    <interface type="bridge"><mac address="00:16:3E:00:00:01"/><source bridge="xenbr0"/></interface>
    <interface type="network"><mac address="00:16:3e:00:00:02"/><source network="inside"/></interface>
  </devices>
</domain>)";

model::Domain source() {
  return read_domain_xml(k_xml, "test");
}

TEST(Adjust, NothingWantedNothingChanged) {
  EXPECT_EQ(adjusted(source(), {}, "web01").xml, k_xml);
}

TEST(Adjust, MemoryAndProcessors) {
  model::Adjustments wanted;
  wanted.memory = ByteCount{2 * k_gib};
  wanted.vcpus = 6;
  const model::Domain domain = adjusted(source(), wanted, "web01");
  EXPECT_EQ(domain.memory.value, 2 * k_gib);
  EXPECT_EQ(domain.vcpus, 6U);
  EXPECT_THAT(domain.xml, HasSubstr("<memory unit=\"KiB\">2097152</memory>"));
  EXPECT_THAT(domain.xml, HasSubstr("<currentMemory unit=\"KiB\">2097152</currentMemory>"));
  EXPECT_THAT(domain.xml, HasSubstr("<vcpu placement=\"static\">6</vcpu>"));
  // libvirt refuses a topology that has another number of processors.
  EXPECT_THAT(domain.xml, Not(HasSubstr("topology")));
  EXPECT_EQ(adjusted(domain, wanted, "web01").xml, domain.xml);
}

model::Adjustments pvh() {
  model::Adjustments wanted;
  wanted.xen_type = model::XenType::pvh;
  return wanted;
}

TEST(Adjust, APvGuestBecomesPvh) {
  const model::Domain domain = adjusted(source(), pvh(), "web01");
  EXPECT_EQ(domain.kind, model::VirtKind::pvh);
  EXPECT_THAT(domain.xml, HasSubstr("<type arch=\"x86_64\" machine=\"xenpvh\">xenpvh</type>"));
  EXPECT_THAT(domain.xml, Not(HasSubstr("xenpv\"")));
  EXPECT_EQ(adjusted(domain, pvh(), "web01").xml, domain.xml) << "and then it is one";
}

// libvirt's oldest descriptions have no <os>; of the features hap is PVH's, too.
TEST(Adjust, APvhGuestLosesWhatXenHasOnlyForPv) {
  const model::Domain old = read_domain_xml(
      "<domain type='xen'><name>g</name><memory>262144</memory><bootloader>pygrub</bootloader>"
      "<features><pae/><hap state='on'/><xen><e820_host state='on'/></xen></features><devices>"
      "<graphics type='vnc' port='-1'/><video><model type='xen'/></video><console type='pty'/>"
      "<hostdev mode='subsystem' type='pci'><source><address bus='3'/></source></hostdev>"
      "<interface type='hostdev'/><interface type='bridge'><source bridge='b'/></interface>"
      "<sound model='es1370'/></devices></domain>",
      "test");
  const model::Domain domain = adjusted(old, pvh(), "g");
  EXPECT_EQ(domain.kind, model::VirtKind::pvh);
  EXPECT_EQ(domain.bootloader, "pygrub");
  EXPECT_EQ(domain.nics.size(), 1U);
  for (const char* gone : {"graphics", "video", "hostdev", "sound", "pae", "e820"}) {
    EXPECT_THAT(domain.xml, Not(HasSubstr(gone)));
  }
  EXPECT_THAT(domain.xml, HasSubstr("<hap state=\"on\"/>"));
  EXPECT_THAT(domain.xml, HasSubstr("<console"));
  const auto left = left_by_pvh(old, "test");
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].kind + " " + left[0].what, "screen vnc");
  EXPECT_EQ(left[1].kind + " " + left[1].what, "sound es1370");
}

TEST(Adjust, AnHvmGuestIsRefusedAsPvh) {
  const model::Domain hvm = read_domain_xml(
      "<domain type='xen'><name>win1</name><memory>262144</memory><os><type>hvm</type></os>"
      "</domain>",
      "test");
  const Error error = error_of([&] { static_cast<void>(adjusted(hvm, pvh(), "win1")); });
  EXPECT_EQ(error.kind(), ErrorKind::refused);
  EXPECT_THAT(error.message(), HasSubstr("win1: an HVM guest starts from the loader in its disk"));
}

// A screen gets a PC's adapter; drives with removable media would stand where the disks are shown.
TEST(Adjust, APvGuestBecomesHvm) {
  model::Adjustments wanted;
  wanted.xen_type = model::XenType::hvm;
  const model::Domain pv = read_domain_xml(
      "<domain type='xen'><name>g</name><memory>262144</memory><bootloader>pygrub</bootloader>"
      "<bootloader_args>--x</bootloader_args><os><type>linux</type><kernel>/k</kernel>"
      "<cmdline>root=/dev/xvda1</cmdline></os><clock offset='localtime' adjustment='reset'/>"
      "<features><xen><e820_host state='on'/></xen></features><devices>"
      "<disk type='block' device='disk'><source dev='/dev/vg/a'/><target dev='xvda1' bus='xen'/>"
      "<boot order='1'/></disk>"
      "<disk type='file' device='cdrom'><source file='/cd.iso'/><target dev='xvdd'/></disk>"
      "<graphics type='vnc' port='-1'/><video><model type='xen'/></video><console type='pty'>"
      "<target type='xen'/></console><input type='mouse' bus='xen'/></devices></domain>",
      "test");
  const model::Domain domain = adjusted(pv, wanted, "g");
  EXPECT_EQ(domain.kind, model::VirtKind::hvm);
  EXPECT_FALSE(domain.bootloader.has_value());
  ASSERT_TRUE(domain.direct_boot.has_value()) << "fixers look for that kernel's kin";
  ASSERT_EQ(domain.disks.size(), 1U);
  for (const char* gone : {"pygrub", "--x", "/k<", "e820", "cd.iso", "bus=\"xen\"/>\n    <input",
                           "type=\"xen\"/>", "order="}) {
    EXPECT_THAT(domain.xml, Not(HasSubstr(gone))) << gone;
  }
  for (const char* there :
       {"<type arch=\"x86_64\" machine=\"xenfv\">hvm</type>", "<boot dev=\"hd\"/>",
        "<clock offset=\"variable\" adjustment=\"0\" basis=\"localtime\"/>", "<acpi/>",
        "<serial type=\"pty\">", "<target type=\"serial\" port=\"0\"/>", "<model type=\"vga\""}) {
    EXPECT_THAT(domain.xml, HasSubstr(there));
  }
  const auto left = left_by_hvm(pv);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].kind + " " + left[0].what, "drive xvdd");
  EXPECT_EQ(adjusted(domain, wanted, "g").xml, domain.xml) << "and then it is one";
}

TEST(Adjust, OnlyAPcBecomesHvm) {
  model::Adjustments wanted;
  wanted.xen_type = model::XenType::hvm;
  const model::Domain arm = read_domain_xml(
      "<domain type='xen'><name>g</name><memory>262144</memory><os><type arch='aarch64'>linux"
      "</type></os></domain>",
      "test");
  const Error error = error_of([&] { static_cast<void>(adjusted(arm, wanted, "g")); });
  EXPECT_EQ(error.kind(), ErrorKind::unsupported);
}

// A bundle's disks and kernel lie in its folder, whatever its description says.
TEST(Adjust, PlacesStayWhereTheyAre) {
  model::Domain domain = read_domain_xml(
      "<domain type='xen'><name>g</name><memory>262144</memory><os><type>linux</type><kernel>/k"
      "</kernel></os><devices><disk type='file'><source file='/old'/><target dev='xvda'/></disk>"
      "</devices></domain>",
      "test");
  ASSERT_EQ(domain.disks.size(), 1U);
  domain.disks[0].source = "/bundle/disk";
  domain.direct_boot = model::DirectBoot{"/bundle/kernel", {}, {}};
  model::Adjustments wanted;
  wanted.vcpus = 3;
  const model::Domain changed = adjusted(domain, wanted, "web01");
  EXPECT_EQ(changed.vcpus, 3U);
  EXPECT_EQ(changed.disks[0].source, "/bundle/disk");
  EXPECT_EQ(changed.direct_boot->kernel, "/bundle/kernel");
}

TEST(Adjust, BridgesAndNetworksByName) {
  model::Adjustments wanted;
  wanted.bridges = {{"xenbr0", "br\"0"}, {"inside", "default"}, {"absent", "x"}};
  const model::Domain domain = adjusted(source(), wanted, "web01");
  EXPECT_EQ(domain.nics.at(0).bridge, "br\"0");
  EXPECT_EQ(domain.nics.at(1).bridge, "default");
  EXPECT_EQ(domain.nics.at(0).mac, "00:16:3e:00:00:01");
}

TEST(Adjust, NewMacsAreTheSameAtEveryRunAndDiffer) {
  model::Adjustments wanted;
  wanted.macs = model::MacPolicy::fresh;
  const model::Domain one = adjusted(source(), wanted, "web01");
  const model::Domain again = adjusted(source(), wanted, "web01");
  const model::Domain other = adjusted(source(), wanted, "web02");
  EXPECT_EQ(one.nics.at(0).mac, again.nics.at(0).mac);
  EXPECT_NE(one.nics.at(0).mac, one.nics.at(1).mac);
  EXPECT_NE(one.nics.at(0).mac, other.nics.at(0).mac);
  EXPECT_THAT(one.nics.at(0).mac, testing::StartsWith("52:54:00:"));
}

TEST(Provenance, IsInTheDescriptionOnce) {
  const std::string first =
      with_provenance(k_xml, {"20261121T041500-3f2a", "/etc/xen/<web>.cfg", "t", "0.1.0"});
  EXPECT_THAT(first, HasSubstr("<vmconvert:job xmlns:vmconvert=\"urn:vmconvert:job:1\" "
                               "id=\"20261121T041500-3f2a\" source=\"/etc/xen/&lt;web&gt;.cfg\""));
  const std::string second = with_provenance(first, {"second", "s", "t", "v"});
  EXPECT_THAT(second, Not(HasSubstr("3f2a")));
  EXPECT_THAT(second, HasSubstr("id=\"second\""));
  EXPECT_EQ(second.find("<metadata>"), second.rfind("<metadata>"));
}

TEST(Provenance, LeavesOthersMetadataAlone) {
  const std::string with_other =
      std::string(k_xml).replace(std::string(k_xml).find("  <memory"), 0,
                                 "  <metadata><x:y xmlns:x=\"urn:other\">kept</x:y></metadata>\n");
  EXPECT_THAT(with_provenance(with_other, {"j", "s", "t", "v"}), HasSubstr("kept</x:y>"));
}

}  // namespace
}  // namespace vmconvert::domain
