#include "host/neighbours.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/subprocess.hpp"
#include "host/device_identity.hpp"
#include "host/node.hpp"
#include "host/xml_nodes.hpp"

namespace vmconvert::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Neighbour, HasAddressesAndDisks) {
  const model::Neighbour found = parse_neighbour(
      "<domain><devices>"
      "<disk type='file' device='disk'><source file='/srv/a.img'/></disk>"
      "<disk type='block' device='disk'><source dev='/dev/vg0/b'/></disk>"
      "<disk type='file' device='disk'><source file='/srv/ro.img'/><readonly/></disk>"
      "<disk type='file' device='cdrom'><source file='/srv/c.iso'/></disk>"
      "<interface type='bridge'><mac address='00:16:3E:00:00:0A'/></interface>"
      "</devices></domain>");
  EXPECT_THAT(found.disks, ElementsAre("/srv/a.img", "/dev/vg0/b"));
  EXPECT_THAT(found.macs, ElementsAre("00:16:3e:00:00:0a"));
}

TEST(Neighbour, IsEmptyForWhatIsNoDescription) {
  EXPECT_THAT(parse_neighbour("no").disks, IsEmpty());
  EXPECT_THAT(parse_neighbour("<domain/>").macs, IsEmpty());
  EXPECT_THAT(parse_neighbour("<a>" + std::string(2U << 20U, ' ') + "</a>").macs, IsEmpty());
}

TEST(Neighbours, AreReadFromAConnection) {
  const Connection connection = Connection::open("test:///default", Access::read_only);
  const auto found = neighbours(connection);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "test");
  EXPECT_TRUE(found[0].active);
  const model::NodeFacts node = node_facts(connection);
  EXPECT_GT(node.memory.value, k_gib);
  EXPECT_GT(node.cpus, 0U);
  EXPECT_EQ(node.available.value, 0U) << "not this machine's";
  EXPECT_EQ(has_network(connection, "default"), std::optional(true));
  EXPECT_EQ(has_network(connection, "no-such-network"), std::optional(false));
  EXPECT_EQ(has_bridge(connection, "virbr0"), std::nullopt) << "not a host's bridges";
}

TEST(Meminfo, HasTotalAndAvailable) {
  const auto memory = parse_meminfo(
      "MemTotal:       24683620 kB\nMemFree:        22215964 kB\nMemAvailable:   23776320 kB\n"
      "HugePages_Total:       0\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total.value, 24683620U * k_kib);
  EXPECT_EQ(memory->available.value, 23776320U * k_kib);
}

TEST(Meminfo, OfAnotherShapeIsNone) {
  EXPECT_FALSE(parse_meminfo(""));
  EXPECT_FALSE(parse_meminfo("MemTotal: 5 kB\n")) << "kernels before 3.14 have no MemAvailable";
  EXPECT_FALSE(parse_meminfo("MemTotal: 5 MB\nMemAvailable: 5 kB\n"));
  EXPECT_FALSE(parse_meminfo("MemTotal: 18446744073709551615 kB\nMemAvailable: 5 kB\n"));
}

TEST(XmlNodes, AreFoundByNameAndNeverLoadAnything) {
  const XmlDoc doc = parse_xml(
      "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
      "<a k=' v '><b> one </b><c/><b>&e;</b></a>",
      1024);
  const xmlNode* root = root_of(doc);
  EXPECT_EQ(attribute(root, "k"), " v ");
  EXPECT_EQ(attribute(root, "none"), "");
  EXPECT_EQ(content(child(root, "b")), "one");
  ASSERT_EQ(children(root, "b").size(), 2U);
  EXPECT_EQ(content(children(root, "b")[1]), "");
  EXPECT_EQ(child(root, "none"), nullptr);
  EXPECT_EQ(child(nullptr, "b"), nullptr);
  EXPECT_EQ(content(nullptr), "");
  EXPECT_EQ(root_of(parse_xml("<a/>", 3)), nullptr) << "too long";
}

TEST(DeviceIdentity, IsEmptyForFiles) {
  RealCommandRunner commands;
  EXPECT_EQ(identify_device("/etc/passwd", commands).sector_size, 0U);
  EXPECT_EQ(identify_device("/no/such/file", commands).sector_size, 0U);
}

}  // namespace
}  // namespace vmconvert::host
