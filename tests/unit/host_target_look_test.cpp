#include "host/target_look.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/own_process.hpp"
#include "base/temp_dir.hpp"
#include "host/embed.hpp"
#include "host/libvirt.hpp"
#include "unit/error_of.hpp"

namespace vmconvert::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TargetLook, SurvivesTheWayBetweenTwoProcesses) {
  TargetLook look;
  look.uuid_defined = true;
  look.domain_types = {"kvm", "qemu"};
  look.neighbours = {{"w\xff\"eb", "uuid", true, {"52:54:00:00:00:01"}, {"/dev/x\n"}}, {}};
  look.node = {ByteCount{1U << 30U}, 4, ByteCount{5}};
  look.machines = {{"x86_64"}, {"pc", "q35"}, false, true};
  look.missing_bridges = {"xenbr0"};
  const TargetLook back = target_look_from_json(to_json(look));
  EXPECT_FALSE(back.name_defined);
  EXPECT_TRUE(back.uuid_defined);
  EXPECT_EQ(back.domain_types, look.domain_types);
  ASSERT_EQ(back.neighbours.size(), 2U);
  EXPECT_EQ(back.neighbours[0].name, "w\xff\"eb");
  EXPECT_TRUE(back.neighbours[0].active);
  EXPECT_EQ(back.neighbours[0].macs, look.neighbours[0].macs);
  EXPECT_EQ(back.neighbours[0].disks, look.neighbours[0].disks);
  EXPECT_EQ(back.node.memory, look.node.memory);
  EXPECT_EQ(back.node.cpus, 4U);
  EXPECT_EQ(back.node.available, look.node.available);
  EXPECT_EQ(back.machines.architectures, look.machines.architectures);
  EXPECT_EQ(back.machines.machines, look.machines.machines);
  EXPECT_EQ(back.machines.uefi, look.machines.uefi);
  EXPECT_EQ(back.machines.pvh, look.machines.pvh);
  EXPECT_EQ(back.missing_bridges, look.missing_bridges);
  EXPECT_THAT(back.missing_networks, IsEmpty());
}

TEST(TargetLook, OfATestDriver) {
  const TargetLook look =
      look_at_target("test:///default", {"test", "", "x86_64", {"nobr9"}, {"default", "none9"}});
  EXPECT_TRUE(look.name_defined);
  EXPECT_FALSE(look.uuid_defined);
  ASSERT_EQ(look.neighbours.size(), 1U);
  EXPECT_EQ(look.neighbours[0].name, "test");
  EXPECT_THAT(look.missing_networks, ElementsAre("none9"));
}

TEST(TargetLook, LeavesAnEmbeddedLibvirtToOthers) {
  const TempDir root(std::filesystem::temp_directory_path(), "vmconvert-look");
  const std::string uri = embed_uri(root.path());
  try {
    EXPECT_FALSE(look_at_target(uri, {"web01", "", "x86_64", {}, {}}).name_defined);
  } catch (const Error& error) {
    // Where libvirt has no QEMU driver there is nothing to take, either.
    ASSERT_NE(error.kind(), ErrorKind::busy) << error.message();
  }
  // Another process gets it at once, although this one lives on.
  EXPECT_EQ(in_own_process([&] {
              hold_embed_root(root.path(), std::chrono::seconds(0));
              return std::string("held");
            }),
            "held");
}

TEST(TargetLook, NamesWhoHasTheEmbeddedLibvirt) {
  const TempDir root(std::filesystem::temp_directory_path(), "vmconvert-look");
  hold_embed_root(root.path(), std::chrono::seconds(0));
  const Error error = error_of([&] {
    in_own_process([&] {
      hold_embed_root(root.path() / ".", std::chrono::seconds(0));
      return std::string();
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::busy);
}

}  // namespace
}  // namespace vmconvert::host
