#include "trial/console.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace vmconvert::trial {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What each of them printed, shortened.
constexpr std::string_view k_seabios =
    "\x1b"
    "c\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1.16.2-debian-1.16.2-1)\r\n"
    "Booting from Hard Disk...\r\n";
constexpr std::string_view k_grub =
    "GRUB loading..\r\nWelcome to GRUB!\r\n\r\n"
    "error: no such device: 6f1c-old.\r\nerror: file `/boot/grub/fonts/unicode.pf2' not found.\r\n"
    "\x1b[0m\x1b[30m\x1b[47m\x1b[2J\x1b[01;01H\x1b[02;30HGNU GRUB  version 2.06"
    "\x1b[05;03H*Debian GNU/Linux\x1b[0m\x1b[37m\x1b[40m\r\nLoading Linux 6.1.0-56-amd64 ...\r\n";
constexpr std::string_view k_kernel =
    "[    0.000000] Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org)\r\n"
    "[    0.000000] Command line: root=UUID=8a6b ro console=ttyS0\r\n"
    "[    1.912345] virtio_blk virtio1: [vda] 4456448 512-byte logical blocks\r\n";
constexpr std::string_view k_debian =
    "Begin: Running /scripts/init-premount ... done.\r\n"
    "Welcome to \x1b[1mDebian GNU/Linux 12 (bookworm)\x1b[0m!\r\n\r\n"
    "[\x1b[0;32m  OK  \x1b[0m] Reached target \x1b[0;1;39mlocal-fs.target\x1b[0m.\r\n"
    "[\x1b[0;1;31mFAILED\x1b[0m] Failed to start \x1b[0;1;39mnetworking.service\x1b[0m.\r\n"
    "See 'systemctl status networking.service' for details.\r\n"
    "[\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39mserial-getty@ttyS0.service\x1b[0m.\r\n"
    "\r\nDebian GNU/Linux 12 web01 ttyS0\r\n\r\n";

Console console_after(std::initializer_list<std::string_view> texts) {
  Console console;
  for (const std::string_view text : texts) {
    console.feed(text);
  }
  return console;
}

Ending ending_of(std::initializer_list<std::string_view> texts) {
  Console console;
  for (const std::string_view text : texts) {
    console.feed(text);
  }
  return console.verdict() ? console.verdict()->ending : Ending::timed_out;
}

TEST(LoginPrompt, IsHostNameAndLoginAtTheEndOfALine) {
  for (const char* line : {"web01 login: ", "login:", "localhost.localdomain login: ",
                           "(none) login: ", "linux-8k2x login:", "  Login: "}) {
    EXPECT_TRUE(is_login_prompt(line)) << line;
  }
  for (const char* line :
       {"Last login: Tue Mar 4 10:00 on tty1", "Last login:", "web01 login: root", "login", "",
        "a b login:", "Failed/to login:", "xlogin:"}) {
    EXPECT_FALSE(is_login_prompt(line)) << line;
  }
}

TEST(Console, SeesDebianBootToItsPromptPastGrubErrorsThatDoNotMatter) {
  Console console = console_after({k_seabios, k_grub, k_kernel});
  console.settle(90s);  // slow, not stuck
  EXPECT_FALSE(console.verdict());
  console.feed(k_debian);
  console.feed("web01 login: ");
  EXPECT_FALSE(console.verdict()) << "the guest may go on writing";
  console.settle(100ms);
  EXPECT_FALSE(console.verdict());
  console.settle(600ms);
  ASSERT_TRUE(console.verdict());
  EXPECT_EQ(console.verdict()->ending, Ending::booted);
  EXPECT_EQ(console.verdict()->evidence, "web01 login:");
  EXPECT_THAT(console.failed_units(), ElementsAre("[FAILED] Failed to start networking.service."));
}

TEST(Console, SeesCentOsPrompts) {
  Console console =
      console_after({"INIT: version 2.86 booting\r\n\t\tWelcome to  CentOS release "
                     "5.11 (Final)\r\nStarting sshd:                  [  OK  ]\r\n"
                     "\r\nCentOS release 5.11 (Final)\r\nKernel 2.6.18-398.el5 on an "
                     "x86_64\r\n\r\nlocalhost.localdomain login: "});
  console.settle(1s);
  ASSERT_TRUE(console.verdict());
  EXPECT_EQ(console.verdict()->evidence, "localhost.localdomain login:");
}

TEST(Console, IsNotTakenInByTextAboutLogins) {
  Console console = console_after({k_kernel, "Last login: Tue Mar  4 10:00:00 on tty1\r\n",
                                   "sshd: user root login: refused\r\n", "Last login:"});
  console.settle(10s);
  EXPECT_FALSE(console.verdict());
  EXPECT_EQ(console.conclude(Ending::timed_out).ending, Ending::timed_out);
}

