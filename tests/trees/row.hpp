// One row of the matrix of faithful trees: a guest as files, read from tests/guests/trees/NAME.row.
// tests/guests/README.md says what a row may hold.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/domain.hpp"

namespace vmconvert::trees {

struct RowDisk {
  std::string name;    // as the domain has it: xvda, xvda1, hda
  std::string table;   // none, mbr, gpt
  std::string loader;  // none, grub2, grub-legacy, extlinux
  std::string prefix;  // GRUB 2: where its core looks for its files, "(,msdos1)/grub"
};

struct RowFilesystem {
  std::string device;  // as the guest knew it: xvda1, or vg/lv
  std::string type;    // ext3, swap, LVM2_member, bios_boot...
  std::string mountpoint, uuid, label;
};

struct RowArray {
  std::string device;  // of its filesystem: md127
  std::string level, metadata, uuid;
  std::vector<std::string> names;  // that its superblocks say
};

struct RowKernel {
  std::string version;
  std::string image;   // path; empty: modules only
  std::string initrd;  // path; empty: none
  bool xen_only = false;
  std::string ending = ".ko";
  std::vector<std::string> modules, builtin;  // names: virtio_blk
  std::vector<std::string> initramfs;         // names, or paths with a slash in them
};

struct RowFile {
  std::string path, content;
  unsigned mode = 0644;
  std::string link;           // target of a symbolic link; empty for a file
  std::size_t filled_to = 0;  // with '#', as GRUB's environment block is
  std::string uki_version =
      {};  // a unified kernel image of that kernel; the content is its arguments
  bool is_signed = false;
};

struct Row {
  std::string name;                  // of the file
  std::string guest;                 // one line for people
  std::vector<std::string> sources;  // where its facts come from
  model::VirtKind kind = model::VirtKind::pv;
  std::string boots = "pygrub";  // pygrub, direct, disk
  bool uefi = false;
  bool becomes_hvm = false;              // on another Xen; else it goes to KVM
  std::string host_kernel, host_initrd;  // of a direct boot: names in the folder of host files
  std::string cmdline;
  std::string arch = "x86_64", init = "sysvinit";
  std::vector<RowDisk> disks;
  std::vector<RowFilesystem> filesystems;
  std::vector<RowArray> arrays;
  std::vector<std::string> macs;
  std::vector<RowKernel> kernels;
  std::vector<RowFile> files;
  std::string expects;  // "boots", or "refused ID"
};

// Throws Error(bad_input) with the line's number.
Row read_row(const std::filesystem::path& file);

// All *.row files, sorted.
std::vector<std::filesystem::path> all_rows();
std::filesystem::path rows_folder();

}  // namespace vmconvert::trees
