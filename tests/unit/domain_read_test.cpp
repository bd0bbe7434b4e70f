#include "domain/read.hpp"

#include <fmt/format.h>

#include "unit/domain_support.hpp"

namespace vmconvert::domain {
namespace {

using model::DiskDevice;
using model::DiskFormat;
using model::VirtKind;

// A guest with the given insides of <devices>, and more elements before it.
std::string guest(const std::string& devices, const std::string& more = "",
                  const std::string& memory = "<memory unit='MiB'>256</memory>") {
  return "<domain type='xen'><name>g</name>" + memory + "<os><type>linux</type></os>" + more +
         "<devices>" + devices + "</devices></domain>";
}

std::string disk(const std::string& attributes, const std::string& inside) {
  return guest("<disk " + attributes + ">" + inside + "</disk>");
}

TEST(DomainRead, PvWithPygrub) {
  const auto domain = read_domain_xml(dump("pv-disk-pygrub.inactive"), "x");
  EXPECT_EQ(domain.name, "legacy2");
  EXPECT_EQ(domain.uuid, "c0ffee00-1111-2222-3333-444455556602");
  EXPECT_EQ(domain.kind, VirtKind::pv);
  EXPECT_EQ(domain.arch, "x86_64");
  EXPECT_EQ(domain.memory.value, 256 * k_mib);
  EXPECT_EQ(domain.bootloader, "pygrub");
  EXPECT_FALSE(domain.direct_boot.has_value());
  EXPECT_FALSE(domain.was_running);
  EXPECT_FALSE(domain.uefi);
  ASSERT_EQ(domain.disks.size(), 3U);
  EXPECT_EQ(domain.disks[0].target, "xvda");
  EXPECT_EQ(domain.disks[0].source, "/dev/xenvg/legacy2-disk");
  EXPECT_FALSE(domain.disks[0].readonly);
  EXPECT_EQ(domain.disks[2].source, "/srv/ro.img");
  EXPECT_TRUE(domain.disks[2].readonly);
  ASSERT_EQ(domain.nics.size(), 2U);
  EXPECT_EQ(domain.nics[1].mac, "00:16:3e:00:00:03");
  EXPECT_EQ(domain.nics[1].bridge, "xenbr0");
}

TEST(DomainRead, PvWithKernelOfTheHostAndPartitions) {
  const auto domain = read_domain_xml(dump("pv-partition.running"), "x");
  EXPECT_TRUE(domain.was_running);
  EXPECT_EQ(domain.memory.value, 384 * k_mib);
  ASSERT_TRUE(domain.direct_boot.has_value());
  EXPECT_EQ(domain.direct_boot->kernel, "/boot/vmlinuz-6.1.0-56-amd64");
  EXPECT_EQ(domain.direct_boot->initrd, "/boot/initrd.img-guest");
  EXPECT_EQ(domain.direct_boot->cmdline, "root=/dev/xvda5 ro console=hvc0 quiet");
  ASSERT_EQ(domain.disks.size(), 3U);
  EXPECT_EQ(domain.disks[0].target, "xvda5");
  EXPECT_EQ(domain.disks[2].target, "xvda2");
}

TEST(DomainRead, HvmWithDriveAndTwoCpus) {
  const auto domain = read_domain_xml(dump("hvm.running"), "x");
  EXPECT_EQ(domain.kind, VirtKind::hvm);
  EXPECT_EQ(domain.vcpus, 2U);
  EXPECT_TRUE(domain.was_running);
  ASSERT_EQ(domain.disks.size(), 3U);
  EXPECT_EQ(domain.disks[0].bus, "ide");
  EXPECT_EQ(domain.disks[1].device, DiskDevice::cdrom);
  EXPECT_EQ(domain.disks[1].source, "/srv/cd.iso");
  EXPECT_TRUE(domain.disks[1].readonly);
  EXPECT_EQ(domain.disks[2].target, "xvdb");
}

TEST(DomainRead, Pvh) {
  const auto domain = read_domain_xml(dump("pvh.inactive"), "x");
  EXPECT_EQ(domain.kind, VirtKind::pvh);
  EXPECT_EQ(domain.direct_boot->cmdline, "root=/dev/xvda5 ro console=hvc0");
}

TEST(DomainRead, BlockDevicesOfTypeBlock) {
  const auto domain = read_domain_xml(dump("pv-disk-pygrub-block.running"), "x");
  ASSERT_EQ(domain.disks.size(), 1U);
  EXPECT_EQ(domain.disks[0].source, "/dev/xenvg/legacy2-disk");
}

TEST(DomainRead, OtherHypervisorsAreHvm) {
  const auto domain = read_domain_xml(
      "<domain type='kvm'><name>k</name><uuid>C0FFEE00111122223333444455556699</uuid>"
      "<memory>1024</memory><os firmware='efi'><type arch='i586'>hvm</type></os></domain>",
      "x");
  EXPECT_EQ(domain.kind, VirtKind::hvm);
  EXPECT_EQ(domain.uuid, "c0ffee00-1111-2222-3333-444455556699");
  EXPECT_EQ(domain.arch, "i686");
  EXPECT_TRUE(domain.uefi);
  EXPECT_EQ(domain.memory.value, k_mib);
  EXPECT_EQ(domain.vcpus, 1U);
}

TEST(DomainRead, ContainersAreRefused) {
  const auto error = error_of([] {
    read_domain_xml("<domain type='lxc'><name>c</name><os><type>exe</type></os></domain>", "x");
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::unsupported);
  EXPECT_NE(error->message().find("\"exe\""), std::string::npos);
}

TEST(DomainRead, MemoryUnits) {
  struct Case {
    const char* unit;
    std::uint64_t bytes;
  };
  for (const Case& c :
       {Case{"b", 1}, Case{"bytes", 1}, Case{"KB", 1000}, Case{"k", 1024}, Case{"KiB", 1024},
        Case{"MB", 1000000}, Case{"M", k_mib}, Case{"MiB", k_mib}, Case{"GB", 1000000000},
        Case{"G", k_gib}, Case{"GiB", k_gib}, Case{"TB", 1000000000000}, Case{"T", 1024 * k_gib},
        Case{"TiB", 1024 * k_gib}}) {
    const auto domain =
        read_domain_xml(guest("", "", fmt::format("<memory unit='{}'>3</memory>", c.unit)), "x");
    EXPECT_EQ(domain.memory.value, 3 * c.bytes) << c.unit;
  }
}

TEST(DomainRead, MemoryThatCannotBe) {
  for (const char* memory :
       {"", "<memory>0</memory>", "<memory>-1</memory>", "<memory>lots</memory>",
        "<memory unit='XiB'>1</memory>", "<memory unit='TiB'>99999999999999</memory>"}) {
    const auto error = error_of([&] { read_domain_xml(guest("", "", memory), "g.xml"); });
    ASSERT_TRUE(error) << memory;
    EXPECT_EQ(error->kind(), ErrorKind::bad_input);
    EXPECT_NE(error->message().find("memory"), std::string::npos) << error->message();
    EXPECT_TRUE(error->message().starts_with("g.xml: ")) << error->message();
  }
}

TEST(DomainRead, VcpusThatCannotBe) {
  for (const char* vcpu : {"<vcpu/>", "<vcpu>0</vcpu>", "<vcpu>99999</vcpu>", "<vcpu>x</vcpu>"}) {
    const auto error = error_of([&] { read_domain_xml(guest("", vcpu), "g.xml"); });
    ASSERT_TRUE(error);
    EXPECT_NE(error->message().find("virtual CPUs"), std::string::npos) << error->message();
  }
}

TEST(DomainRead, FormatsAreTakenFromTheDescription) {
  struct Case {
    const char* driver;
    DiskFormat format;
  };
  for (const Case& c : {Case{"", DiskFormat::raw}, Case{"<driver name='phy'/>", DiskFormat::raw},
                        Case{"<driver name='tap' type='aio'/>", DiskFormat::raw},
                        Case{"<driver name='qemu' type='raw'/>", DiskFormat::raw},
                        Case{"<driver name='tap' type='qcow2'/>", DiskFormat::qcow2}}) {
    const auto domain = read_domain_xml(
        disk("type='file'",
             std::string(c.driver) + "<source file='/i.qcow2'/><target dev='xvda' bus='xen'/>"),
        "x");
    ASSERT_EQ(domain.disks.size(), 1U);
    EXPECT_EQ(domain.disks[0].format, c.format) << c.driver;
    EXPECT_EQ(domain.disks[0].device, DiskDevice::disk);
  }
}

TEST(DomainRead, DisksThatWeCannotReadAreNamed) {
  struct Case {
    std::string attributes;
    std::string inside;
    std::string says;
  };
  const std::string target = "<target dev='xvdq'/>";
  const std::string file = "<source file='/a'/>";
  for (const Case& c :
       {Case{"type='file'", "<driver type='vhd'/>" + file + target, "\"vhd\""},
        Case{"type='file'", "<driver type='vmdk'/>" + file + target, "\"vmdk\""},
        Case{"type='network'", "<source protocol='rbd' name='p/i'/>" + target, "\"network\""},
        Case{"type='volume'", "<source pool='p' volume='v'/>" + target, "\"volume\""},
        Case{"type='file'", "<encryption format='luks'/>" + file + target, "encrypted"},
        Case{"type='file'",
             "<source file='/a'><slices><slice type='storage' offset='1' size='2'/></slices>"
             "</source>" +
                 target,
             "slice"},
        Case{"type='file' device='tape'", file + target, "\"tape\""}}) {
    const auto error = error_of([&] { read_domain_xml(disk(c.attributes, c.inside), "g.xml"); });
    ASSERT_TRUE(error) << c.says;
    EXPECT_EQ(error->kind(), ErrorKind::unsupported);
    EXPECT_NE(error->message().find("disk xvdq"), std::string::npos) << error->message();
    EXPECT_NE(error->message().find(c.says), std::string::npos) << error->message();
    EXPECT_FALSE(error->remedy().empty());
  }
}

TEST(DomainRead, DisksThatCannotBeRight) {
  struct Case {
    std::string inside;
    std::string says;
  };
  for (const Case& c :
       {Case{"<target dev='xvda'/>", "disk xvda has no source"},
        Case{"<source dev='/dev/x'/><target dev='xvda'/>", "disk xvda has no source"},
        Case{"<source file='a.img'/><target dev='xvda'/>", "not absolute"},
        Case{"<source file='/a&#10;b'/><target dev='xvda'/>", "control character"},
        Case{"<source file='/a'/>", "not a device name"},
        Case{"<source file='/a'/><target dev='../a'/>", "\"../a\" is not a device name"},
        Case{"<source file='/a'/><target dev='xvda;x'/>", "not a device name"}}) {
    const auto error = error_of([&] { read_domain_xml(disk("type='file'", c.inside), "g.xml"); });
    ASSERT_TRUE(error) << c.says;
    EXPECT_EQ(error->kind(), ErrorKind::bad_input);
    EXPECT_NE(error->message().find(c.says), std::string::npos) << error->message();
  }
}

TEST(DomainRead, TwoDisksWithOneTarget) {
  const std::string one = "<disk type='file'><source file='/a'/><target dev='xvda'/></disk>";
  const auto error = error_of([&] { read_domain_xml(guest(one + one), "g.xml"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::bad_input);
  EXPECT_EQ(error->message(), "g.xml: two disks have the target xvda");
}

TEST(DomainRead, DrivesMayBeEmptyOrOutOfReach) {
  const auto domain = read_domain_xml(
      guest("<disk type='file' device='cdrom'><target dev='hdc'/></disk>"
            "<disk type='network' device='cdrom'><source protocol='http' name='x'/>"
            "<target dev='hdd'/></disk>"
            "<disk type='file' device='floppy'><driver type='vfat'/><source file='/f'/>"
            "<target dev='fda'/></disk>"),
      "x");
  ASSERT_EQ(domain.disks.size(), 3U);
  EXPECT_EQ(domain.disks[0].source, "");
  EXPECT_EQ(domain.disks[1].device, DiskDevice::cdrom);
  EXPECT_EQ(domain.disks[1].source, "");
  EXPECT_EQ(domain.disks[2].device, DiskDevice::floppy);
  EXPECT_EQ(domain.disks[2].source, "/f");
}

TEST(DomainRead, MacsAreLowerCase) {
  const auto domain = read_domain_xml(
      guest("<interface type='bridge'><mac address='00:16:3E:A:0b:FF'/><source bridge='b0'/>"
            "</interface><interface type='network'><source network='n'/></interface>"),
      "x");
  ASSERT_EQ(domain.nics.size(), 2U);
  EXPECT_EQ(domain.nics[0].mac, "00:16:3e:0a:0b:ff");
  EXPECT_EQ(domain.nics[1].mac, "");
  EXPECT_EQ(domain.nics[1].bridge, "n");
}

TEST(DomainRead, WrongMacsAndUuids) {
  for (const char* mac : {"00:16:3e:00:00", "00:16:3e:00:00:zz", "", "00:16:3e:00:00:001"}) {
    const auto error = error_of([&] {
      read_domain_xml(
          guest(fmt::format("<interface type='bridge'><mac address='{}'/></interface>", mac)), "x");
    });
    ASSERT_TRUE(error) << mac;
    EXPECT_NE(error->message().find("not a MAC address"), std::string::npos);
  }
  for (const char* uuid : {"nonsense", "c0ffee00-1111-2222-3333-44445555660", "../../etc"}) {
    const auto error =
        error_of([&] { read_domain_xml(guest("", fmt::format("<uuid>{}</uuid>", uuid)), "x"); });
    ASSERT_TRUE(error) << uuid;
    EXPECT_NE(error->message().find("not a uuid"), std::string::npos);
  }
}

TEST(DomainRead, AnEmptyBootloaderIsTheHostsDefault) {
  EXPECT_EQ(read_domain_xml(guest("", "<bootloader/>"), "x").bootloader, "pygrub");
}

}  // namespace
}  // namespace vmconvert::domain
