// Machines, processors, and the health of disks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/temp_dir.hpp"
#include "host/disk_health.hpp"
#include "host/machines.hpp"

namespace vmconvert::host {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* k_capabilities = R"(<capabilities><host/>
  <guest><os_type>hvm</os_type><arch name='i686'><machine>pc</machine></arch></guest>
  <guest><os_type>hvm</os_type><arch name='x86_64'><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <machine maxCpus='255'>pc-i440fx-7.2</machine>
    <machine canonical='pc-i440fx-7.2' maxCpus='255'>pc</machine>
    <domain type='qemu'/><domain type='kvm'><machine>microvm</machine></domain></arch></guest>
  <guest><os_type>xen</os_type><arch name='armv7l'><machine>xenpv</machine></arch></guest>
</capabilities>)";

TEST(MachineOffer, IsReadFromCapabilities) {
  const auto offer = parse_machine_offer(k_capabilities, "x86_64");
  EXPECT_THAT(offer.architectures, ElementsAre("i686", "x86_64"));
  EXPECT_THAT(offer.machines, ElementsAre("pc-i440fx-7.2", "pc", "microvm"));
  EXPECT_THAT(parse_machine_offer(k_capabilities, "riscv64").machines, IsEmpty());
  EXPECT_THROW(static_cast<void>(parse_machine_offer("no", "x86_64")), Error);
}

// libvirt 9.0 on Xen 4.17: tests/fuzz/corpus/host_xml/capabilities.xml has all of it.
TEST(MachineOffer, SaysWhetherXenRunsPvh) {
  const auto pvh = [](const std::string& guests, const char* arch) {
    return parse_machine_offer("<capabilities>" + guests + "</capabilities>", arch).pvh;
  };
  const std::string guest =
      "<guest><os_type>xenpvh</os_type><arch "
      "name='x86_64'><machine>xenpvh</machine></arch></guest>";
  EXPECT_EQ(pvh("<guest><os_type>xen</os_type><arch name='x86_64'/></guest>" + guest, "x86_64"),
            true);
  EXPECT_EQ(pvh(guest, "i686"), false);
  EXPECT_EQ(parse_machine_offer(k_capabilities, "x86_64").pvh, false);
}

// As libvirt 9.0 says it with and without OVMF's package.
TEST(UefiOffer, IsReadFromTheDomainsCapabilities) {
  const auto os = [](const std::string& values) {
    return "<domainCapabilities><os supported='yes'><enum name='firmware'>" + values +
           "</enum><loader supported='yes'><enum "
           "name='type'><value>rom</value></enum></loader></os>"
           "</domainCapabilities>";
  };
  EXPECT_EQ(parse_uefi_offer(os("<value>bios</value><value>efi</value>")), true);
  EXPECT_EQ(parse_uefi_offer(os("")), false);
  EXPECT_EQ(parse_uefi_offer("<domainCapabilities/>"), std::nullopt);
  const Connection connection = Connection::open("test:///default", Access::read_only);
  EXPECT_THAT(machine_offer(connection, "i686").architectures, Contains("i686"));
}

constexpr const char* k_v1 = "flags\t\t: fpu sse sse2 lm nx";
constexpr const char* k_v2 =
    "flags\t\t: fpu sse sse2 lm cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2";

TEST(CpuLevel, IsThatOfTheWeakestProcessor) {
  EXPECT_EQ(parse_cpu_level("").level, 0U);
  EXPECT_EQ(parse_cpu_level("Features\t: fp asimd\n").level, 0U);
  const auto first = parse_cpu_level(std::string("processor : 0\n") + k_v1 + "\n");
  EXPECT_EQ(first.level, 1U);
  EXPECT_THAT(first.missing, Contains("popcnt"));
  const auto second = parse_cpu_level(std::string(k_v2) + "\n");
  EXPECT_EQ(second.level, 2U);
  EXPECT_THAT(second.missing, Contains("avx2"));
  const std::string v3 = std::string(k_v2) + " avx avx2 bmi1 bmi2 f16c fma abm movbe xsave\n";
  EXPECT_EQ(parse_cpu_level(v3).level, 3U);
  EXPECT_EQ(parse_cpu_level(v3 + k_v2 + "\n").level, 2U);
}

TEST(DiskErrors, AreReadInTheKernelsWords) {
  const auto found = parse_disk_errors(
      "sd 0:0:0:0: [sda] tag#17 Sense Key : Medium Error [current]\n"
      "blk_update_request: critical medium error, dev sda, sector 123456\n"
      "critical medium error, dev sda, sector 99 op 0x0:(READ) flags 0x80700 phys_seg 1\n"
      "end_request: I/O error, dev cciss/c0d0, sector 7\n"
      "I/O error, dev sdb, sector 5 op 0x1:(WRITE) flags 0x0\n"
      "I/O error, dev loop0, sector 5 op 0x3:(DISCARD) flags 0x0\n"
      "Buffer I/O error on dev dm-3, logical block 5, async page read\n"
      "I/O error, dev sdc, sector x\n"
      "some words of a guest: error, dev , sector 1\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found.at("sda").count, 2U);
  EXPECT_EQ(found.at("sda").first_sector, 123456U);
  EXPECT_EQ(found.at("cciss/c0d0").count, 1U);
  EXPECT_THAT(parse_disk_errors(""), IsEmpty());
}

TEST(DisksBelow, OfAFileAreNone) {
  const TempDir dir(fs::temp_directory_path(), "vmconvert-disks-below");
  std::ofstream(dir.path() / "image") << "x";
  RealCommandRunner commands;
  EXPECT_THAT(disks_below(dir.path() / "image"), IsEmpty());
  EXPECT_THAT(disks_below(dir.path() / "none"), IsEmpty());
  EXPECT_THAT(disk_health(dir.path() / "image", "I/O error, dev sda, sector 5", commands),
              IsEmpty());
}

class FakeSmart final : public CommandRunner {
 public:
  CommandResult run(const Command& command) override {
    seen = command.argv;
    CommandResult result;
    result.out = answer;
    result.exit_code = 8;
    return result;
  }
  std::string answer;
  std::vector<std::string> seen;
};

TEST(Smart, CountsOnlyWhatTheDiskSaysOfItself) {
  const TempDir dir(fs::temp_directory_path(), "vmconvert-smart");
  const std::string before = ::getenv("PATH");
  FakeSmart smart;
  ::setenv("PATH", dir.path().c_str(), 1);
  if (find_program("smartctl")) {
    ::setenv("PATH", before.c_str(), 1);
  } else {
    smart.answer = R"({"smart_status":{"passed":false}})";
    EXPECT_FALSE(says_that_it_fails("sda", smart)) << "not installed: nobody is asked";
    EXPECT_THAT(smart.seen, IsEmpty());
    std::ofstream(dir.path() / "smartctl") << "#!/bin/sh\n";
    fs::permissions(dir.path() / "smartctl", fs::perms(0755));
  }
  smart.answer = R"({"smart_status":{"passed":false}})";
  EXPECT_TRUE(says_that_it_fails("cciss!c0d0", smart));
  EXPECT_THAT(smart.seen, Contains("/dev/cciss/c0d0"));
  for (const char* other : {R"({"smart_status":{"passed":true}})", R"({"smart_status":null})",
                            R"({"smart_status":{"passed":"no"}})", "[]", "", "{"}) {
    smart.answer = other;
    EXPECT_FALSE(says_that_it_fails("sda", smart)) << other;
  }
  ::setenv("PATH", before.c_str(), 1);
}

}  // namespace
}  // namespace vmconvert::host
