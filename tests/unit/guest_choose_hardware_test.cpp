#include "guest/choose_hardware.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/temp_dir.hpp"
#include "boot_files.hpp"
#include "guest/folder_root.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using model::TargetHypervisor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// An HVM guest with a system disk at hda and a CD drive at hdc.
struct OldGuest {
  TempDir temp{fs::temp_directory_path(), "vmconvert-test"};
  FolderRoot root{temp.path()};
  model::GuestFacts facts;
  model::Domain domain;
  model::Layout layout;

  OldGuest() {
    domain.kind = model::VirtKind::hvm;
    domain.nics = {{"00:16:3e:00:00:01", "xenbr0", "rtl8139"}};
    add_disk("hda");
    domain.disks.push_back({"hdc", "ide", model::DiskDevice::cdrom, {}});
    root.write("/etc/fstab", "/dev/hda1 / ext3 defaults 0 1\n");
  }

  void add_disk(const std::string& target) {
    domain.disks.push_back({target, "ide", model::DiskDevice::disk, "/dev/vg/" + target});
    model::TargetDisk disk;
    disk.name = std::string("vd") + static_cast<char>('a' + layout.disks.size());
    disk.segments = {{model::SegmentKind::source, {1}, domain.disks.size() - 1}};
    layout.disks.push_back(disk);
  }
  void add_kernel(const std::string& version, const std::string& modules, bool xen_only = false) {
    root.write("/boot/vmlinuz-" + version,
               xen_only ? "\x1f\x8b ELF" : boot_files::kernel_image(version));
    if (!modules.empty()) {
      root.write("/lib/modules/" + version + "/modules.dep", modules);
    }
    facts.kernels.push_back({version, "/boot/vmlinuz-" + version, "", true});
  }
  ChosenHardware choose(TargetHypervisor to = TargetHypervisor::kvm) {
    return choose_hardware(root, facts, domain, layout, to);
  }
};

std::vector<std::string> ids(const ChosenHardware& chosen) {
  std::vector<std::string> found;
  for (const model::Finding& finding : chosen.findings) {
    found.push_back(finding.id + " " + model::to_string(finding.severity));
    EXPECT_FALSE(finding.remedy.empty());
  }
  return found;
}

constexpr const char* k_old_ide =
    "kernel/ide/pci/piix.ko:\nkernel/ide/ide-disk.ko:\nkernel/ata/ata_piix.ko:\n"
    "kernel/scsi/sd_mod.ko:\nkernel/net/8139cp.ko: kernel/net/mii.ko\nkernel/net/e1000.ko:\n";
constexpr const char* k_libata =
    "kernel/ata/ata_piix.ko.xz:\nkernel/scsi/sd_mod.ko.xz:\nkernel/net/e1000.ko.xz:\n";
constexpr const char* k_virtio =
    "kernel/virtio_blk.ko:\nkernel/virtio_pci.ko:\nkernel/virtio_net.ko:\n";

TEST(ChooseHardware, virtio_where_a_kernel_drives_it) {
  OldGuest guest;
  guest.add_kernel("2.6.18", k_old_ide);
  guest.add_kernel("3.2.0", k_virtio);
  const ChosenHardware chosen = guest.choose();
  EXPECT_EQ(chosen.hardware, model::Hardware());
  EXPECT_THAT(ids(chosen), IsEmpty());
}

TEST(ChooseHardware, virtio_where_nothing_is_known_or_nothing_can_be_driven) {
  OldGuest guest;
  EXPECT_EQ(guest.choose().hardware, model::Hardware());
  guest.add_kernel("2.6.18", "");
  EXPECT_EQ(guest.choose().hardware, model::Hardware());
  guest.add_kernel("2.6.19", "kernel/fs/ext3.ko:\n");
  EXPECT_EQ(guest.choose().hardware, model::Hardware());
  EXPECT_THAT(ids(guest.choose()), IsEmpty());
}

TEST(ChooseHardware, an_ide_disk_and_the_card_that_it_had) {
  OldGuest guest;
  guest.add_kernel("2.6.18", k_old_ide);
  const ChosenHardware chosen = guest.choose();
  EXPECT_EQ(chosen.hardware.disk_bus, "ide");
  EXPECT_EQ(chosen.hardware.nic_model, "rtl8139");
  EXPECT_THAT(chosen.hardware.places, ElementsAre("hda"));
  EXPECT_THAT(chosen.hardware.in_guest, ElementsAre("hda"));
  EXPECT_THAT(ids(chosen), ElementsAre("emulated-devices informs"));
  EXPECT_THAT(chosen.findings[0].message, HasSubstr("IDE disks and rtl8139 network cards"));
}

