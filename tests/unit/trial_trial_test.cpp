// Boot sectors of ours stand in for guests: a real QEMU runs them in well under a second each.
#include "trial/trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"

namespace vmconvert::trial {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string all_words(const TrialRequest& request, Sandbox sandbox = Sandbox::on) {
  std::string text;
  for (const std::string& word : machine_words(
           request, {{"/w,x/disk0.qcow2", "/w,x/disk1.qcow2"}, "/w,x/console"}, sandbox)) {
    text += word + " ";
  }
  return text;
}

TEST(MachineWords, GiveTheGuestTheHardwareOfItsDomain) {
  TrialRequest request{.disks = {{"vda", {}}, {"vdb", {}}}, .macs = {"00:16:3e:00:00:01"}};
  EXPECT_THAT(all_words(request), HasSubstr("-device virtio-blk-pci,drive=disk1,bootindex=2 "));
  EXPECT_THAT(all_words(request), HasSubstr("-device virtio-net-pci,netdev=net0,romfile=,mac="));
  request.disks = {{"hda", {}}, {"hdd", {}}};
  request.hardware = {"ide", "rtl8139", false, {"hda", "hdd"}, {"sda", "sdb"}};
  EXPECT_THAT(all_words(request),
              HasSubstr("-device ide-hd,bus=ide.0,unit=0,drive=disk0,bootindex=1 "));
  EXPECT_THAT(all_words(request),
              HasSubstr("-device ide-hd,bus=ide.1,unit=1,drive=disk1,bootindex=2 "));
  EXPECT_THAT(all_words(request), HasSubstr("-device rtl8139,netdev=net0,romfile=,mac="));
}

TEST(MachineWords, KeepMemoryAndProcessorsWithinBounds) {
  TrialRequest request{.memory = {64 * k_gib}, .vcpus = 64};
  EXPECT_THAT(all_words(request), HasSubstr("-smp 2 -m 2048 "));
  request.memory = {};
  request.vcpus = 0;
  EXPECT_THAT(all_words(request), HasSubstr("-smp 1 -m 256 "));
}

TEST(MachineWords, FollowTheAccelerator) {
  TrialRequest request;
  EXPECT_THAT(all_words(request), HasSubstr("-accel tcg,thread=multi -cpu max "));
  EXPECT_EQ(time_limit(request), 600s);
  request.accelerator = host::AcceleratorKind::kvm;
  EXPECT_THAT(all_words(request), HasSubstr("-accel kvm -cpu host "));
  EXPECT_EQ(time_limit(request), 300s);
  request.limit = 7s;
  EXPECT_EQ(time_limit(request), 7s);
}

TEST(MachineWords, CutOffTheNetworkAndBootFromTheDisksOnly) {
  const std::string text = all_words({.macs = {"00:16:3e:0c:b2:3e", "x,script=/bin/sh", ""}});
  EXPECT_THAT(text, HasSubstr("-netdev user,id=net0,restrict=on -device "
                              "virtio-net-pci,netdev=net0,romfile=,mac=00:16:3e:0c:b2:3e "));
  EXPECT_THAT(text, HasSubstr("netdev=net1,romfile= ")) << "what is no address is not passed on";
  EXPECT_THAT(text, HasSubstr("netdev=net2,romfile= "));
  EXPECT_THAT(text, Not(HasSubstr("/bin/sh")));
  EXPECT_THAT(text, HasSubstr("-boot strict=on -no-reboot "));
  EXPECT_THAT(text, HasSubstr("cache=unsafe,file=/w,,x/disk1.qcow2 "
                              "-device virtio-blk-pci,drive=disk1,bootindex=2 "));
  EXPECT_THAT(all_words({}), Not(HasSubstr("-netdev")));
}

TEST(MachineWords, LeaveOutTheSandboxWhenThereIsNone) {
  EXPECT_THAT(all_words({}, Sandbox::on), HasSubstr("-sandbox on,"));
  EXPECT_THAT(all_words({}, Sandbox::off), Not(HasSubstr("-sandbox")));
}

// Prints its text through the firmware, which shows it on the serial port, then runs `then`.
std::string boot_sector(const std::string& text, const std::string& then) {
  const std::string print(
      "\x31\xc0"      // xor ax, ax
      "\x8e\xd8"      // mov ds, ax
      "\xbe\x40\x7c"  // mov si, 0x7c40: the text below
      "\xfc"          // cld
      "\xac"          // next: lodsb
      "\x84\xc0"      // test al, al
      "\x74\x09"      // jz done
      "\xb4\x0e"      // mov ah, 0x0e: teletype
      "\xbb\x07\x00"  // mov bx, 7
      "\xcd\x10"      // int 0x10
      "\xeb\xf2",     // jmp next; done:
      22);
  std::string sector = print + then;
  sector.resize(0x40, '\0');
  sector += text;
  sector.resize(510, '\0');
  return sector + "\x55\xaa";
}
const std::string k_halt = "\xfb\xf4\xeb\xfd";  // sti; hlt; jmp to hlt
// sti; hlt, hlt: the firmware writes its last byte at the next timer tick; then the keyboard
// controller's reset line; hlt.
const std::string k_reset = "\xfb\xf4\xf4\xb0\xfe\xe6\x64\xf4";
const std::string k_again = "\xeb\xec";  // back to mov si

class RunTrial : public testing::Test {
 protected:
  void SetUp() override {
    if (!find_program("qemu-system-x86_64") || !find_program("qemu-img")) {
      GTEST_SKIP() << "needs qemu-system-x86_64 and qemu-img";
    }
  }

