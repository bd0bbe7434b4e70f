#include "host/libvirt.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/capabilities.hpp"
#include "host/embed.hpp"
#include "host/node.hpp"
#include "unit/error_of.hpp"

namespace vmconvert::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* k_uuid = "6a1f0c62-53a2-4b0f-8c8b-3a6f2d1e9b10";

std::string minimal_domain() {
  return fmt::format(
      "<domain type='qemu'><name>web01</name><uuid>{}</uuid><memory unit='MiB'>256</memory>"
      "<os><type arch='x86_64' machine='pc'>hvm</type></os>"
      "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>",
      k_uuid);
}

TEST(Capabilities, ListsTypesAndEmulatorOfFullyVirtualisedGuestsOfTheArch) {
  const GuestSupport support = parse_capabilities(
      "<capabilities><host/><guest><os_type>xen</os_type><arch name='x86_64'>"
      "<emulator>/pv</emulator><domain type='xen'/></arch></guest>"
      "<guest><os_type>hvm</os_type><arch name='i686'><emulator>/i386</emulator>"
      "<domain type='test'/></arch></guest>"
      "<guest><os_type>hvm</os_type><arch name='x86_64'><wordsize>64</wordsize>"
      "<emulator>/usr/bin/qemu-system-x86_64</emulator><domain type='qemu'/><domain type='kvm'/>"
      "<domain type='kvm'/></arch></guest></capabilities>",
      "x86_64");
  EXPECT_THAT(support.domain_types, ElementsAre("qemu", "kvm"));
  EXPECT_EQ(support.emulator, "/usr/bin/qemu-system-x86_64");
}

TEST(Capabilities, AreEmptyForAnotherArchAndRefusedWhenNotXml) {
  EXPECT_TRUE(parse_capabilities("<capabilities/>", "x86_64").domain_types.empty());
  EXPECT_THROW(parse_capabilities("no", "x86_64"), Error);
  EXPECT_THROW(parse_capabilities("", "x86_64"), Error);
}

TEST(EmbedUri, TakesAnyFolderThereAndBack) {
  const std::filesystem::path root = "/var/lib/a b&c=d%20/ü";
  EXPECT_EQ(embed_uri("/x/y"), "qemu:///embed?root=/x/y");
  EXPECT_EQ(embed_root(embed_uri(root)), root);
}

TEST(EmbedUri, HasNoRootWhenItIsMissingOrRelativeOrNotEmbed) {
  EXPECT_FALSE(embed_root("qemu:///system"));
  EXPECT_FALSE(embed_root("qemu:///embed?root=relative"));
  EXPECT_FALSE(embed_root("qemu:///embed"));
}

TEST(EmbedRoot, KeepsTheSettingsThatAreThere) {
  const TempDir dir("/tmp", "embed-test");
  prepare_embed_root(dir.path() / "new");
  const std::filesystem::path conf = dir.path() / "new/etc/qemu.conf";
  EXPECT_THAT(read_text_file(conf), HasSubstr("stdio_handler = \"file\"\n"));
  std::filesystem::resize_file(conf, 0);
  prepare_embed_root(dir.path() / "new");
  EXPECT_EQ(read_text_file(conf), "");
}

TEST(Embed, FolderThatAnotherProcessHoldsIsWaitedForAndThenBusy) {
  const TempDir dir("/tmp", "embed-test");
  const Fd other = open_file(dir.path() / "vmconvert.lock", O_RDWR | O_CREAT);
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  ASSERT_EQ(::write(other.get(), "process 4711\n", 13), 13);
  const Error error = error_of([&] { hold_embed_root(dir.path(), std::chrono::seconds(0)); });
  EXPECT_EQ(error.kind(), ErrorKind::busy);
  EXPECT_THAT(error.message(), HasSubstr(dir.path().string()));
  EXPECT_THAT(error.message(), HasSubstr("process 4711"));

  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    ::flock(other.get(), LOCK_UN);
  });
  hold_embed_root(dir.path(), std::chrono::seconds(60));
  ends.join();
  hold_embed_root(dir.path(), std::chrono::seconds(0));  // ours already
  EXPECT_NE(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(read_text_file(dir.path() / "vmconvert.lock"), fmt::format("process {}\n", ::getpid()));
}

TEST(Libvirt, ListsTheTestDriversDomain) {
  const Connection connection = Connection::open("test:///default", Access::read_only);
  const auto domains = connection.list();
  ASSERT_EQ(domains.size(), 1U);
  EXPECT_EQ(domains[0].name, "test");
  EXPECT_TRUE(domains[0].active);
  EXPECT_EQ(domains[0].uuid.size(), 36U);
  EXPECT_EQ(connection.driver(), "TEST");
  EXPECT_THAT(connection.domain_types("i686"), ElementsAre("test"));
  EXPECT_TRUE(connection.is_active("test"));
  EXPECT_TRUE(connection.domain_exists(domains[0].uuid));
  EXPECT_FALSE(connection.domain_exists("web01"));
  EXPECT_THAT(connection.domain_xml("test"), HasSubstr("<name>test</name>"));
}

