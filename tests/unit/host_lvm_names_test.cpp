#include "host/lvm_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host_lvm_support.hpp"

namespace vmconvert::host {
namespace {

using testing::HasSubstr;

// As LVM made them, see the names of the machine's devices: dmsetup info -c -o name,uuid.
constexpr const char* k_volume_uuid =
    "LVM-LHwLxHZ66S6GZisUIDjcoFxrcda63tQrgE0IHli8jscQhtU1I8sN6EhodsGHFx0K";

TEST(VolumeNames, AreCheckedByLvmsRules) {
  for (const char* good : {"web01", "a-b.c+_", "9", "my_snapshot", "x_wcache", "...", "_a"}) {
    EXPECT_NO_THROW(require_valid_name({"vg0", good})) << good;
  }
  for (const char* bad : {"", ".", "..", "-a", "a b", "a/b", "a\"b", "ä", "a\x1b", "snapshot1",
                          "pvmove0", "x_mlog", "x_mimage_0", "a_tdata", "a_tmeta", "r_rimage_0",
                          "lvol0_pmspare", "a_vorigin", "a_cpool"}) {
    const Error error = error_of([&] { require_valid_name({"vg0", bad}); });
    EXPECT_EQ(error.kind(), ErrorKind::bad_input) << bad;
    EXPECT_THAT(error.remedy(), HasSubstr("--name"));
  }
}

TEST(VolumeNames, FitTogetherWithTheGroupsName) {
  EXPECT_NO_THROW(require_valid_name({"vg0", std::string(118, 'a')}));
  const Error error = error_of([] { require_valid_name({"vg0", std::string(119, 'a')}); });
  EXPECT_THAT(error.message(), HasSubstr("too long (122 characters"));
  EXPECT_THROW(require_valid_name({"vg0", "a" + std::string(60, '-')}), Error)
      << "each dash counts twice in device-mapper";
}

TEST(VolumeNames, BecomePathsAndDeviceMapperNames) {
  const VolumeName name{"vg-a", "web-01"};
  EXPECT_EQ(to_text(name), "vg-a/web-01");
  EXPECT_EQ(device_path(name), "/dev/vg-a/web-01");
  EXPECT_EQ(device_mapper_name(name), "vg--a-web--01");
  EXPECT_EQ(volume_from_path("/dev/vg-a/web-01"), name);
  EXPECT_EQ(volume_from_path("/dev/mapper/vg--a-web--01"), name);
  EXPECT_EQ(volume_from_device_mapper("vg--a-web--01", k_volume_uuid), name);
}

TEST(VolumeNames, AreNotSeenInOtherPaths) {
  for (const char* path : {"/dev/sda", "/dev/mapper/control", "/dev/mapper/vg0-thick-real",
                           "/dev/disk/by-id/x", "/dev/vg0/..", "/dev/vg0/a b", "dev/vg0/a",
                           "/dev/mapper/vg0-pool_tdata", "/dev/mapper/-a", "/dev/mapper/a-", ""}) {
    EXPECT_FALSE(volume_from_path(path)) << path;
  }
}

TEST(VolumeNames, AreNotSeenInOtherDevices) {
  const std::string uuid = k_volume_uuid;
  EXPECT_TRUE(volume_from_device_mapper("vg0-thick", uuid));
  EXPECT_FALSE(volume_from_device_mapper("vg0-thick-real", uuid + "-real"));
  EXPECT_FALSE(volume_from_device_mapper("vg0-snap-cow", uuid + "-cow"));
  EXPECT_FALSE(volume_from_device_mapper("vg0-pool_tmeta", uuid + "-tmeta"));
  EXPECT_FALSE(volume_from_device_mapper("vg0-thick1", "part1-" + uuid));
  EXPECT_FALSE(volume_from_device_mapper("luks-x", "CRYPT-LUKS2-0123"));
  EXPECT_FALSE(volume_from_device_mapper("vg0-thick", ""));
}

TEST(VolumeOf, AsksLvmAboutAPathWithoutADevice) {
  FakeLvm fake;
  fake.answer("vgs", recorded("groups.json"));
  fake.answer("lvs", recorded("volumes.json"));
  EXPECT_EQ(volume_of(fake, "/dev/vg0/off"), (VolumeName{"vg0", "off"}));
  EXPECT_FALSE(volume_of(fake, "/dev/vg0/absent"));
  fake.answers.erase("lvs");
  EXPECT_FALSE(volume_of(fake, "/dev/elsewhere/off"));
  fake.answers.clear();
  EXPECT_FALSE(volume_of(fake, "/dev/null"));
  EXPECT_FALSE(volume_of(fake, "/nowhere/at/all"));
}

TEST(Tags, TakeAnyText) {
  EXPECT_EQ(to_tag("vmconvert.job=web-01:2"), "vmconvert.job=web-01:2");
  EXPECT_EQ(to_tag("a b+c,\xc3\xa4"), "a+20b+2Bc+2C+C3+A4");
  EXPECT_EQ(to_tag("-x"), "+2Dx");
  for (const std::string text : {"/dev/old vg/ä,\"q\"", "+2B", "", "-", "\n"}) {
    EXPECT_EQ(from_tag(to_tag(text)), text);
  }
  EXPECT_EQ(from_tag("+"), "+");
  EXPECT_EQ(from_tag("a+2"), "a+2");
  EXPECT_EQ(from_tag("+ZZ"), "+ZZ");
}

TEST(Tags, EndAtTheirLimitAndNotInsideACharacter) {
  EXPECT_EQ(to_tag(std::string(2000, 'a')).size(), 1024U);
  const std::string tag = to_tag(std::string(2000, ' '));
  EXPECT_EQ(tag.size(), 1023U);
  EXPECT_EQ(from_tag(tag), std::string(341, ' '));
}

}  // namespace
}  // namespace vmconvert::host