  TrialRequest request_for(const std::string& first_sector) {
    const std::filesystem::path image = dir.path() / "disk,1.raw";
    std::ofstream(image, std::ios::binary) << first_sector;
    std::filesystem::resize_file(image, k_mib);
    content = read_text_file(image);
    return {.disks = {{"vda", image, model::DiskFormat::raw}},
            .macs = {"00:16:3e:00:00:01"},
            .limit = 60s,
            .work_folder = dir.path() / "work",
            .console_log = dir.path() / "console.log"};
  }
  void expect_nothing_left() const {
    EXPECT_TRUE(std::filesystem::is_empty(dir.path() / "work"));
    EXPECT_EQ(read_text_file(dir.path() / "disk,1.raw"), content) << "the source was written to";
  }

  TempDir dir{"/tmp", "trial-test"};
  std::string content;
};

TEST_F(RunTrial, KnowsAnEmptyDiskInSeconds) {
  std::vector<model::Progress> seen;
  const TrialResult result = run_trial(
      request_for(""), [&](const model::Progress& progress) { seen.push_back(progress); });
  EXPECT_FALSE(result.booted);
  EXPECT_EQ(result.ending, Ending::no_bootloader);
  EXPECT_EQ(result.evidence, "No bootable device.");
  EXPECT_THAT(result.cause, HasSubstr("no boot loader"));
  EXPECT_LT(result.seconds, 50);
  EXPECT_THAT(result.last_lines, Contains("Boot failed: not a bootable disk"));
  EXPECT_THAT(read_text_file(result.console_log), HasSubstr("No bootable device.\n"));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front().stage, "trial");
  EXPECT_EQ(seen.front().total.value, 60U);
  expect_nothing_left();
}

TEST_F(RunTrial, SeesALoginPromptAndKeepsItsLine) {
  const TrialResult result =
      run_trial(request_for(boot_sector("\r\nTest OS\r\n\r\nweb01 login: ", k_halt)), {});
  EXPECT_TRUE(result.booted) << result.cause;
  EXPECT_EQ(result.evidence, "web01 login:");
  EXPECT_THAT(read_text_file(result.console_log), HasSubstr("Test OS\nweb01 login:\n"));
  expect_nothing_left();
}

TEST_F(RunTrial, NoticesAGuestThatRestartsItself) {
  const TrialResult result = run_trial(request_for(boot_sector("\r\nbye\r\n", k_reset)), {});
  EXPECT_EQ(result.ending, Ending::guest_ended) << result.cause;
  EXPECT_EQ(result.evidence, "bye");
  expect_nothing_left();
}

TEST_F(RunTrial, EndsAtTheLimitHoweverMuchTheGuestWrites) {
  TrialRequest request = request_for(boot_sector("\r\n[  OK  ] more\r\n", k_again));
  request.limit = 2s;
  const TrialResult result = run_trial(request, {});
  EXPECT_EQ(result.ending, Ending::timed_out);
  EXPECT_LE(std::filesystem::file_size(result.console_log), 17U << 20U);
  EXPECT_LE(result.last_lines.size(), 30U);
  expect_nothing_left();
}

TEST_F(RunTrial, SaysWhyTheMachineDidNotRun) {
  TrialRequest request = request_for("");
  request.machine = "nonsense";
  try {
    run_trial(request, {});
    FAIL() << "no Error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
    EXPECT_THAT(error.message(), HasSubstr("unsupported machine type"));
  }
  expect_nothing_left();
}

TEST_F(RunTrial, RefusesWhatItCannotPlay) {
  TrialRequest request = request_for("");
  request.arch = "ia64";
  EXPECT_THROW(run_trial(request, {}), Error);
  request = request_for("");
  request.disks[0].path = dir.path() / "absent";
  EXPECT_THROW(run_trial(request, {}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path() / "work"));
  request.disks.clear();
  EXPECT_THROW(run_trial(request, {}), Error);
}

}  // namespace
}  // namespace vmconvert::trial