TEST(ChooseHardware, the_kernels_that_come_with_a_configuration_alone) {
  OldGuest guest;
  guest.add_kernel("2.6.9", "kernel/net/e1000.ko:\n");
  guest.root.write("/boot/config-2.6.9", "#\nCONFIG_BLK_DEV_PIIX=y\nCONFIG_BLK_DEV_IDEDISK=y\n");
  const ChosenHardware chosen = guest.choose();
  EXPECT_EQ(chosen.hardware.disk_bus, "ide");
  EXPECT_EQ(chosen.hardware.nic_model, "e1000");
}

TEST(ChooseHardware, libata_names_disks_by_their_order) {
  OldGuest guest;
  guest.add_kernel("5.14.0", k_libata);
  guest.add_disk("xvdb");  // takes the first place that is free
  guest.add_disk("hdb");   // stays where it was
  const ChosenHardware chosen = guest.choose();
  EXPECT_THAT(chosen.hardware.places, ElementsAre("hda", "hdc", "hdb"));
  EXPECT_THAT(chosen.hardware.in_guest, ElementsAre("sda", "sdc", "sdb"));
  EXPECT_EQ(chosen.hardware.nic_model, "e1000");
}

TEST(ChooseHardware, the_guests_own_name_decides_where_a_kernel_has_both) {
  OldGuest guest;
  guest.add_kernel("2.6.32", k_old_ide);
  guest.root.write("/etc/fstab", "proc /proc proc defaults 0 0\n/dev/sda1 / ext3 defaults 0 1\n");
  EXPECT_THAT(guest.choose().hardware.in_guest, ElementsAre("sda"));
}

TEST(ChooseHardware, a_kernel_that_only_xen_starts_does_not_count) {
  OldGuest guest;
  guest.add_kernel("2.6.18-xen", k_old_ide, true);
  EXPECT_EQ(guest.choose().hardware, model::Hardware());
}

TEST(ChooseHardware, a_virtio_disk_beside_an_emulated_card) {
  OldGuest guest;
  guest.add_kernel("2.6.25", "kernel/virtio_blk.ko:\nkernel/virtio_pci.ko:\nkernel/8139too.ko:\n");
  const ChosenHardware chosen = guest.choose();
  EXPECT_EQ(chosen.hardware.disk_bus, "virtio");
  EXPECT_EQ(chosen.hardware.nic_model, "rtl8139");
  EXPECT_THAT(ids(chosen), ElementsAre("emulated-devices informs"));
}

TEST(ChooseHardware, says_that_no_card_is_driven) {
  OldGuest guest;
  guest.add_kernel("2.6.25", "kernel/virtio_blk.ko:\nkernel/virtio_pci.ko:\n");
  EXPECT_THAT(ids(guest.choose()), ElementsAre("no-network-driver warns"));
  guest.domain.nics.clear();
  EXPECT_THAT(ids(guest.choose()), IsEmpty());
}

TEST(ChooseHardware, more_disks_than_ide_has_places_are_refused) {
  OldGuest guest;
  guest.add_kernel("2.6.18", k_old_ide);
  for (const char* target : {"hdb", "xvdc", "xvdd"}) {
    guest.add_disk(target);
  }
  EXPECT_THAT(ids(guest.choose()), ElementsAre("emulated-devices informs"));
  guest.add_disk("xvde");
  const ChosenHardware chosen = guest.choose();
  EXPECT_THAT(ids(chosen), testing::Contains("ide-places blocks"));
  EXPECT_THAT(chosen.findings[0].message, HasSubstr("has 4, and the guest has 5"));
}

TEST(ChooseHardware, a_xen_guest_has_xens) {
  OldGuest guest;
  guest.add_kernel("2.6.18", k_old_ide);
  const ChosenHardware chosen = guest.choose(TargetHypervisor::xen);
  EXPECT_EQ(chosen.hardware.disk_bus, "xen");
  EXPECT_THAT(ids(chosen), IsEmpty());
}

TEST(InGuest, renames_disks_and_their_partitions_alone) {
  model::Layout layout;
  layout.disks.resize(2);
  layout.disks[0].name = "vda";
  layout.disks[1].name = "vdb";
  layout.renames = {{"hda1", "vda1"}, {"xvdb", "vdb"}};
  const model::Hardware hardware{"ide", "e1000", false, {"hda", "hdc"}, {"sda", "sdb"}};
  EXPECT_EQ(in_guest(hardware, layout, "vda12"), "sda12");
  EXPECT_EQ(in_guest(hardware, layout, "vdb"), "sdb");
  EXPECT_EQ(in_guest(hardware, layout, "vdab"), "vdab");
  EXPECT_EQ(in_guest(hardware, layout, "vda/root"), "vda/root");  // of a volume group
  const model::Layout seen = in_guest(hardware, layout);
  EXPECT_EQ(seen.disks[1].name, "sdb");
  EXPECT_EQ(seen.renames[0], (model::DeviceRename{"hda1", "sda1"}));
  EXPECT_EQ(in_guest(model::Hardware(), layout).disks[1].name, "vdb");
}

}  // namespace
}  // namespace vmconvert::guest
