#include "trees/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/error.hpp"
#include "base/subprocess.hpp"
#include "base/text.hpp"
#include "boot_files.hpp"
#include "guest/arrays.hpp"
#include "guest/boot_sector.hpp"
#include "guest/choose_hardware.hpp"
#include "guest/choose_hvm.hpp"
#include "guest/facts_json.hpp"
#include "guest/fixer_loader.hpp"
#include "guest/inspect.hpp"
#include "guest/staged_root.hpp"
#include "plan/checks.hpp"
#include "plan/layout.hpp"
#include "test_paths.hpp"
#include "trees/guest_programs.hpp"

namespace vmconvert::trees {
namespace {

namespace fs = std::filesystem;

constexpr ByteCount k_partition{16U << 20U};
constexpr ByteCount k_first{1U << 20U};

void put_file(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

// An ELF file of that machine, which says who it is.
std::string init_program(const Row& row) {
  std::string elf(64, '\0');
  boot_files::put(elf, 0,
                  "\x7f"
                  "ELF\x02\x01\x01");
  elf[18] = static_cast<char>(row.arch == "i386" ? 3 : 62);
  return elf + (row.init == "upstart" ? "upstart" : "");
}

std::string initrd_of(const RowKernel& kernel) {
  std::vector<std::string> content = {"init"};
  for (const std::string& name : kernel.initramfs) {
    if (name.empty()) {
      continue;  // "initramfs=": an image without drivers
    }
    content.push_back(name.find('/') != std::string::npos
                          ? name
                          : "lib/modules/" + kernel.version + "/" + name + kernel.ending);
  }
  return boot_files::cpio(content);
}

model::TableKind table_of(const std::string& name) {
  return name == "gpt"   ? model::TableKind::gpt
         : name == "mbr" ? model::TableKind::mbr
                         : model::TableKind::none;
}

std::string signature_of(const std::string& type) {
  return type.starts_with("ext") ? "ext" : type;
}

// What is on a disk: its partitions, or its bare filesystem.
model::DiskFacts facts_of(const Row& row, const RowDisk& disk) {
  model::DiskFacts facts;
  facts.table = table_of(disk.table);
  facts.loader = disk.loader == "extlinux" ? "other" : disk.loader;
  for (const RowFilesystem& each : row.filesystems) {
    if (each.device == disk.name) {
      facts.signature = signature_of(each.type);
    } else if (facts.table != model::TableKind::none && each.device.starts_with(disk.name)) {
      if (const auto number = parse_number(each.device.substr(disk.name.size()))) {
        model::Partition part;
        part.number = static_cast<unsigned>(*number);
        part.start = k_first + ByteCount{facts.partitions.size() * k_partition.value};
        part.length = k_partition;
        part.mbr_type = each.type == "swap" ? 0x82 : each.type == "LVM2_member" ? 0x8e : 0x83;
        part.bios_boot = each.type == "bios_boot";
        facts.partitions.push_back(part);
      }
    }
  }
  facts.size = k_first + ByteCount{(facts.partitions.size() + 1) * k_partition.value};
  return facts;
}

}  // namespace

Machine::Machine(const Row& row) : m_temp(fs::temp_directory_path(), "vmconvert-tree"), m_row(row) {
  m_domain.name = row.name;
  m_domain.kind = row.kind;
  m_domain.uefi = row.uefi;
  m_domain.arch = row.arch == "i386" ? "i686" : row.arch;
  if (row.boots == "pygrub") {
    m_domain.bootloader = "pygrub";
  } else if (row.boots == "direct") {
    const fs::path folder = m_temp.path() / "host";
    m_domain.direct_boot =
        model::DirectBoot{folder / row.host_kernel,
                          row.host_initrd.empty() ? "" : folder / row.host_initrd, row.cmdline};
  }
  for (const std::string& mac : row.macs) {
    m_domain.nics.push_back({mac, "xenbr0"});
  }
  make_disks(row);
  make_kernels(row);
  make_files(row);
}

void Machine::make_disks(const Row& row) {
  std::vector<model::DiskFacts> facts;
  for (const RowDisk& disk : row.disks) {
    model::DomainDisk domain_disk;
    domain_disk.target = disk.name;
    domain_disk.source = "/dev/vg/" + disk.name;
    m_domain.disks.push_back(domain_disk);
    facts.push_back(facts_of(row, disk));
  }
  m_layout = plan::make_layout(m_domain, facts);
  for (const model::TargetDisk& disk : m_layout.disks) {
    m_disks[disk.name] = disk_file(disk.name);
    put_file(disk_file(disk.name), "");
    fs::resize_file(disk_file(disk.name), disk.size.value);
    // Every table ends sector 0 with it; a loader that is installed leaves it.
    guest::FolderRoot(m_temp.path(), m_disks).write_disk(disk.name, 510, "\x55\xaa");
    if (!disk.composed) {
      const RowDisk& row_disk = row.disks.at(disk.segments.at(0).source);
      m_loaders[disk.name] = facts.at(disk.segments[0].source).loader;
      install_loader(row_disk, disk);
    }
  }
}

void Machine::install_loader(const RowDisk& row_disk, const model::TargetDisk& disk) {
  guest::FolderRoot root(m_temp.path(), m_disks);
  if (row_disk.loader == "grub2") {
    const std::string core = boot_files::make_core(row_disk.prefix);
    std::string sector = boot_files::grub2_boot_sector();
    const auto place = std::find_if(disk.partitions.begin(), disk.partitions.end(),
                                    [](const model::Partition& part) { return part.bios_boot; });
    const std::uint64_t first =
        place == disk.partitions.end() ? 1 : place->start.value / k_sector_size;
    boot_files::put(sector, 0x5c, boot_files::number(first, 8));
    std::string placed = core;
    boot_files::put(placed, 500, boot_files::number(first + 1, 8));
    root.write_disk(disk.name, 0, sector);
    root.write_disk(disk.name, first * k_sector_size, placed);
    const std::string folder = row_disk.prefix.substr(row_disk.prefix.rfind('/'));
    put_file(m_temp.path() / ("tree/boot" + folder + "/i386-pc/normal.mod"), "m");
  } else if (row_disk.loader == "grub-legacy") {
    root.write_disk(disk.name, 0, boot_files::legacy_boot_sector() + boot_files::legacy_stage());
    put_file(m_temp.path() / "tree/boot/grub/stage2", "stage2");
  } else if (row_disk.loader == "extlinux") {
    std::string sector(512, '\0');
    boot_files::put(sector, 0, "\xfa\xfc\x31\xc0");
    boot_files::put(sector, 0x160, "Missing operating system.\r\n");
    boot_files::put(sector, 510, "\x55\xaa");
    root.write_disk(disk.name, 0, sector);
    std::string start(512, '\0');
    boot_files::put(start, 0,
                    "\xeb\x58\x90"
                    "EXTLINUX");
    boot_files::put(start, 510, "\x55\xaa");
    root.write_disk(disk.name, disk.partitions.at(0).start.value, start);
  }
}

void Machine::make_kernels(const Row& row) {
  const fs::path tree = m_temp.path() / "tree";
  fs::create_directories(tree);
  for (const RowKernel& kernel : row.kernels) {
    // XenLinux kernels are ELF files in gzip, which no BIOS loader starts.
    const std::string image =
        kernel.xen_only ? "\x1f\x8b\x08 ELF of XenLinux" : boot_files::kernel_image(kernel.version);
    if (!kernel.image.empty()) {
      const bool on_host = kernel.image == row.host_kernel;
      put_file(on_host ? m_temp.path() / "host" / kernel.image : tree / kernel.image.substr(1),
               image);
    }
    const std::string folder = "lib/modules/" + kernel.version + "/";
    std::string dependencies, builtin;
    for (const std::string& module : kernel.modules) {
      put_file(tree / (folder + "kernel/" + module + kernel.ending), "module");
      dependencies += "kernel/" + module + kernel.ending + ":\n";
    }
    for (const std::string& module : kernel.builtin) {
      builtin += "kernel/" + module + ".ko\n";
    }
    if (!kernel.modules.empty()) {
      put_file(tree / (folder + "modules.dep"), dependencies);
    }
    if (!builtin.empty()) {
      put_file(tree / (folder + "modules.builtin"), builtin);
    }
    if (!kernel.initrd.empty()) {
      const bool on_host = kernel.initrd == row.host_initrd;
      put_file(on_host ? m_temp.path() / "host" / kernel.initrd : tree / kernel.initrd.substr(1),
               initrd_of(kernel));
    }
  }
}

void Machine::make_files(const Row& row) {
  guest::FolderRoot root(m_temp.path() / "tree", m_disks);
  const bool systemd = row.init == "systemd";
  root.write(systemd ? "/lib/systemd/systemd" : "/sbin/init", init_program(row), 0755);
  if (systemd) {
    root.symlink("/sbin/init", "/lib/systemd/systemd");
  }
  for (const RowFile& file : row.files) {
    if (!file.link.empty()) {
      root.symlink(file.path, file.link);
    } else if (!file.uki_version.empty()) {
      make_unified_kernel(row, file);
    } else {
      root.write(file.path,
                 file.content.empty() && file.mode == 0755 ? "#!/bin/sh\n" : file.content,
                 file.mode);
    }
  }
}

// With the initrd that the kernel's line says, and the guest's own os-release.
void Machine::make_unified_kernel(const Row& row, const RowFile& file) {
  guest::FolderRoot root(m_temp.path() / "tree", m_disks);
  for (const RowKernel& kernel : row.kernels) {
    if (kernel.version == file.uki_version) {
      root.write(file.path, boot_files::make_uki(kernel.version, initrd_of(kernel), file.content,
                                                 root.read_if_there("/etc/os-release").value_or(""),
                                                 file.is_signed));
      return;
    }
  }
  throw Error(ErrorKind::bad_input, "no kernel " + file.uki_version + " for " + file.path);
}

fs::path Machine::disk_file(const std::string& name) const {
  return m_temp.path() / "disks" / name;
}

std::string Machine::target_name(const std::string& source) const {
  for (const model::DeviceRename& rename : m_layout.renames) {
    if (rename.from == source) {
      return rename.to;
    }
  }
  return source;
}

// As the appliance would say it, then what the tree says.
model::GuestFacts Machine::inspect() {
  model::GuestFacts facts;
  for (const RowFilesystem& each : m_row.filesystems) {
    if (each.type == "bios_boot") {
      continue;
    }
    facts.filesystems.push_back(
        {target_name(each.device), each.type, each.uuid, each.label, k_partition, each.mountpoint});
    for (const RowArray& array : m_row.arrays) {
      if (array.device == each.device) {
        facts.filesystems.back().array =
            model::Array{array.uuid, array.level, array.metadata, array.names};
      }
    }
    if (each.mountpoint == "/") {
      facts.root_device = facts.filesystems.back().device;
    } else if (each.mountpoint == "/boot") {
      facts.boot_device = facts.filesystems.back().device;
    }
  }
  if (facts.boot_device.empty()) {
    facts.boot_device = facts.root_device;
  }
  TreeRoot root(m_temp.path() / "tree", m_disks);
  for (const char* path : {"/etc/mdadm/mdadm.conf", "/etc/mdadm.conf"}) {
    guest::name_by_configuration(facts.filesystems, root.read_if_there(path).value_or(""));
  }
  facts.loader = guest::boot_sector_loader(root.read_disk(m_layout.disks.at(0).name, 0, 512));
  guest::read_tree_facts(root, facts);
  return facts;
}

void Machine::see_installed_loader() {
  const std::string& disk = m_layout.disks.at(0).name;
  TreeRoot root(m_temp.path() / "tree", m_disks);
  const std::string loader = guest::boot_sector_loader(root.read_disk(disk, 0, 512));
  m_loaders[disk] = loader == "unknown" ? "other" : loader;
}

model::TargetHypervisor Machine::target() const {
  return m_row.becomes_hvm ? model::TargetHypervisor::xen : model::TargetHypervisor::kvm;
}

model::Hardware Machine::choose_hardware(Outcome& outcome) {
  if (m_row.becomes_hvm) {
    return guest::hvm_hardware(m_layout);
  }
  TreeRoot root(m_temp.path() / "tree", m_disks);
  guest::ChosenHardware chosen =
      guest::choose_hardware(root, outcome.guest, m_domain, m_layout, target());
  outcome.findings.insert(outcome.findings.end(), chosen.findings.begin(), chosen.findings.end());
  return chosen.hardware;
}

Outcome Machine::convert() {
  Outcome outcome;
  outcome.guest = inspect();
  outcome.findings = plan::check_guest(m_domain, outcome.guest, {});
  const model::Hardware hardware = choose_hardware(outcome);
  guest::FolderRoot::Disks disks = m_disks;
  for (std::size_t i = 0; i < hardware.in_guest.size(); ++i) {
    disks[hardware.in_guest[i]] = m_disks.at(m_layout.disks.at(i).name);
  }
  TreeRoot root(m_temp.path() / "tree", disks);
  const std::string facts = guest::to_facts_json(
      {m_domain, m_layout, outcome.guest, m_loaders, target(), {}, {}, {}, {}, {}, hardware});
  guest::FixerOptions options;
  options.host_files.push_back(m_temp.path() / "host");
  guest::StagedRoot staged(root);
  RealCommandRunner commands;
  guest::FixerRun run = guest::run_fixers(guest::load_fixers({test::build_dir() / "fixers"}),
                                          staged, facts, commands, options);
  outcome.edits = std::move(run.edits);
  outcome.edits.resize(outcome.edits.size() - run.runs.size());
  outcome.runs = std::move(run.runs);
  outcome.findings.insert(outcome.findings.end(), run.findings.begin(), run.findings.end());
  if (model::any_blocks(outcome.findings)) {
    return outcome;
  }
  staged.apply();
  const model::Findings failed = guest::run_deferred(outcome.runs, root);
  outcome.findings.insert(outcome.findings.end(), failed.begin(), failed.end());
  outcome.boot_path = guest::walk_boot_path(root, outcome.guest, m_layout, target(), hardware);
  return outcome;
}

}  // namespace vmconvert::trees
