#include "domain/devices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/read.hpp"

namespace vmconvert::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

model::DescribedDevices devices_of(const std::string& devices, const std::string& more = {}) {
  const std::string xml =
      "<domain type='xen'><name>web01</name><memory unit='MiB'>256</memory>"
      "<os><type>hvm</type></os>" +
      more + "<devices>" + devices + "</devices></domain>";
  return read_devices(read_domain_xml(xml, "test"), "test");
}

constexpr const char* k_disk =
    "<disk type='file' device='disk'><driver type='qcow2'/><source file='/srv/a.qcow2'/>"
    "<target dev='xvda'/></disk>";

TEST(Devices, AreNotThereInAPlainDescription) {
  const auto found = devices_of(k_disk);
  EXPECT_THAT(found.special, IsEmpty());
  EXPECT_THAT(found.shareable, IsEmpty());
  EXPECT_THAT(found.chains, ElementsAre(IsEmpty()));
  EXPECT_FALSE(found.hugepages);
  EXPECT_FALSE(found.secure_boot);
}

TEST(Devices, NamePassedThroughOnes) {
  const auto found = devices_of(
      std::string(k_disk) +
      "<hostdev type='pci'><source><address domain='0x0000' bus='0x03' slot='0x00' "
      "function='0x1'/></source></hostdev>"
      "<hostdev type='usb'><source><vendor id='0x04f3'/><product id='0x0c'/></source></hostdev>"
      "<interface type='hostdev'><mac address='00:16:3e:00:00:05'/></interface>"
      "<tpm model='tpm-crb'/>");
  ASSERT_EQ(found.special.size(), 4U);
  EXPECT_EQ(found.special[0].what, "PCI 0000:03:00.1");
  EXPECT_EQ(found.special[1].what, "USB 0x04f3:0x0c");
  EXPECT_EQ(found.special[2].kind, "network card");
  EXPECT_EQ(found.special[2].what, "00:16:3e:00:00:05");
  EXPECT_EQ(found.special[3].kind, "tpm");
}

TEST(Devices, NameTheFilesOfAChain) {
  const auto found = devices_of(
      "<disk type='file' device='disk'><driver type='qcow2'/><source file='/srv/a.qcow2'>"
      "<dataStore type='file'><format type='raw'/><source file='/srv/a.data'/></dataStore></source>"
      "<backingStore type='file'><format type='qcow2'/><source file='/srv/b.qcow2'/>"
      "<backingStore type='block'><format type='raw'/><source dev='/dev/vg0/c'/><backingStore/>"
      "</backingStore></backingStore><target dev='xvda'/><shareable/></disk>");
  EXPECT_THAT(found.chains, ElementsAre(ElementsAre("/srv/a.data", "/srv/b.qcow2", "/dev/vg0/c")));
  EXPECT_THAT(found.shareable, ElementsAre("xvda"));
}

TEST(Devices, NameBridgesNetworksAndMemory) {
  const auto found = devices_of(
      std::string(k_disk) +
          "<interface type='bridge'><mac address='00:16:3e:00:00:05'/><source bridge='xenbr0'/>"
          "</interface><interface type='bridge'><mac address='00:16:3e:00:00:06'/>"
          "<source bridge='xenbr0'/></interface><interface type='network'>"
          "<mac address='00:16:3e:00:00:07'/><source network='dmz'/></interface>",
      "<memoryBacking><hugepages/></memoryBacking>");
  EXPECT_THAT(found.bridges, ElementsAre("xenbr0"));
  EXPECT_THAT(found.networks, ElementsAre("dmz"));
  EXPECT_TRUE(found.hugepages);
}

}  // namespace
}  // namespace vmconvert::domain
