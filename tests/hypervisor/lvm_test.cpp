// host/lvm and its neighbours on real LVM. Runs in the machine of tests/hypervisor/run only: one
// group over its first disk for all tests, a second disk that plays a guest's.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "host/lvm.hpp"
#include "host/new_volume.hpp"
#include "host/storage_pool.hpp"
#include "unit/error_of.hpp"

namespace vmconvert::host {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr ByteCount k_extent{4 * k_mib};
constexpr const char* k_group = "vg-a";

RealCommandRunner& commands() {
  static RealCommandRunner runner;
  return runner;
}

std::string run(const std::vector<std::string>& argv) {
  return run_or_throw(commands(), {argv});
}

VolumeName in_group(std::string volume) {
  return {k_group, std::move(volume)};
}

std::vector<std::string> volumes() {
  return words(replace_all(run({"lvs", "--noheadings", "-o", "lv_name", k_group}), "\n", " "));
}

void write_all(const std::filesystem::path& device, char value, std::uint64_t length) {
  const Fd fd = open_file(device, O_WRONLY);
  const std::vector<std::byte> block(k_mib, static_cast<std::byte>(value));
  for (std::uint64_t at = 0; at < length; at += k_mib) {
    pwrite_exactly(fd.get(), block, at, device.string());
  }
  ASSERT_EQ(::fsync(fd.get()), 0);
}

std::vector<std::byte> read_start(const std::filesystem::path& device, std::size_t length) {
  std::vector<std::byte> bytes(length);
  pread_exactly(open_file(device, O_RDONLY).get(), bytes, 0, device.string());
  return bytes;
}

// Opening a read-only device for writing works; the write does not.
bool can_write(const std::filesystem::path& device) {
  const Fd fd(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  return fd && ::pwrite(fd.get(), "x", 1, 0) == 1;
}

class Machine : public testing::Environment {
 public:
  void SetUp() override {
    const char* disks = ::getenv("VMCONVERT_MACHINE_DISKS");
    if (disks == nullptr || words(disks).size() != 2) {
      // Never on a host that has volumes of its own.
      FAIL() << "start this through tests/hypervisor/run --disks 2";
    }
    const auto names = words(disks);
    run({"pvcreate", "-qy", names[0]});
    run({"vgcreate", "-q", k_group, names[0]});
    run({"lvcreate", "-qy", "-L", "32m", "--type", "thin-pool", "-n", "pool", k_group});
  }
};

class Lvm : public testing::Test {
 protected:
  void SetUp() override { before = volumes(); }
  void TearDown() override { EXPECT_EQ(volumes(), before) << "volumes were left"; }

  std::vector<std::string> before;
};

TEST_F(Lvm, TellsWhatIsThere) {
  const VolumeGroup group = volume_group(commands(), k_group);
  EXPECT_EQ(group.extent_size, k_extent);
  EXPECT_EQ(group.size.value, group.extents * k_extent.value);
  EXPECT_EQ(group.free.value, group.free_extents * k_extent.value);
  EXPECT_TRUE(group.writable);
  EXPECT_FALSE(group.exported || group.partial);
  const Error error = error_of([] { static_cast<void>(volume_group(commands(), "vg0")); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(error.remedy(), "this host has vg-a");

  const auto pool = thin_pool(commands(), in_group("pool"));
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->size.value, 32 * k_mib);
  EXPECT_TRUE(pool->zeroing);
  EXPECT_EQ(pool->data_percent, 0.0);
  EXPECT_FALSE(thin_pool(commands(), in_group("absent")));
  EXPECT_FALSE(logical_volume(commands(), in_group("absent")));
  EXPECT_EQ(error_of([] {
              static_cast<void>(logical_volume(commands(), {"vg0", "x"}));
            }).kind(),
            ErrorKind::not_found);
}

TEST_F(Lvm, MakesAThickVolumeAndKeepsOrRemovesIt) {
  std::string uuid;
  {
    NewVolume made({in_group("web-01"), {9 * k_mib}, {}, {"job 1", "/dev/old/web"}}, commands());
    EXPECT_EQ(made.path(), "/dev/vg-a/web-01");
    EXPECT_EQ(made.size().value, 12 * k_mib);
    const auto row = logical_volume(commands(), made.name());
    ASSERT_TRUE(row);
    EXPECT_EQ(row->uuid, made.uuid());
    EXPECT_EQ(row->path, made.path());
    EXPECT_EQ(row->attributes.active, Truth::yes);
    EXPECT_EQ(row->attributes.open, Truth::no);
    EXPECT_THAT(row->tags, Contains("vmconvert"));
    EXPECT_THAT(row->tags, Contains("vmconvert.job=job+201"));
    EXPECT_THAT(row->tags, Contains("vmconvert.source=/dev/old/web"));
    EXPECT_THAT(row->tags, Contains(StartsWith("vmconvert.time=20")));
    const Fd open = open_file(made.path(), O_RDWR);
    EXPECT_EQ(::lseek(open.get(), 0, SEEK_END), 12 * 1048576);
    EXPECT_EQ(logical_volume(commands(), made.name())->attributes.open, Truth::yes);
    made.keep();
    uuid = made.uuid();
  }
  ASSERT_TRUE(logical_volume(commands(), in_group("web-01")));
  const Error error = error_of([] { NewVolume({in_group("web-01"), k_extent}, commands()); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_input);
  EXPECT_EQ(error.message(), "the volume vg-a/web-01 exists already");
  EXPECT_EQ(logical_volume(commands(), in_group("web-01"))->uuid, uuid);
  run({"lvremove", "-qy", "vg-a/web-01"});
  { const NewVolume gone({in_group("web-01"), k_extent}, commands()); }
}

TEST_F(Lvm, WipesWhatLayThereBefore) {
  {
    const NewVolume old({in_group("old"), k_extent}, commands());
    run({"mkswap", "-q", old.path().string()});
    EXPECT_THAT(run({"blkid", "-p", old.path().string()}), HasSubstr("swap"));
  }
  const NewVolume made({in_group("new"), k_extent}, commands());
  EXPECT_EQ(read_start(made.path(), 4096), std::vector<std::byte>(4096));
  EXPECT_EQ(commands().run({{"blkid", "-p", made.path().string()}}).out, "");
}

TEST_F(Lvm, LeavesAVolumeThatTookOverTheName) {
  {
    const NewVolume made({in_group("guest"), k_extent}, commands());
    run({"lvrename", "-q", k_group, "guest", "moved"});
    run({"lvcreate", "-qy", "-l", "1", "-n", "guest", k_group});
  }
  EXPECT_TRUE(logical_volume(commands(), in_group("guest")));
  EXPECT_FALSE(logical_volume(commands(), in_group("moved"))) << "ours, by UUID and tag";
  run({"lvremove", "-qy", "vg-a/guest"});
}

TEST_F(Lvm, SaysByHowMuchAGroupIsTooFull) {
  const VolumeGroup group = volume_group(commands(), k_group);
  const ByteCount larger{group.free.value + 1};
  const Error error = error_of([&] { NewVolume({in_group("big"), larger}, commands()); });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr(fmt::format("= {} extents of 4 MiB", group.free_extents + 1)),
                    HasSubstr(fmt::format("free are {}", group.free_extents))));
  const ByteCount half{group.free.value / 2 + 1};
  EXPECT_EQ(error_of([&] { require_room(group, std::array{half, half}); }).kind(), ErrorKind::io);
  require_room(group, std::array{half});
}

TEST_F(Lvm, MakesAThinVolumeAndSeesThePoolFill) {
  const auto pool = [] { return thin_pool(commands(), in_group("pool")).value(); };
  const NewVolume made({in_group("thin"), {64 * k_mib + 1}, "pool"}, commands());
  EXPECT_EQ(made.size().value, 68 * k_mib);
  EXPECT_EQ(logical_volume(commands(), made.name())->pool, "pool");
  require_room(pool(), std::array{ByteCount{20 * k_mib}, ByteCount{11 * k_mib}});
  write_all(made.path(), 'x', 16 * k_mib);
  EXPECT_EQ(pool().data_percent, 50.0);
  const Error full = error_of([&] {
    require_room(pool(), std::array{ByteCount{8 * k_mib}, ByteCount{8 * k_mib + 1}});
  });
  EXPECT_EQ(full.kind(), ErrorKind::io);
  EXPECT_THAT(full.message(), HasSubstr("thin pool vg-a/pool is too full"));
  EXPECT_EQ(error_of([] {
              NewVolume({in_group("x"), k_extent, "absent"}, commands());
            }).kind(),
            ErrorKind::not_found);
  EXPECT_EQ(error_of([] {
              NewVolume({in_group("x"), k_extent, "thin"}, commands());
            }).kind(),
            ErrorKind::bad_input);
}

TEST_F(Lvm, TakesASnapshotOfABusyVolume) {
  const NewVolume origin({in_group("busy"), {8 * k_mib}}, commands());
  write_all(origin.path(), 'A', 8 * k_mib);
  const Fd guest = open_file(origin.path(), O_RDWR);
  Snapshot snapshot({origin.name(), "copy", k_extent, "job"}, commands());
  write_all(origin.path(), 'B', k_mib);
  EXPECT_EQ(read_start(snapshot.path(), 8 * k_mib),
            std::vector<std::byte>(8 * k_mib, static_cast<std::byte>('A')));
  EXPECT_EQ(read_start(origin.path(), 1).front(), static_cast<std::byte>('B'));
  EXPECT_FALSE(can_write(snapshot.path()));
  snapshot.require_intact();
  EXPECT_EQ(error_of([&] {
              Snapshot({in_group("copy"), "again", k_extent}, commands());
            }).kind(),
            ErrorKind::bad_input);
  write_all(origin.path(), 'C', 8 * k_mib);
  const Error error = error_of([&] { snapshot.require_intact(); });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_THAT(error.message(), HasSubstr("overflowed"));
}

TEST_F(Lvm, TakesASnapshotInAPool) {
  const NewVolume origin({in_group("thin"), {8 * k_mib}, "pool"}, commands());
  write_all(origin.path(), 'A', k_mib);
  Snapshot snapshot({origin.name(), "copy", {}}, commands());
  write_all(origin.path(), 'B', k_mib);
  EXPECT_EQ(read_start(snapshot.path(), k_mib),
            std::vector<std::byte>(k_mib, static_cast<std::byte>('A')));
  EXPECT_FALSE(can_write(snapshot.path()));
  snapshot.require_intact();
}

TEST_F(Lvm, KnowsAVolumeByAnyOfItsPaths) {
  const NewVolume made({in_group("a-b"), k_extent}, commands());
  for (const char* path :
       {"/dev/vg-a/a-b", "/dev/mapper/vg--a-a--b", "/dev/disk/by-id/dm-name-vg--a-a--b"}) {
    EXPECT_EQ(volume_of(commands(), path), made.name()) << path;
  }
  EXPECT_FALSE(volume_of(commands(), "/dev/ubda"));
  EXPECT_FALSE(volume_of(commands(), "/dev/mapper/vg--a-pool_tdata"));
  EXPECT_FALSE(volume_of(commands(), "/dev/vg-a/absent"));
  EXPECT_FALSE(volume_of(commands(), "/dev/absent/a-b"));
  run({"lvchange", "-an", "vg-a/a-b"});
  EXPECT_FALSE(std::filesystem::exists("/dev/vg-a/a-b"));
  EXPECT_EQ(volume_of(commands(), "/dev/vg-a/a-b"), made.name());
  EXPECT_EQ(logical_volume(commands(), made.name())->attributes.active, Truth::no);
}

TEST_F(Lvm, WarnsOfAVolumeThatSomebodyHoldsOpen) {
  std::string logged;
  const LogSink sink = set_log_sink([&](LogLevel level, std::string_view text) {
    logged += level == LogLevel::warning ? text : "";
  });
  Fd holder;
  {
    const NewVolume made({in_group("held"), k_extent}, commands());
    holder = open_file(made.path(), O_RDONLY);
  }
  set_log_sink(sink);
  EXPECT_THAT(logged, AllOf(HasSubstr("vg-a/held could not be removed"), HasSubstr("in use"),
                            HasSubstr("lvremove --select")));
  holder.reset();
  run({"lvremove", "-qy", "vg-a/held"});
}

TEST_F(Lvm, RemovesItsVolumeAfterASignal) {
  EXPECT_EXIT(
      {
        install_interrupt_handlers();
        try {
          const NewVolume made({in_group("cut"), k_extent}, commands());
          ::raise(SIGTERM);
          throw_if_interrupted();
        } catch (const Error& error) {
          ::_exit(error.kind() == ErrorKind::interrupted ? 6 : 1);
        }
        ::_exit(0);
      },
      testing::ExitedWithCode(6), "");
}

TEST_F(Lvm, RefusesTheNamesThatLvmRefuses) {
  for (const char* name : {"..", "snapshot1", "x_tmeta", "x_cpool"}) {
    EXPECT_THROW(require_valid_name(in_group(name)), Error) << name;
    EXPECT_NE(commands().run({{"lvcreate", "-t", "-l", "1", "-n", name, k_group}}).exit_code, 0)
        << name;
  }
  for (const char* name : {"a-b.c+_", "x_wcache", "my_snapshot"}) {
    require_valid_name(in_group(name));
    run({"lvcreate", "-t", "-l", "1", "-n", name, k_group});
  }
  // The longest name that is let through can be made, under a snapshot too.
  const std::string longest(121, 'n');
  const std::string dashes = std::string(57, 'm') + std::string(29, '-') + "e";
  for (const std::string& name : {longest.substr(0, 116), dashes}) {
    require_valid_name(in_group(name));
    const NewVolume made({in_group(name), k_extent}, commands());
    Snapshot({made.name(), "s", k_extent}, commands());
  }
  EXPECT_THROW(require_valid_name(in_group(longest)), Error);
}

// The content of a guest's disk may be a physical volume. Copied to a volume of ours, its group
// must stay unknown to this host: neither listed nor active.
TEST_F(Lvm, DoesNotActivateAGuestsGroup) {
  const std::string disk = words(::getenv("VMCONVERT_MACHINE_DISKS")).at(1);
  run({"pvcreate", "-qy", disk});
  run({"vgcreate", "-q", "guestvg", disk});
  run({"lvcreate", "-qy", "-l", "1", "-n", "root", "guestvg"});
  run({"vgchange", "-q", "-an", "guestvg"});
  const NewVolume copy({in_group("copy"), {16 * k_mib}}, commands());
  run({"dd", "if=" + disk, "of=" + copy.path().string(), "bs=1M", "count=16", "conv=fsync",
       "status=none"});
  run({"wipefs", "-qa", disk});
  EXPECT_THAT(run({"blkid", "-p", copy.path().string()}), HasSubstr("LVM2_member"));
  run({"udevadm", "trigger", "--settle", copy.path().string()});
  const NewVolume another({in_group("another"), k_extent}, commands());
  EXPECT_FALSE(group_exists(commands(), "guestvg"));
  EXPECT_FALSE(std::filesystem::exists("/dev/guestvg"));
  EXPECT_FALSE(std::filesystem::exists("/dev/mapper/guestvg-root"));
}

TEST_F(Lvm, IsTheGroupOfALibvirtPool) {
  Connection connection = Connection::open("qemu:///system", Access::read_write);
  const std::vector<std::string> virsh = {"virsh", "-q", "-c", "qemu:///system"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), virsh.begin(), virsh.end());
    return run(more);
  };
  with({"pool-define-as", "disks", "logical", "--source-name", k_group, "--target", "/dev/vg-a"});
  const Error error = error_of([&] { static_cast<void>(resolve_pool(connection, "disks")); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_input);
  EXPECT_THAT(error.message(), HasSubstr("not active"));
  with({"pool-start", "disks"});
  EXPECT_EQ(resolve_pool(connection, "disks"), PoolPlace(PoolGroup{k_group}));

  const NewVolume made({in_group("pooled"), k_extent}, commands());
  EXPECT_THAT(with({"vol-list", "disks"}), testing::Not(HasSubstr("pooled")));
  refresh_pool(connection, "disks");
  EXPECT_THAT(with({"vol-list", "disks"}), HasSubstr("/dev/vg-a/pooled"));
  // Taken out of libvirt alone: pool-destroy would deactivate the whole group.
}

}  // namespace
}  // namespace vmconvert::host

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new vmconvert::host::Machine);  // owned by GoogleTest
  return RUN_ALL_TESTS();
}