TEST(Console, SeesAPromptThatTheKernelWroteBehind) {
  EXPECT_EQ(ending_of({"web01 login: [   52.100000] random: crng init done\r\n"}), Ending::booted);
  EXPECT_EQ(ending_of({"web01 login: root (automatic login)\r\n"}), Ending::booted);
  EXPECT_EQ(ending_of({"web01 login: \r\n[   52.100000] eth0: link up\r\n"}), Ending::booted);
  EXPECT_EQ(ending_of({"web01 login: failed\r\n"}), Ending::timed_out);
}

TEST(Console, KnowsADiskWithoutABootLoader) {
  const Console console = console_after(
      {k_seabios, "Boot failed: not a bootable disk\r\n\r\n", "No bootable device.\r\n"});
  ASSERT_TRUE(console.verdict());
  EXPECT_EQ(console.verdict()->ending, Ending::no_bootloader);
  EXPECT_EQ(console.verdict()->evidence, "No bootable device.");
}

TEST(Console, TriesTheNextDiskWhenTheFirstCannotBoot) {
  EXPECT_EQ(ending_of({k_seabios, "Boot failed: not a bootable disk\r\n", k_seabios, k_grub,
                       k_kernel, "web01 login: \r\n"}),
            Ending::booted);
}

TEST(Console, KnowsGrubsWaysToFail) {
  EXPECT_EQ(ending_of({k_seabios,
                       "GRUB loading.\r\nWelcome to GRUB!\r\n\r\nerror: unknown "
                       "filesystem.\r\nEntering rescue mode...\r\ngrub rescue> "}),
            Ending::bootloader_failed);
  EXPECT_EQ(ending_of({k_seabios,
                       "GRUB Loading stage1.5.\r\n\r\nGRUB loading, please wait...\r\n"
                       "GRUB Hard Disk Error\r\n"}),
            Ending::bootloader_failed);

  EXPECT_EQ(ending_of({"BdsDxe: failed to load Boot0001 \"UEFI Misc Device\"\r\n",
                       "UEFI Interactive Shell v2.2\r\nEDK II\r\n"}),
            Ending::bootloader_failed);

  Console shell = console_after({k_seabios, "GNU GRUB  version 2.06\r\n\r\ngrub> "});
  EXPECT_FALSE(shell.verdict());
  shell.settle(3s);
  ASSERT_TRUE(shell.verdict());
  EXPECT_EQ(shell.verdict()->evidence, "grub>");
}

TEST(Console, CallsALoaderErrorFatalWhenNothingFollows) {
  Console console = console_after({k_seabios,
                                   "Error 15: File not found\r\n\r\nPress any key to "
                                   "continue..."});
  console.settle(20s);
  EXPECT_FALSE(console.verdict());
  console.settle(61s);
  ASSERT_TRUE(console.verdict());
  EXPECT_EQ(console.verdict()->ending, Ending::bootloader_failed);
  EXPECT_EQ(console.verdict()->evidence, "Error 15: File not found");
}

TEST(Console, TakesLoaderWordsFromProgramsForWhatTheyAre) {
  EXPECT_EQ(ending_of({k_kernel, "Missing operating system\r\ngrub rescue>\r\n"}),
            Ending::timed_out);
}

TEST(Console, KnowsAPanicAndQuotesItsLine) {
  const Console console = console_after(
      {k_kernel,
       "[    2.100000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x7f\r\n"
       "[    2.200000] CPU: 0 PID: 1 Comm: init Not tainted\r\n"});
  ASSERT_TRUE(console.verdict());
  EXPECT_EQ(console.verdict()->ending, Ending::kernel_panic);
  EXPECT_THAT(console.verdict()->evidence, HasSubstr("Attempted to kill init! exitcode=0x7f"));
}

TEST(Console, KnowsAMissingRootInEveryInitramfs) {
  EXPECT_EQ(ending_of({k_kernel,
                       "[    1.5] Kernel panic - not syncing: VFS: Unable to mount root fs "
                       "on unknown-block(0,0)\r\n"}),
            Ending::root_not_found);
  EXPECT_EQ(ending_of({"Kernel panic: VFS: Unable to mount root fs on 03:02\r\n"}),
            Ending::root_not_found);
  EXPECT_EQ(ending_of({k_kernel, "Target filesystem doesn't have requested /sbin/init.\r\n"}),
            Ending::root_not_found);
  EXPECT_EQ(ending_of({k_kernel, "Warning: Could not boot.\r\n"}), Ending::root_not_found);

  const Console nash =
      console_after({"mount: could not find filesystem '/dev/root'\r\nsetuproot: moving /dev "
                     "failed: No such file "
                     "or directory\r\nswitchroot: mount failed: No such file or directory\r\n"
                     "Kernel panic - not syncing: Attempted to kill init!\r\n"});
  ASSERT_TRUE(nash.verdict());
  EXPECT_EQ(nash.verdict()->ending, Ending::root_not_found);
  EXPECT_EQ(nash.verdict()->evidence, "mount: could not find filesystem '/dev/root'");
}

