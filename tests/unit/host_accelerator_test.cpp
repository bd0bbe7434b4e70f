#include "host/accelerator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/temp_dir.hpp"

namespace vmconvert::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* k_boot_log =
    "[    0.000000] Linux version 6.1.0\r\n"
    "[    1.400000] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n";

// Plays QEMU: writes a console and ends, or hangs.
class FakeQemu final : public CommandRunner {
 public:
  std::string console;
  CommandResult answer;
  std::string version = "QEMU emulator version 7.2\n";
  std::vector<Command> boots;

  CommandResult run(const Command& command) override {
    if (command.argv.at(1) == "--version") {
      return {.out = version};
    }
    boots.push_back(command);
    for (const std::string& word : command.argv) {
      if (word.starts_with("file,id=console,path=")) {
        std::ofstream(word.substr(word.find("path=") + 5)) << console;
      }
    }
    return answer;
  }
};

class FindAccelerator : public testing::Test {
 protected:
  FindAccelerator() {
    probe.device = dir.path() / "kvm";
    probe.kernels = dir.path() / "boot";
    probe.boot_id = dir.path() / "boot_id";
    std::filesystem::create_directories(probe.kernels);
    put(probe.device, "");
    put(probe.boot_id, "11111111-aaaa\n");
    put(probe.kernels / "vmlinuz-6.1.0-9-amd64", "");
    put(probe.kernels / "vmlinuz-6.1.0-56-amd64", "");
    put(probe.kernels / "initrd.img-7.0", "");
    before = set_log_sink([this](LogLevel level, std::string_view text) {
      if (level == LogLevel::warning) {
        warnings.emplace_back(text);
      }
    });
  }
  ~FindAccelerator() override { set_log_sink(before); }

  static void put(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  Accelerator find() { return find_accelerator(dir.path() / "state", qemu, probe); }

  TempDir dir{"/tmp", "accelerator-test"};
  AcceleratorProbe probe;
  FakeQemu qemu;
  std::vector<std::string> warnings;
  LogSink before;
};

TEST_F(FindAccelerator, IsKvmWhenTheNewestKernelRanToItsEnd) {
  qemu.console = k_boot_log;
  const Accelerator found = find();
  EXPECT_EQ(found.kind, AcceleratorKind::kvm);
  EXPECT_THAT(found.reason, HasSubstr("vmlinuz-6.1.0-56-amd64 ran to its end"));
  ASSERT_THAT(qemu.boots, SizeIs(1));
  EXPECT_THAT(qemu.boots[0].argv, testing::Contains(probe.kernels / "vmlinuz-6.1.0-56-amd64"));
  EXPECT_EQ(qemu.boots[0].timeout, probe.limit);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(FindAccelerator, IsTcgWithOneWarningWhenKvmHangs) {
  qemu.console = "[    0.000000] Linux version 6.1.0\r\n";
  qemu.answer = {.exit_code = 137, .timed_out = true};
  const Accelerator first = find();
  EXPECT_EQ(first.kind, AcceleratorKind::tcg);
  EXPECT_THAT(first.reason, HasSubstr("KVM hangs on this host"));
  const Accelerator second = find();
  EXPECT_EQ(second.kind, AcceleratorKind::tcg);
  EXPECT_EQ(second.reason, first.reason);
  EXPECT_THAT(qemu.boots, SizeIs(1));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("using emulation")));
}

TEST_F(FindAccelerator, AsksAgainAfterARebootAndWithAnotherQemu) {
  qemu.console = k_boot_log;
  find();
  put(probe.boot_id, "22222222-bbbb\n");
  find();
  EXPECT_THAT(qemu.boots, SizeIs(2));
  qemu.version = "QEMU emulator version 8.0\n";
  find();
  EXPECT_THAT(qemu.boots, SizeIs(3));
}

TEST_F(FindAccelerator, IsTcgWhenQemuEndsWithoutHavingBooted) {
  qemu.answer = {.exit_code = 1, .err = "qemu: failed to initialize kvm: Permission denied\n"};
  EXPECT_THAT(find().reason, HasSubstr("failed to initialize kvm: Permission denied"));
  EXPECT_THAT(warnings, SizeIs(1));
  put(probe.boot_id, "3\n");
  qemu.answer = {};
  EXPECT_EQ(find().kind, AcceleratorKind::tcg) << "exit code 0, and a console without a kernel";
}

TEST_F(FindAccelerator, IsTcgWithoutAProbeWhenThereIsNoDevice) {
  std::filesystem::remove(probe.device);
  const Accelerator found = find();
  EXPECT_EQ(found.kind, AcceleratorKind::tcg);
  EXPECT_THAT(found.reason, HasSubstr("kvm: No such file or directory"));
  EXPECT_THAT(qemu.boots, IsEmpty());
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(FindAccelerator, IsTcgWhenThereIsNoKernelToTry) {
  std::filesystem::remove_all(probe.kernels);
  EXPECT_THAT(find().reason, HasSubstr("no readable kernel in"));
  EXPECT_THAT(qemu.boots, IsEmpty());
}

TEST_F(FindAccelerator, WorksWithAStateFolderThatCannotBeWrittenAndWithABrokenMemory) {
  qemu.console = k_boot_log;
  put(dir.path() / "state", "a file where the folder should be");
  EXPECT_EQ(find().kind, AcceleratorKind::kvm);
  EXPECT_EQ(find().kind, AcceleratorKind::kvm);
  EXPECT_THAT(qemu.boots, SizeIs(2));
  std::filesystem::remove(dir.path() / "state");
  find();
  put(dir.path() / "state/accelerator", std::string(10000, 'x'));
  EXPECT_EQ(find().kind, AcceleratorKind::kvm);
  EXPECT_THAT(qemu.boots, SizeIs(4));
}

}  // namespace
}  // namespace vmconvert::host
