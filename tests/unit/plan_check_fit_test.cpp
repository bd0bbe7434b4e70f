#include "plan/check_fit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace vmconvert::plan {
namespace {

using model::Findings;
using model::Severity;
using testing::HasSubstr;
using testing::IsEmpty;

void expect_one(const Findings& findings, const char* id, Severity severity,
                const std::vector<std::string>& words) {
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].id, id);
  EXPECT_EQ(findings[0].severity, severity);
  for (const std::string& word : words) {
    EXPECT_THAT(findings[0].message, HasSubstr(word));
  }
  EXPECT_FALSE(findings[0].remedy.empty());
}

TEST(CheckPinning, NamesWhatStaysBehind) {
  EXPECT_THAT(check_pinning({}), IsEmpty());
  expect_one(check_pinning({{"processor 0 to 4-7", "memory to node 1"}, false}),
             "pinning-left-behind", Severity::informs, {"processor 0 to 4-7, memory to node 1"});
  expect_one(check_pinning({{}, true}), "pinning-left-behind", Severity::informs, {"NUMA"});
  expect_one(check_pinning({std::vector<std::string>(9, "processor 1 to 1"), false}),
             "pinning-left-behind", Severity::informs, {", ..."});
}

TEST(CheckMachine, BlocksWhatTheTargetCannotBe) {
  const model::MachineOffer offer{{"i686", "x86_64"}, {"pc", "pc-i440fx-7.2", "q35"}};
  EXPECT_THAT(check_machine("x86_64", "pc", offer, "qemu:///system"), IsEmpty());
  EXPECT_THAT(check_machine("x86_64", "", offer, "qemu:///system"), IsEmpty()) << "a site's own";
  EXPECT_THAT(check_machine("x86_64", "pc", {}, "qemu:///system"), IsEmpty()) << "not told";
  EXPECT_THAT(check_machine("x86_64", "pc", {{"x86_64"}, {}}, "qemu:///system"), IsEmpty());
  expect_one(check_machine("x86_64", "pc", {{"aarch64"}, {}}, "qemu:///system"), "target-machine",
             Severity::blocks, {"qemu:///system", "x86_64", "only aarch64"});
  expect_one(check_machine("x86_64", "pc", {{"x86_64"}, {"q35"}}, "qemu:///system"),
             "target-machine", Severity::blocks, {"no machine type pc", "q35"});
}

TEST(CheckFirmware, BlocksAUefiGuestWhereNoFirmwareIs) {
  EXPECT_THAT(check_firmware(true, {{}, {}, true}, "qemu:///system"), IsEmpty());
  EXPECT_THAT(check_firmware(true, {}, "qemu:///system"), IsEmpty()) << "not told";
  EXPECT_THAT(check_firmware(false, {{}, {}, false}, "qemu:///system"), IsEmpty());
  expect_one(check_firmware(true, {{}, {}, false}, "qemu:///system"), "target-firmware",
             Severity::blocks, {"qemu:///system", "UEFI"});
}

TEST(CheckPvhOffer, BlocksWhereXenRunsNone) {
  EXPECT_THAT(check_pvh_offer("x86_64", {}, "xen:///system"), IsEmpty()) << "not told";
  EXPECT_THAT(check_pvh_offer("x86_64", {{}, {}, {}, true}, "xen:///system"), IsEmpty());
  expect_one(check_pvh_offer("i686", {{}, {}, {}, false}, "xen:///system"), "target-machine",
             Severity::blocks, {"xen:///system", "PVH", "i686"});
}

TEST(CheckHvmOffer, BlocksWhereXenRunsNone) {
  EXPECT_THAT(check_hvm_offer("x86_64", {}, "xen:///system"), IsEmpty()) << "not told";
  EXPECT_THAT(check_hvm_offer("x86_64", {{"x86_64"}, {}, {}, false}, "xen:///system"), IsEmpty());
  expect_one(check_hvm_offer("x86_64", {{}, {}, {}, false}, "xen:///system"), "target-machine",
             Severity::blocks, {"xen:///system", "HVM", "x86_64"});
}

TEST(CheckPvhKernel, BlocksOneThatCannotAndWarnsOfWhatIsNotKnown) {
  EXPECT_THAT(check_pvh_kernel({"/boot/vmlinuz-6.1", "6.1", true, "seen"}), IsEmpty());
  expect_one(check_pvh_kernel({"/boot/vmlinuz-3.2", "3.2.0-4", false, "by its version"}),
             "kernel-not-pvh", Severity::blocks, {"/boot/vmlinuz-3.2 (3.2.0-4)", "by its version"});
  expect_one(check_pvh_kernel({"/boot/vmlinuz", "", std::nullopt, "nothing tells"}),
             "kernel-not-pvh", Severity::warns, {"/boot/vmlinuz ", "nothing tells"});
}

TEST(CheckCpuLevel, KnowsWhatDistributionsAreBuiltFor) {
  EXPECT_EQ(needed_cpu_level("rocky", "Rocky Linux 9.3 (Blue Onyx)"), 2U);
  EXPECT_EQ(needed_cpu_level("rhel", "Red Hat Enterprise Linux 10.0 (Coughlan)"), 3U);
  EXPECT_EQ(needed_cpu_level("almalinux", "AlmaLinux 10.0 (Purple Lion)"), 2U);
  EXPECT_EQ(needed_cpu_level("centos", "CentOS Linux 7 (Core)"), 1U);
  EXPECT_EQ(needed_cpu_level("rhel", ""), 1U);
  EXPECT_EQ(needed_cpu_level("opensuse-leap", "openSUSE Leap 16.0"), 2U);
  EXPECT_EQ(needed_cpu_level("opensuse-leap", "openSUSE Leap 42.3"), 1U);
  EXPECT_EQ(needed_cpu_level("debian", "Debian GNU/Linux 12 (bookworm)"), 1U);
}

TEST(CheckCpuLevel, WarnsOfAProcessorThatIsTooOld) {
  model::GuestFacts guest;
  guest.distribution = "rocky";
  guest.os_name = "Rocky Linux 9.3 (Blue Onyx)";
  EXPECT_THAT(check_cpu_level(guest, {2, {"avx"}}), IsEmpty());
  EXPECT_THAT(check_cpu_level(guest, {}), IsEmpty()) << "not known";
  expect_one(check_cpu_level(guest, {1, {"sse4_2", "popcnt"}}), "target-cpu-level", Severity::warns,
             {"Rocky Linux 9.3", "x86-64-v2", "v1", "sse4_2, popcnt"});
  guest.distribution = "debian";
  EXPECT_THAT(check_cpu_level(guest, {1, {"sse4_2"}}), IsEmpty());
}

TEST(CheckHealth, WarnsOfADiskWithErrors) {
  const model::DomainDisk disk{"xvda", "xen", model::DiskDevice::disk, "/dev/vg0/web01"};
  EXPECT_THAT(check_health(disk, {}), IsEmpty());
  EXPECT_THAT(check_health(disk, {{"sda", 0, {}, false}}), IsEmpty());
  expect_one(check_health(disk, {{"sda", 5, 123456, false}}), "source-disk-failing",
             Severity::warns, {"xvda (/dev/vg0/web01) lies on sda", "5 errors", "sector 123456"});
  expect_one(check_health(disk, {{"sda", 1, {}, true}}), "source-disk-failing", Severity::warns,
             {"1 error of it; by SMART it is failing"});
}

}  // namespace
}  // namespace vmconvert::plan