TEST(Console, QuotesTheDeviceThatDebiansInitramfsMissed) {
  Console console =
      console_after({k_kernel,
                     "Begin: Waiting for root file system ... done.\r\n"
                     "Gave up waiting for root file system device.  Common problems:\r\n"
                     " - Boot args (cat /proc/cmdline)\r\n"});
  ASSERT_TRUE(console.verdict());
  console.feed("ALERT!  UUID=8a6b-x does not exist.  Dropping to a shell!\r\n\r\n(initramfs) ");
  console.settle(5s);
  EXPECT_EQ(console.verdict()->ending, Ending::root_not_found);
  EXPECT_THAT(console.verdict()->evidence, HasSubstr("UUID=8a6b-x does not exist"));
}

TEST(Console, LetsDracutFindItsRootInTheEnd) {
  const std::string_view late =
      "[  125.000000] dracut-initqueue[220]: Warning: dracut-initqueue timeout - starting timeout "
      "scripts\r\n";
  Console lucky = console_after({k_kernel, late, "[  OK  ] Reached target Switch Root.\r\n"});
  EXPECT_EQ(lucky.conclude(Ending::timed_out).ending, Ending::timed_out);
  const Console unlucky = console_after({k_kernel, late, late});
  EXPECT_FALSE(unlucky.verdict());
  EXPECT_EQ(unlucky.conclude(Ending::timed_out).ending, Ending::root_not_found);
  EXPECT_EQ(ending_of({k_kernel, late, "Entering emergency mode. Exit the shell to continue.\r\n"}),
            Ending::root_not_found);
}

TEST(Console, KnowsMaintenanceModeAndWhatLedToIt) {
  const Console console = console_after(
      {k_kernel,
       "[ \x1b[0;1;31mTIME\x1b[0m ] Timed out waiting for device /dev/xvdb1.\r\n"
       "[DEPEND] Dependency failed for /data.\r\n[DEPEND] Dependency failed for /data.\r\n"
       "You are in emergency mode. After logging in, type \"journalctl -xb\" to view\r\n"
       "Give root password for maintenance\r\n(or press Control-D to continue): "});
  ASSERT_TRUE(console.verdict());
  EXPECT_EQ(console.verdict()->ending, Ending::emergency_mode);
  EXPECT_EQ(console.failed_units().size(), 2U);
  EXPECT_THAT(explain(*console.verdict(), console.failed_units()),
              HasSubstr("Timed out waiting for device /dev/xvdb1"));

  EXPECT_EQ(ending_of({"*** An error occurred during the file system check.\r\nGive root password "
                       "for maintenance\r\n(or type Control-D to continue): "}),
            Ending::emergency_mode);
  Console unfinished = console_after({"Give root password for maintenance (or ^D): "});
  unfinished.settle(3s);
  EXPECT_TRUE(unfinished.verdict());
}

TEST(Console, CallsAGuestSilentThatSaidNothingAfterItsLoader) {
  EXPECT_EQ(Console().conclude(Ending::timed_out).ending, Ending::silent);
  const Console console = console_after({k_seabios, "GRUB loading.\r\nLoading Linux 6.1 ...\r\n"});
  const Verdict verdict = console.conclude(Ending::timed_out);
  EXPECT_EQ(verdict.ending, Ending::silent);
  EXPECT_EQ(verdict.evidence, "Loading Linux 6.1 ...");
  EXPECT_THAT(explain(verdict, {}), HasSubstr("console=ttyS0"));
  EXPECT_EQ(console.conclude(Ending::guest_ended).ending, Ending::guest_ended);
  EXPECT_EQ(console_after({k_kernel}).conclude(Ending::timed_out).ending, Ending::timed_out);
}

TEST(Console, KeepsItsFirstVerdictAndItsSizeWhateverTheGuestWrites) {
  Console console = console_after({k_kernel, "web01 login: \r\nKernel panic - not syncing: x\r\n"});
  EXPECT_EQ(console.verdict()->ending, Ending::booted);
  for (int i = 0; i < 500; ++i) {
    console.feed("[FAILED] unit " + std::to_string(i) + std::string(3000, 'y') + "\r\n");
  }
  console.feed(std::string(1U << 20U, 'z'));
  EXPECT_LE(console.last_lines().size(), 30U);
  EXPECT_EQ(console.failed_units().size(), 50U);
  EXPECT_LE(console.last_line().size(), LineReader::k_line_limit + 4);
}

TEST(Console, HandsOutEveryLineOnce) {
  std::vector<std::string> seen;
  Console console([&](const std::string& line) { seen.push_back(line); });
  console.feed("a\r\n\r\n  b  \r\nc");
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  EXPECT_EQ(console.unfinished_line(), "c");
  EXPECT_EQ(console.last_whole_line(), "b");
  EXPECT_THAT(console.last_lines(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(console.failed_units(), IsEmpty());
}

}  // namespace
}  // namespace vmconvert::trial
