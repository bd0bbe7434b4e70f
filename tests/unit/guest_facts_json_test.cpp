#include "guest/facts_json.hpp"

#include <gtest/gtest.h>
#include <vmconvert/fixer.hpp>

namespace vmconvert::guest {
namespace {

model::TargetDisk mbr_disk(std::vector<std::uint64_t> starts) {
  model::TargetDisk disk;
  disk.name = "vda";
  disk.size = {1ULL << 32U};
  disk.table = model::TableKind::mbr;
  for (const std::uint64_t start : starts) {
    disk.partitions.push_back({static_cast<unsigned>(disk.partitions.size() + 1), {start}, {4096}});
  }
  return disk;
}

TEST(FactsJson, is_what_fixers_read) {
  model::Domain domain;
  domain.kind = model::VirtKind::pv;
  domain.bootloader = "/usr/lib/xen/bin/pygrub";
  domain.nics = {{"00:16:3e:00:00:01", "br0"}, {"00:16:3e:00:00:02", "br1"}};
  model::Layout layout;
  layout.disks = {mbr_disk({1U << 20U, 2U << 20U})};
  layout.renames = {{"xvda1", "vda1"}, {"xvda2", "vda2"}};
  model::GuestFacts guest;
  guest.distribution = "debian";
  guest.arch = "i386";
  guest.init = "sysvinit";
  guest.menu = "/boot/grub/menu.lst";
  guest.root_device = "vda2";
  guest.boot_device = "vda2";
  guest.filesystems = {{"vda2", "ext3", "1234", "root \"1\"", {}, "/"}};
  guest.kernels = {{"2.6.32-5-xen", "/boot/vmlinuz-2.6.32-5-xen", "", true}};
  const fixer::Facts facts = fixer::parse_facts(to_facts_json(
      {domain, layout, guest, {{"vda", "grub-legacy"}}, model::TargetHypervisor::kvm}));

  EXPECT_EQ(facts.to, "kvm");
  EXPECT_EQ(facts.source_kind, "pv");
  EXPECT_EQ(facts.boot.kind, "pygrub");
  EXPECT_EQ(facts.boot.kernel, "");
  EXPECT_EQ(facts.root_device, "vda2");
  EXPECT_EQ(facts.boot_device, "vda2");
  EXPECT_EQ(facts.distribution, "debian");
  EXPECT_EQ(facts.arch, "i386");
  EXPECT_EQ(facts.init, "sysvinit");
  EXPECT_EQ(facts.menu, "/boot/grub/menu.lst");
  EXPECT_EQ(facts.renamed("xvda2"), "vda2");
  ASSERT_EQ(facts.disks.size(), 1U);
  EXPECT_EQ(facts.disks[0].name, "vda");
  EXPECT_EQ(facts.disks[0].table, "mbr");
  EXPECT_EQ(facts.disks[0].loader, "grub-legacy");
  EXPECT_EQ(facts.disks[0].size_bytes, 1ULL << 32U);
  EXPECT_EQ(facts.disks[0].gap_offset, 512U);
  EXPECT_EQ(facts.disks[0].gap_bytes, (1U << 20U) - 512U);
  ASSERT_EQ(facts.disks[0].partitions.size(), 2U);
  EXPECT_EQ(facts.disks[0].partitions[1].number, 2U);
  EXPECT_EQ(facts.disks[0].partitions[1].start_bytes, 2U << 20U);
  EXPECT_EQ(facts.disks[0].partitions[1].length_bytes, 4096U);
  ASSERT_NE(facts.filesystem("vda2"), nullptr);
  EXPECT_EQ(facts.filesystem("vda2")->label, "root \"1\"");
  EXPECT_EQ(facts.filesystem("vda2")->mountpoint, "/");
  ASSERT_EQ(facts.nics.size(), 2U);
  EXPECT_EQ(facts.nics[1].mac, "00:16:3e:00:00:02");
  EXPECT_EQ(facts.nics[1].index, 1U);
  ASSERT_EQ(facts.kernels.size(), 1U);
  EXPECT_EQ(facts.kernels[0].version, "2.6.32-5-xen");
  EXPECT_TRUE(facts.kernels[0].modules);
}

TEST(FactsJson, names_disks_as_the_guest_will_see_them) {
  model::Layout layout;
  layout.disks = {mbr_disk({1U << 20U})};
  layout.renames = {{"hda1", "vda1"}};
  model::GuestFacts guest;
  guest.root_device = guest.boot_device = "vda1";
  guest.filesystems = {{"vda1", "ext3", "1234", "", {}, "/"}, {"vg/lv", "ext3", "5", "", {}, ""}};
  FactsInput input{{}, layout, guest, {{"vda", "grub2"}}, model::TargetHypervisor::kvm, {}, {},
                   {}, {},     {}};
  input.hardware = {"ide", "e1000", false, {"hda"}, {"sda"}};
  const fixer::Facts facts = fixer::parse_facts(to_facts_json(input));
  EXPECT_EQ(facts.disk_bus, "ide");
  EXPECT_EQ(facts.nic_model, "e1000");
  EXPECT_EQ(facts.root_device, "sda1");
  EXPECT_EQ(facts.boot_device, "sda1");
  EXPECT_EQ(facts.renamed("hda1"), "sda1");
  EXPECT_EQ(facts.disks.at(0).name, "sda");
  EXPECT_EQ(facts.disks.at(0).loader, "grub2");
  EXPECT_NE(facts.filesystem("sda1"), nullptr);
  EXPECT_NE(facts.filesystem("vg/lv"), nullptr);
}

TEST(FactsJson, tells_of_new_ids) {
  const nlohmann::json json = nlohmann::json::parse(
      to_facts_json({{},
                     {},
                     {},
                     {},
                     model::TargetHypervisor::kvm,
                     {},
                     {},
                     {},
                     {{model::IdKind::physical_volume, "vdb", "LVM2_member", "a", "b"}},
                     {"/boot/initrd"}}));
  EXPECT_EQ(json.at("new_ids").at(0).at("kind"), "physical-volume");
  EXPECT_EQ(json.at("new_ids").at(0).at("device"), "vdb");
  EXPECT_EQ(json.at("new_ids").at(0).at("to"), "b");
  EXPECT_EQ(json.at("old_ids_in"), nlohmann::json({"/boot/initrd"}));
}

TEST(FactsJson, names_the_hosts_files_of_a_direct_boot) {
  model::Domain domain;
  domain.kind = model::VirtKind::pvh;
  domain.direct_boot = {"/boot/vmlinuz", "/boot/initrd", "root=/dev/xvda1 ro"};
  domain.bootloader = "pygrub";
  const fixer::Facts facts =
      fixer::parse_facts(to_facts_json({domain, {}, {}, {}, model::TargetHypervisor::xen}));
  EXPECT_EQ(facts.to, "xen");
  EXPECT_EQ(facts.source_kind, "pvh");
  EXPECT_EQ(facts.boot.kind, "direct");
  EXPECT_EQ(facts.boot.kernel, "/boot/vmlinuz");
  EXPECT_EQ(facts.boot.initrd, "/boot/initrd");
  EXPECT_EQ(facts.boot.cmdline, "root=/dev/xvda1 ro");
}

TEST(FactsJson, a_machine_that_boots_its_disk_says_so) {
  model::Domain domain;
  domain.kind = model::VirtKind::hvm;
  model::Layout layout;
  layout.disks = {mbr_disk({63 * 512})};
  const fixer::Facts facts =
      fixer::parse_facts(to_facts_json({domain, layout, {}, {}, model::TargetHypervisor::kvm}));
  EXPECT_EQ(facts.boot.kind, "disk");
  EXPECT_EQ(facts.disks.at(0).loader, "none");
  EXPECT_EQ(facts.disks.at(0).gap_bytes, 31744U);
}

TEST(FactsJson, survives_bytes_that_are_no_text) {
  model::GuestFacts guest;
  guest.filesystems = {{"vda1", "ext3", "", "caf\xe9", {}, ""}};
  const fixer::Facts facts =
      fixer::parse_facts(to_facts_json({{}, {}, guest, {}, model::TargetHypervisor::kvm}));
  EXPECT_EQ(facts.filesystems.at(0).label, "caf\xef\xbf\xbd");
}

TEST(LoaderGap, is_found_by_kind_of_table) {
  EXPECT_EQ(loader_gap(mbr_disk({8192, 2048})), (LoaderGap{{512}, {1536}}));
  EXPECT_EQ(loader_gap(mbr_disk({})), LoaderGap{});
  EXPECT_EQ(loader_gap(mbr_disk({512})), LoaderGap{});
  EXPECT_EQ(loader_gap(mbr_disk({0})), LoaderGap{});
  model::TargetDisk disk = mbr_disk({1U << 20U, 2U << 20U});
  disk.table = model::TableKind::gpt;
  EXPECT_EQ(loader_gap(disk), LoaderGap{});
  disk.partitions[1].bios_boot = true;
  EXPECT_EQ(loader_gap(disk), (LoaderGap{{2U << 20U}, {4096}}));
  disk.table = model::TableKind::none;
  EXPECT_EQ(loader_gap(disk), LoaderGap{});
}

}  // namespace
}  // namespace vmconvert::guest