TEST(Libvirt, NamesTheDomainThatIsNotThere) {
  const Connection connection = Connection::open("test:///default", Access::read_only);
  const Error error = error_of([&] { static_cast<void>(connection.domain_xml("we\x1b")); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(error.message(), "there is no domain we\\x1b at test:///default");
  EXPECT_THAT(error.remedy(), HasSubstr("vmconvert list -c"));
}

TEST(Libvirt, SaysWhatItCouldNotReachAndPrintsNothing) {
  testing::internal::CaptureStderr();
  const Error error = error_of(
      [] { Connection::open("qemu+unix:///system?socket=/nonexistent/sock", Access::read_only); });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(error.message(), HasSubstr("cannot reach libvirt at qemu+unix:///system"));
  EXPECT_THAT(error.message(), HasSubstr("/nonexistent/sock"));
  EXPECT_THAT(error.remedy(), HasSubstr("virsh -c"));
}

TEST(Libvirt, NamesTheDefaultThatCouldNotBeReachedAndTheOneThatCould) {
  ::setenv("LIBVIRT_DEFAULT_URI", "qemu+unix:///system?socket=/nonexistent/sock", 1);
  const Error error = error_of([] { Connection::open("", Access::read_only); });
  EXPECT_THAT(error.message(),
              HasSubstr("at qemu+unix:///system?socket=/nonexistent/sock (LIBVIRT_DEFAULT_URI): "));
  EXPECT_THAT(error.remedy(), HasSubstr("-c xen:///"));
  ::setenv("LIBVIRT_DEFAULT_URI", "test:///default", 1);
  EXPECT_EQ(Connection::open("", Access::read_only).uri(), "test:///default");
  ::unsetenv("LIBVIRT_DEFAULT_URI");
}

TEST(Libvirt, RefusesXmlThatIsNoDomain) {
  Connection connection = Connection::open("test:///default", Access::read_write);
  const Error error =
      error_of([&] { static_cast<void>(connection.define("<domain type='test'/>")); });
  EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
  EXPECT_THAT(error.message(), HasSubstr("defining a domain at test:///default"));
}

// Debian's libvirt-daemon-system makes it; the driver of a root user does not start without.
bool has_driver_account() {
  return ::getpwnam("libvirt-qemu") != nullptr;
}

TEST(Embed, NamesTheRemedyWhereTheDriversAccountIsMissing) {
  if (::geteuid() != 0 || has_driver_account()) {
    GTEST_SKIP() << "needs root on a machine without the account libvirt-qemu";
  }
  const TempDir dir("/tmp", "embed-test");
  const Error error =
      error_of([&] { Connection::open(embed_uri(dir.path()), Access::read_write); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_THAT(error.remedy(), HasSubstr("libvirt-daemon-system")) << error.message();
}

TEST(Embed, DefinesListsAndUndefinesInItsOwnFolder) {
  if (::geteuid() != 0 || !find_program("qemu-system-x86_64") || !has_driver_account()) {
    GTEST_SKIP() << "needs root, qemu-system-x86_64 and the account libvirt-qemu";
  }
  const TempDir dir("/tmp", "embed-test");
  testing::internal::CaptureStderr();
  {
    Connection connection = Connection::open(embed_uri(dir.path() / "root"), Access::read_write);
    EXPECT_TRUE(connection.list().empty());
    // virNodeGetInfo() alone counts NUMA cells, and there are machines with more than those have.
    const auto own = parse_meminfo(read_text_file("/proc/meminfo"));
    ASSERT_TRUE(own);
    const model::NodeFacts node = node_facts(connection);
    EXPECT_GE(node.memory, own->total);
    EXPECT_GT(node.available.value, 0U);
    EXPECT_LE(node.available, node.memory);
    const DefinedDomain defined = connection.define(minimal_domain());
    EXPECT_EQ(defined.name, "web01");
    EXPECT_EQ(defined.uuid, k_uuid);
    ASSERT_EQ(connection.list().size(), 1U);
    EXPECT_EQ(connection.list()[0].os_type, "hvm");
    EXPECT_FALSE(connection.is_active("web01"));
    EXPECT_TRUE(std::filesystem::exists(dir.path() / "root/etc/qemu/web01.xml"));

    connection.undefine(defined.uuid);
    EXPECT_FALSE(connection.domain_exists("web01"));
    EXPECT_FALSE(std::filesystem::exists(dir.path() / "root/etc/qemu/web01.xml"));
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(DefaultTarget, IsTheEmbeddedDriverWithALogLineWhereNoDaemonAnswers) {
  if (std::filesystem::exists("/run/libvirt/libvirt-sock") ||
      std::filesystem::exists("/run/libvirt/virtqemud-sock")) {
    GTEST_SKIP() << "a libvirt daemon may answer here";
  }
  std::string logged;
  const LogSink before = set_log_sink([&](LogLevel, std::string_view text) { logged += text; });
  EXPECT_EQ(default_target_uri("/state"), "qemu:///embed?root=/state/libvirt");
  set_log_sink(before);
  EXPECT_THAT(logged, HasSubstr("no libvirt daemon answers"));
}

}  // namespace
}  // namespace vmconvert::host
