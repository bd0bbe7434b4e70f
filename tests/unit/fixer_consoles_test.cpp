#include "fixer_testing.hpp"

namespace {

class ConsolesFixer : public FixerTest {
 protected:
  std::string after(const std::string& path, const std::string& before) {
    put(path, before);
    fix("consoles");
    return get(path);
  }
};

TEST_F(ConsolesFixer, MovesDebiansGetty) {
  EXPECT_EQ(after("/etc/inittab",
                  "id:2:initdefault:\n"
                  "si::sysinit:/etc/init.d/rcS\n"
                  "1:2345:respawn:/sbin/getty 38400 tty1\n"
                  "#2:23:respawn:/sbin/getty 38400 tty2\n"
                  "# Example how to put a getty on a serial line (for a terminal)\n"
                  "#T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100\n"
                  "h0:2345:respawn:/sbin/getty 38400 hvc0\n"),
            "id:2:initdefault:\n"
            "si::sysinit:/etc/init.d/rcS\n"
            "1:2345:respawn:/sbin/getty 38400 tty1\n"
            "#2:23:respawn:/sbin/getty 38400 tty2\n"
            "# Example how to put a getty on a serial line (for a terminal)\n"
            "#T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100\n"
            "h0:2345:respawn:/sbin/getty 38400 ttyS0\n");
  EXPECT_TRUE(findings_now().empty());
}

TEST_F(ConsolesFixer, MovesTheGettyOfCentos5AndLetsRootIn) {
  put("/etc/securetty", "console\ntty1\nxvc0");
  EXPECT_EQ(after("/etc/inittab",
                  "id:3:initdefault:\n"
                  "co:2345:respawn:/sbin/agetty xvc0 9600 vt100-nav\n"
                  "1:2345:respawn:/sbin/mingetty tty1\n"),
            "id:3:initdefault:\n"
            "co:2345:respawn:/sbin/agetty ttyS0 9600 vt100-nav\n"
            "1:2345:respawn:/sbin/mingetty tty1\n");
  EXPECT_EQ(get("/etc/securetty"), "console\ntty1\nxvc0\nttyS0");
}

TEST_F(ConsolesFixer, NeverPutsTwoGettysOnOnePort) {
  EXPECT_EQ(after("/etc/inittab",
                  "S0:12345:respawn:/sbin/agetty -L 9600 ttyS0 vt102\r\n"
                  "hv:2345:respawn:/sbin/getty 38400 hvc0\r\n"),
            "S0:12345:respawn:/sbin/agetty -L 9600 ttyS0 vt102\r\n"
            "# vmconvert, not for KVM: hv:2345:respawn:/sbin/getty 38400 hvc0\r\n");
  EXPECT_EQ(after("/etc/inittab",
                  "h0:2345:respawn:/sbin/getty 38400 hvc0\n"
                  "x0:2345:respawn:/sbin/getty 38400 xvc0\n"),
            "h0:2345:respawn:/sbin/getty 38400 ttyS0\n"
            "# vmconvert, not for KVM: x0:2345:respawn:/sbin/getty 38400 xvc0\n");
}

TEST_F(ConsolesFixer, LeavesLinesThatAreOffOrSpeakOfOtherDevices) {
  const std::string text =
      "T0:23:off:/sbin/getty -L hvc0 9600 vt100\n"
      "h1:2345:respawn:/sbin/getty 38400 hvc01\n"
      "S1:2345:respawn:/sbin/getty 38400 ttyS1\n";
  EXPECT_EQ(after("/etc/inittab", text), text);
}

TEST_F(ConsolesFixer, GivesTheSerialLineAGettyWhereTty1WasTheXenConsole) {
  put("/etc/securetty", "tty1\ntty2\n");
  EXPECT_EQ(after("/etc/inittab",
                  "1:2345:respawn:/sbin/getty 38400 tty1\n2:23:respawn:/sbin/getty 38400 tty2\n"),
            "1:2345:respawn:/sbin/getty 38400 tty1\n"
            "T0:2345:respawn:/sbin/getty 38400 ttyS0\n"
            "2:23:respawn:/sbin/getty 38400 tty2\n");
  EXPECT_EQ(get("/etc/securetty"), "tty1\nttyS0\ntty2\n");
  EXPECT_THAT(findings_now(), testing::ElementsAre("console-getty-added informs"));
}

TEST_F(ConsolesFixer, DoesNotRunMingettyOnASerialLine) {
  EXPECT_EQ(after("/etc/inittab", "1:2345:respawn:/sbin/mingetty tty1"),
            "1:2345:respawn:/sbin/mingetty tty1\n"
            "T0:2345:respawn:/sbin/agetty -L 115200 ttyS0 vt102");
}

// Else a trial would wait for a prompt that only the screen shows.
TEST_F(ConsolesFixer, AddsAGettyToAGuestWithAScreenToo) {
  facts["source"]["kind"] = "hvm";
  EXPECT_EQ(after("/etc/inittab",
                  "1:2345:respawn:/sbin/getty 38400 tty1\n#T0:23:respawn:/sbin/getty ttyS0\n"),
            "1:2345:respawn:/sbin/getty 38400 tty1\nT0:2345:respawn:/sbin/getty 38400 ttyS0\n"
            "#T0:23:respawn:/sbin/getty ttyS0\n");
  EXPECT_THAT(messages_now(), testing::ElementsAre(testing::Not(testing::HasSubstr("Xen"))));
}

TEST_F(ConsolesFixer, AddsAnUpstartJobAfterThatOfTty1) {
  facts["source"]["kind"] = "hvm";
  put("/etc/init/tty1.conf", "start on stopped rc\nrespawn\nexec /sbin/getty -8 38400 tty1\n");
  fix("consoles");
  EXPECT_EQ(get("/etc/init/ttyS0.conf"),
            "start on stopped rc\nrespawn\nexec /sbin/getty -8 38400 ttyS0\n");
  EXPECT_THAT(findings_now(), testing::ElementsAre("console-getty-added informs"));
}

TEST_F(ConsolesFixer, LeavesUpstartsConsolesToTheJobThatStartsThemAll) {
  put("/etc/init/tty1.conf", "exec /sbin/getty -8 38400 tty1\n");
  put("/etc/init/serial.conf", "start on fedora.serial-console-available\n");
  fix("consoles");
  EXPECT_FALSE(there("/etc/init/ttyS0.conf"));
}

TEST_F(ConsolesFixer, LeavesSecurettyThatListsTheSerialLine) {
  const std::string text = "hvc0\n#ttyS0\n  ttyS0 \n";
  EXPECT_EQ(after("/etc/securetty", text), text);
}

TEST_F(ConsolesFixer, LeavesSecurettyThatNeverListedTheXenConsole) {
  const std::string text = "tty1\n#hvc0\n";
  EXPECT_EQ(after("/etc/securetty", text), text);
}

TEST_F(ConsolesFixer, MovesUpstartsJobWithItsOverride) {
  put("/etc/init/hvc0.conf",
      "# hvc0 - getty\n#\nstart on stopped rc RUNLEVEL=[2345]\nstop on runlevel [!2345]\n\n"
      "respawn\nexec /sbin/getty -8 38400 hvc0\n");
  put("/etc/init/hvc0.override", "manual\n");
  put("/etc/event.d/xvc0", "respawn\nexec /sbin/getty 38400 xvc0\n");
  fix("consoles");
  EXPECT_EQ(get("/etc/init/ttyS0.conf"),
            "# ttyS0 - getty\n#\nstart on stopped rc RUNLEVEL=[2345]\nstop on runlevel [!2345]\n\n"
            "respawn\nexec /sbin/getty -8 38400 ttyS0\n");
  EXPECT_EQ(get("/etc/init/ttyS0.override"), "manual\n");
  EXPECT_EQ(get("/etc/event.d/ttyS0"), "respawn\nexec /sbin/getty 38400 ttyS0\n");
  for (const char* gone : {"/etc/init/hvc0.conf", "/etc/init/hvc0.override", "/etc/event.d/xvc0"}) {
    EXPECT_FALSE(there(gone)) << gone;
  }
}

TEST_F(ConsolesFixer, LeavesAnUpstartJobForTheSerialLine) {
  put("/etc/init/hvc0.conf", "exec /sbin/getty 38400 hvc0\n");
  put("/etc/init/ttyS0.conf", "exec /sbin/getty -L 115200 ttyS0\n");
  fix("consoles");
  EXPECT_EQ(get("/etc/init/ttyS0.conf"), "exec /sbin/getty -L 115200 ttyS0\n");
  EXPECT_FALSE(there("/etc/init/hvc0.conf"));
}

TEST_F(ConsolesFixer, MovesEnabledUnits) {
  put("/lib/systemd/system/serial-getty@.service", "[Service]\n");
  put("/lib/systemd/system/getty@.service", "[Service]\n");
  link("/etc/systemd/system/getty.target.wants/serial-getty@hvc0.service",
       "/lib/systemd/system/serial-getty@.service");
  link("/etc/systemd/system/multi-user.target.wants/getty@xvc0.service",
       "/lib/systemd/system/getty@.service");
  link("/etc/systemd/system/getty.target.wants/getty@tty1.service",
       "/lib/systemd/system/getty@.service");
  fix("consoles");
  const std::string wants = "/etc/systemd/system/getty.target.wants/";
  EXPECT_EQ(target(wants + "serial-getty@ttyS0.service"),
            "/lib/systemd/system/serial-getty@.service");
  EXPECT_EQ(target("/etc/systemd/system/multi-user.target.wants/serial-getty@ttyS0.service"),
            "/lib/systemd/system/serial-getty@.service");
  EXPECT_EQ(target(wants + "getty@tty1.service"), "/lib/systemd/system/getty@.service");
  EXPECT_FALSE(there(wants + "serial-getty@hvc0.service"));
  EXPECT_FALSE(there("/etc/systemd/system/multi-user.target.wants/getty@xvc0.service"));
}

TEST_F(ConsolesFixer, CopiesDropInsUnlessThereAreSome) {
  const std::string units = "/etc/systemd/system/";
  put(units + "serial-getty@hvc0.service.d/autologin.conf",
      "[Service]\nExecStart=\nExecStart=-/sbin/agetty -a root hvc0\n");
  put(units + "serial-getty@hvc0.service.d/term.conf", "[Service]\nEnvironment=TERM=linux\n");
  put(units + "serial-getty@ttyS0.service.d/term.conf", "[Service]\nEnvironment=TERM=vt220\n");
  fix("consoles");
  EXPECT_EQ(get(units + "serial-getty@ttyS0.service.d/autologin.conf"),
            "[Service]\nExecStart=\nExecStart=-/sbin/agetty -a root ttyS0\n");
  EXPECT_EQ(get(units + "serial-getty@ttyS0.service.d/term.conf"),
            "[Service]\nEnvironment=TERM=vt220\n");
}

TEST_F(ConsolesFixer, CopiesAUnitOfItsOwnAndItsLink) {
  const std::string units = "/etc/systemd/system/";
  put(units + "serial-getty@hvc0.service", "[Service]\nExecStart=/sbin/agetty hvc0\n");
  link(units + "getty.target.wants/serial-getty@hvc0.service",
       "/etc/systemd/system/serial-getty@hvc0.service");
  fix("consoles");
  EXPECT_EQ(get(units + "serial-getty@ttyS0.service"), "[Service]\nExecStart=/sbin/agetty ttyS0\n");
  EXPECT_EQ(target(units + "getty.target.wants/serial-getty@ttyS0.service"),
            "/etc/systemd/system/serial-getty@ttyS0.service");
}

TEST_F(ConsolesFixer, SaysThatConsoleGettySharesThePort) {
  put("/lib/systemd/system/console-getty.service", "[Service]\n");
  link("/etc/systemd/system/getty.target.wants/console-getty.service",
       "/lib/systemd/system/console-getty.service");
  fix("consoles");
  EXPECT_THAT(findings_now(), testing::ElementsAre("console-getty-enabled informs"));
}

TEST_F(ConsolesFixer, ChangesNothingForXen) {
  facts["to"] = "xen";
  const std::string text = "h0:2345:respawn:/sbin/getty 38400 hvc0\n";
  EXPECT_EQ(after("/etc/inittab", text), text);
}

TEST_F(ConsolesFixer, LeavesWhatIsNoText) {
  const std::string noise("h0:2:respawn:getty hvc0\n\0\xff:::\n", 29);
  EXPECT_EQ(after("/etc/inittab", noise), noise);
  EXPECT_THAT(findings_now(), testing::ElementsAre("config-not-text warns"));
}

TEST_F(ConsolesFixer, SurvivesOddLines) {
  const std::string odd = ":::\n::\nhvc0\n:::hvc\n" + std::string(50000, ':') + "\n\xff\xfe:2:x:y";
  EXPECT_EQ(after("/etc/inittab", odd), odd);
}

}  // namespace
