#include "plan/check_outside.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "plan/check_table.hpp"

namespace vmconvert::plan {
namespace {

using model::Findings;
using model::Severity;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A guest of two disks, a partitioned image and a bare volume, with which nothing is wrong.
struct Outside {
  model::Domain domain;
  std::vector<model::DiskFacts> facts{2};
  std::vector<model::DiskCondition> conditions{2};
  std::vector<model::DeviceIdentity> devices{2};
  std::vector<std::optional<model::ImageHeader>> headers{2};
  model::DescribedDevices described;
  TargetHost host;

  Outside() {
    domain.name = "web01";
    domain.uuid = "11111111-0000-0000-0000-000000000001";
    domain.memory = ByteCount{2 * k_gib};
    domain.vcpus = 2;
    domain.disks = {{"xvda", "xen", model::DiskDevice::disk, "/srv/web01.img"},
                    {"xvdb", "xen", model::DiskDevice::disk, "/dev/vg0/web01-data"}};
    domain.nics = {{"00:16:3e:00:00:01", "br0"}};
    facts[0].size = ByteCount{8 * k_gib};
    facts[0].table = model::TableKind::mbr;
    facts[0].partitions = {{1, ByteCount{k_mib}, ByteCount{k_gib}}};
    facts[1].size = ByteCount{k_gib};
    conditions[0].regions = {region(1, "ext", "aaaa", "root")};
    conditions[1].regions = {region(0, "xfs", "bbbb", "data")};
    described.chains.resize(2);
    host.uri = "qemu:///system";
    host.name = "web01";
    host.node = {ByteCount{16 * k_gib}, 8};
  }
  static model::Region region(unsigned partition, const char* type, const char* uuid,
                              const char* label) {
    model::Region region;
    region.partition = partition;
    region.type = type;
    region.uuid = uuid;
    region.label = label;
    return region;
  }
  model::Neighbour& add_neighbour(const char* name, bool active) {
    host.others.push_back({name, "22222222-0000-0000-0000-000000000002", active, {}, {}});
    return host.others.back();
  }
  [[nodiscard]] Findings all() const {
    Findings findings;
    for (const Findings& part :
         {check_images(domain, headers, described),
          check_identity(domain, devices, facts, conditions),
          check_tables(domain, facts, conditions), check_regions(domain, conditions, {}),
          check_devices(described), check_source_host(domain, host.others, false),
          check_target_host(domain, host)}) {
      findings.insert(findings.end(), part.begin(), part.end());
    }
    return findings;
  }
};

std::vector<std::string> ids_of(const Findings& findings) {
  std::vector<std::string> found;
  for (const auto& finding : findings) {
    found.push_back(finding.id);
  }
  return found;
}

// That this and nothing else is found, with these words in the message, and something to do.
void expect_alone(const Findings& findings, const char* id, Severity severity,
                  const std::vector<std::string>& words) {
  ASSERT_THAT(ids_of(findings), ElementsAre(id));
  EXPECT_EQ(findings[0].severity, severity);
  for (const std::string& word : words) {
    EXPECT_THAT(findings[0].message, HasSubstr(word));
  }
  EXPECT_FALSE(findings[0].remedy.empty());
}

TEST(CheckOutside, IsSilentForAHealthyGuest) {
  Outside guest;
  guest.add_neighbour("other", true).macs = {"00:16:3e:00:00:99"};
  EXPECT_THAT(ids_of(guest.all()), IsEmpty());
}

TEST(CheckImages, BlocksAChainThatNobodyNamed) {
  Outside guest;
  guest.headers[0] = model::ImageHeader{};
  EXPECT_THAT(ids_of(guest.all()), IsEmpty());
  guest.headers[0]->chain = {"/etc/shadow"};
  Findings findings = guest.all();
  ASSERT_THAT(ids_of(findings), ElementsAre("image-chain-unnamed", "image-chain"));
  EXPECT_TRUE(model::any_blocks(findings));
  EXPECT_THAT(findings[0].message, HasSubstr("/etc/shadow"));
  EXPECT_THAT(findings[0].remedy, HasSubstr("<backingStore"));
  guest.described.chains[0] = {"/etc/../etc/shadow"};
  expect_alone(guest.all(), "image-chain", Severity::informs, {"2 files", "/etc/shadow"});
}

TEST(CheckImages, ReportsWhatTheHeaderSays) {
  Outside guest;
  guest.headers[0] = model::ImageHeader{};
  guest.headers[0]->dirty = true;
  expect_alone(guest.all(), "image-dirty", Severity::warns, {"xvda", "/srv/web01.img"});
  guest.headers[0]->corrupt = true;
  expect_alone(guest.all(), "image-corrupt", Severity::blocks, {"/srv/web01.img"});
  guest.headers[0] = model::ImageHeader{};
  guest.headers[0]->snapshots = {"before-upgrade", "nightly"};
  expect_alone(guest.all(), "image-snapshots", Severity::informs, {"before-upgrade, nightly"});
}

TEST(CheckIdentity, SaysWhatALetterMeansToday) {
  Outside guest;
  guest.domain.disks[1].source = "/dev/sdb";
  guest.devices[1] = {512, "sdb", "", "WD-42", "/dev/disk/by-id/ata-WD_42"};
  Findings findings = guest.all();
  expect_alone(findings, "volume-by-letter", Severity::warns,
               {"/dev/sdb", "1073741824", "WD-42", "xfs labelled data with UUID bbbb"});
  EXPECT_THAT(findings[0].remedy, HasSubstr("/dev/disk/by-id/ata-WD_42"));
  for (const char* path : {"/dev/cciss/c0d0p8", "/dev/nvme0n1p2", "/dev/hda"}) {
    guest.domain.disks[1].source = path;
    EXPECT_THAT(ids_of(guest.all()), ElementsAre("volume-by-letter")) << path;
  }
}

TEST(CheckIdentity, KnowsPartitionsSnapshotsAndSectors) {
  Outside guest;
  guest.devices[1].parent = "sdb";
  expect_alone(guest.all(), "source-partition", Severity::informs, {"partition of sdb"});
  guest.devices[1] = {};
  guest.devices[1].volume = "vg0/snap";
  guest.devices[1].snapshot_percent = 80;
  EXPECT_THAT(guest.all(), IsEmpty());
  guest.devices[1].snapshot_percent = 80.1;
  expect_alone(guest.all(), "source-snapshot-filling", Severity::warns, {"80.1", "vg0/snap"});
  guest.devices[1].snapshot_full = true;
  expect_alone(guest.all(), "source-snapshot-full", Severity::blocks, {"vg0/snap"});
  guest.devices[1] = {};
  guest.devices[1].sector_size = 512;
  EXPECT_THAT(guest.all(), IsEmpty());
  guest.devices[1].sector_size = 4096;
  expect_alone(guest.all(), "sector-size-4096", Severity::warns, {"4096"});
}

TEST(CheckIdentity, SaysHowManyBytesAreTooMany) {
  Outside guest;
  guest.facts[1].size = ByteCount{1000};
  expect_alone(guest.all(), "size-not-sectors", Severity::warns, {"1000", "488"});
}

TEST(CheckTables, TellsABareFilesystem) {
  Outside guest;
  guest.facts[1].signature = "ext";
  expect_alone(guest.all(), "no-partition-table", Severity::informs, {"it is ext", "1.0 GiB"});
}

TEST(CheckTables, KnowsTheEndOfAnMbr) {
  Outside guest;
  const std::uint64_t limit = 2048 * k_gib;
  guest.facts[0].size = ByteCount{limit};
  EXPECT_THAT(guest.all(), IsEmpty());
  guest.facts[0].size = ByteCount{limit + 512};
  expect_alone(guest.all(), "mbr-beyond-2tib", Severity::warns, {"2199023256064", "2199023255552"});
  guest.facts[0].table = model::TableKind::gpt;
  EXPECT_THAT(guest.all(), IsEmpty());
}

TEST(CheckTables, MeasuresTheGap) {
  Outside guest;
  guest.facts[0].partitions[0].start = ByteCount{63 * 512};
  expect_alone(guest.all(), "small-loader-gap", Severity::informs, {"31744 bytes", "partition 1"});
}

TEST(CheckTables, ReportsHybridTablesAndLostBackups) {
  Outside guest;
  guest.facts[0].table = model::TableKind::gpt;
  guest.conditions[0].hybrid_mbr = true;
  expect_alone(guest.all(), "hybrid-mbr", Severity::warns, {"xvda"});
  guest.conditions[0].hybrid_mbr = false;
  guest.conditions[0].backup_table = ByteCount{4096};
  expect_alone(guest.all(), "gpt-backup-misplaced", Severity::warns, {"4096", "8589934592"});
}

TEST(CheckRegions, ReportsTheStateOfFilesystems) {
  Outside guest;
  model::Region& region = guest.conditions[0].regions[0];
  region.dirty = true;
  expect_alone(guest.all(), "filesystem-dirty", Severity::warns, {"xvda, partition 1", "ext"});
  region.dirty = false;
  region.errors = true;
  expect_alone(guest.all(), "filesystem-errors", Severity::blocks, {"xvda, partition 1"});
  region.errors = false;
  region.hibernated = true;
  expect_alone(guest.all(), "swap-hibernated", Severity::blocks, {"hibernated"});
}

TEST(CheckRegions, KnowsWhatCannotBeRead) {
  Outside guest;
  model::Region& region = guest.conditions[0].regions[0];
  region.type = "bcache";
  expect_alone(guest.all(), "bcache-disk", Severity::blocks, {"partition 1"});
  region.type = "zfs_member";
  expect_alone(guest.all(), "zfs-disk", Severity::blocks, {"ZFS"});
  region.type = "crypto_LUKS";
  expect_alone(guest.all(), "encrypted-disk", Severity::warns, {"LUKS", "partition 1"});
  region.type = "BitLocker";
  expect_alone(guest.all(), "encrypted-disk", Severity::warns, {"BitLocker"});
}

TEST(CheckRegions, CountsTheMembersOfARaid) {
  Outside guest;
  model::Region& first = guest.conditions[0].regions[0];
  first.type = "linux_raid_member";
  first.raid_set = "cccc";
  first.raid_disks = 2;
  expect_alone(guest.all(), "raid-incomplete", Severity::blocks, {"cccc", "2 members", "hold 1"});
  guest.conditions[1].regions[0] = first;
  expect_alone(guest.all(), "raid-member", Severity::warns, {"cccc"});
}

TEST(CheckRegions, FindsTwins) {
  Outside guest;
  guest.conditions[1].regions[0].uuid = "aaaa";
  expect_alone(guest.all(), "duplicate-uuid", Severity::blocks,
               {"aaaa", "xvda, partition 1", "xvdb"});
  guest.conditions[1].regions[0] = Outside::region(0, "xfs", "bbbb", "root");
  expect_alone(guest.all(), "duplicate-label", Severity::warns, {"root", "2 places"});
  guest.conditions[0].regions[0] = Outside::region(1, "btrfs", "bbbb", "");
  guest.conditions[1].regions[0] = Outside::region(0, "btrfs", "bbbb", "");
  EXPECT_THAT(guest.all(), IsEmpty()) << "one btrfs over two disks";
}

TEST(CheckRegions, ComparesVolumeGroupsWithTheHosts) {
  Outside guest;
  model::Region& region = guest.conditions[0].regions[0];
  region.group_name = "vg0";
  region.group_uuid = "guest-uuid";
  const auto check = [&](const HostGroup& group) {
    return check_regions(guest.domain, guest.conditions, {group});
  };
  EXPECT_THAT(check({"other", "x"}), IsEmpty());
  expect_alone(check({"vg0", "host-uuid"}), "volume-group-clash", Severity::warns,
               {"vg0", "guest-uuid", "has the name", "host-uuid"});
  expect_alone(check({"renamed", "guest-uuid"}), "volume-group-clash", Severity::warns,
               {"is seen by this host"});
  region.group_name.clear();
  region.group_uuid.clear();
  EXPECT_THAT(check({"", ""}), IsEmpty());
}

TEST(CheckDevices, NamesWhatStaysBehind) {
  Outside guest;
  guest.described.special = {{"hostdev", "PCI 0000:03:00.0"}};
  expect_alone(guest.all(), "device-left-behind", Severity::warns, {"PCI 0000:03:00.0"});
  guest.described = {};
  guest.described.chains.resize(2);
  guest.described.shareable = {"xvdb"};
  expect_alone(guest.all(), "disk-shareable", Severity::warns, {"xvdb"});
  guest.described.shareable.clear();
  guest.described.hugepages = true;
  expect_alone(guest.all(), "hugepages-left-behind", Severity::informs, {"huge pages"});
  guest.described.hugepages = false;
  guest.described.secure_boot = true;
  expect_alone(guest.all(), "secure-boot", Severity::warns, {"Secure Boot"});
}

TEST(CheckSourceHost, FindsWhoElseHasTheDisk) {
  Outside guest;
  guest.add_neighbour("web02", true).disks = {"/dev/vg0/web01-data"};
  expect_alone(guest.all(), "source-shared", Severity::blocks, {"xvdb", "web02", "running"});
  guest.host.others[0].active = false;
  expect_alone(guest.all(), "source-shared", Severity::warns, {"shut off"});
  guest.host.others[0].uuid = guest.domain.uuid;
  EXPECT_THAT(guest.all(), IsEmpty()) << "that is the source itself";
}

TEST(CheckSourceHost, RemindsOfAutostart) {
  const Outside guest;
  expect_alone(check_source_host(guest.domain, {}, true), "source-autostart", Severity::warns,
               {"web01"});
  EXPECT_THAT(check_source_host(guest.domain, {}, false), IsEmpty());
}

TEST(CheckTargetHost, FindsAMacAddressThatIsTaken) {
  Outside guest;
  guest.add_neighbour("web02", true).macs = {"00:16:3e:00:00:01"};
  expect_alone(guest.all(), "mac-in-use", Severity::blocks,
               {"web02", "running", "00:16:3e:00:00:01", "qemu:///system"});
  guest.host.others[0].active = false;
  expect_alone(guest.all(), "mac-in-use", Severity::warns, {"shut off"});
  guest.host.others[0].name = "web01";
  EXPECT_THAT(guest.all(), IsEmpty()) << "name-defined speaks of that one";
}

TEST(CheckTargetHost, ComparesMemoryAndProcessors) {
  Outside guest;
  guest.host.node.memory = ByteCount{k_gib};
  expect_alone(guest.all(), "target-memory", Severity::blocks, {"2147483648", "1073741824"});
  guest.host.node.available = ByteCount{k_mib};
  expect_alone(guest.all(), "target-memory", Severity::blocks, {"1073741824"});
  guest.host.node.memory = ByteCount{2 * k_gib};
  expect_alone(guest.all(), "target-memory-tight", Severity::warns,
               {"2147483648", "1048576", "at present"});
  guest.host.node.available = ByteCount{2 * k_gib};
  EXPECT_THAT(guest.all(), IsEmpty()) << "it fits to the byte";
  guest.host.node = {ByteCount{2 * k_gib}, 1, {}};
  expect_alone(guest.all(), "target-cpus", Severity::warns, {"2 processors", "has 1"});
  guest.host.node = {};
  EXPECT_THAT(guest.all(), IsEmpty()) << "a node that cannot be asked";
}

TEST(CheckTargetHost, NamesBridgesAndNetworksThatAreMissing) {
  Outside guest;
  guest.host.missing_bridges = {"xenbr0"};
  expect_alone(guest.all(), "bridge-missing", Severity::warns, {"xenbr0"});
  guest.host.starts = true;
  EXPECT_TRUE(model::any_blocks(guest.all()));
  guest.host.missing_bridges.clear();
  guest.host.missing_networks = {"dmz"};
  expect_alone(guest.all(), "network-missing", Severity::blocks, {"dmz"});
  guest.host.missing_networks.clear();
  EXPECT_THAT(guest.all(), IsEmpty());
}

TEST(CheckTargetHost, KnowsHowLongANameMayBe) {
  Outside guest;
  guest.host.name = std::string(63, 'a');
  EXPECT_THAT(guest.all(), IsEmpty());
  guest.host.name += "a";
  expect_alone(guest.all(), "name-long", Severity::warns, {"64"});
}

TEST(CheckPool, LooksAhead) {
  model::PoolFill pool{"vg0/pool", ByteCount{100 * k_gib}, 50, 10, ByteCount{40 * k_gib}};
  EXPECT_THAT(check_pool(pool, ByteCount{20 * k_gib}, ByteCount{60 * k_gib}), IsEmpty());
  expect_alone(check_pool(pool, ByteCount{40 * k_gib}, ByteCount{60 * k_gib}),
               "target-pool-filling", Severity::warns, {"vg0/pool", "50.0", "90.0"});
  expect_alone(check_pool(pool, ByteCount{k_gib}, ByteCount{61 * k_gib}),
               "target-pool-overcommitted", Severity::warns, {"107374182400", "108447924224"});
  pool.metadata_percent = 81;
  EXPECT_THAT(ids_of(check_pool(pool, ByteCount{0}, ByteCount{0})),
              ElementsAre("target-pool-filling"));
  EXPECT_THAT(check_pool({}, ByteCount{k_gib}, ByteCount{k_gib}), IsEmpty());
}

TEST(CheckHost, NamesPackagesAndRoom) {
  EXPECT_THAT(check_host({}, StateRoom{"/var/lib/vmconvert", k_room_for_state}), IsEmpty());
  expect_alone(check_host({{"qemu-img", "qemu-utils"}}, std::nullopt), "tool-missing",
               Severity::blocks, {"qemu-img"});
  expect_alone(check_host({}, StateRoom{"/var/lib/vmconvert", ByteCount{1000}}),
               "no-room-for-state", Severity::blocks, {"/var/lib/vmconvert", "1000", "268435456"});
}

TEST(CheckHost, SaysWhyItIsSlow) {
  expect_alone({emulation_finding("/dev/kvm is not there")}, "slow-emulation", Severity::informs,
               {"/dev/kvm is not there"});
}

TEST(CheckLeftovers, SaysHowToGoOn) {
  EXPECT_THAT(check_leftovers({}), IsEmpty());
  const Findings findings = check_leftovers({{"20261121T041500-3f2a", "web01"}});
  expect_alone(findings, "job-unfinished", Severity::warns, {"20261121T041500-3f2a", "web01"});
  EXPECT_THAT(findings[0].remedy, HasSubstr("vmconvert undo 20261121T041500-3f2a"));
}

TEST(CheckTable, KnowsNoOtherIds) {
  EXPECT_THROW(make_finding("no-such-check", "", ""), Error);
}

}  // namespace
}  // namespace vmconvert::plan
