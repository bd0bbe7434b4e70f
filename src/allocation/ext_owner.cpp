#include "allocation/ext_owner.hpp"

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>
#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <type_traits>

#include "allocation/ext.hpp"
#include "allocation/ext_channel.hpp"

namespace vmconvert::allocation {
namespace {

struct ScanCloser {
  void operator()(ext2_inode_scan scan) const { ext2fs_close_inode_scan(scan); }
};
using Scan = std::unique_ptr<std::remove_pointer_t<ext2_inode_scan>, ScanCloser>;

void check(errcode_t code, const char* what) {
  if (code != 0) {
    refuse(fmt::format("{} cannot be read (libext2fs says {})", what, code));
  }
}

// Calls each(number, inode) for the inodes that are in use.
template <class Each>
void for_each_inode(ext2_filsys fs, Each each) {
  ext2_inode_scan opened = nullptr;
  check(ext2fs_open_inode_scan(fs, 0, &opened), "its inodes");
  const Scan scan(opened);
  for (;;) {
    ext2_ino_t number = 0;
    ext2_inode inode{};
    const errcode_t code = ext2fs_get_next_inode(scan.get(), &number, &inode);
    if (code == EXT2_ET_BAD_BLOCK_IN_INODE_TABLE || code == EXT2_ET_INODE_CSUM_INVALID) {
      continue;  // a sector of the table is what is lost, maybe
    }
    check(code, "its inodes");
    if (number == 0) {
      return;
    }
    if (inode.i_links_count != 0 || number == EXT2_JOURNAL_INO || number == EXT2_RESIZE_INO) {
      each(number, inode);
    }
  }
}

struct Blocks {
  std::map<blk64_t, ext2_ino_t>* owners;
  ext2_ino_t inode;
};

int take_block(ext2_filsys, blk64_t* block, e2_blkcnt_t, blk64_t, int, void* data) {
  const auto& blocks = *static_cast<Blocks*>(data);
  const auto found = blocks.owners->find(*block);
  if (found != blocks.owners->end() && found->second == 0) {
    found->second = blocks.inode;
  }
  return 0;
}

struct EntryNames {
  const std::set<ext2_ino_t>* wanted;
  std::set<ext2_ino_t> here;
};

int take_entry(ext2_ino_t, int, ext2_dir_entry* entry, int, int, char*, void* data) {
  auto& names = *static_cast<EntryNames*>(data);
  const int length = ext2fs_dirent_name_len(entry);
  const bool dots = length == 1 ? entry->name[0] == '.'
                                : length == 2 && entry->name[0] == '.' && entry->name[1] == '.';
  if (!dots && names.wanted->contains(entry->inode)) {
    names.here.insert(entry->inode);
  }
  return 0;
}

// One name each; an inode with several has one of them.
std::map<ext2_ino_t, std::string> names_of(ext2_filsys fs, const std::set<ext2_ino_t>& inodes) {
  std::map<ext2_ino_t, std::string> names;
  for_each_inode(fs, [&](ext2_ino_t folder, const ext2_inode& inode) {
    if (!LINUX_S_ISDIR(inode.i_mode) || names.size() == inodes.size()) {
      return;
    }
    EntryNames found{&inodes, {}};
    ext2fs_dir_iterate2(fs, folder, 0, nullptr, take_entry, &found);
    for (const ext2_ino_t wanted : found.here) {
      char* path = nullptr;
      if (!names.contains(wanted) && ext2fs_get_pathname(fs, folder, wanted, &path) == 0) {
        names[wanted] = path;
        ext2fs_free_mem(&path);
      }
    }
  });
  return names;
}

std::string text_of(ext2_ino_t inode, const std::map<ext2_ino_t, std::string>& names) {
  switch (inode) {
    case EXT2_ROOT_INO: return "/";
    case EXT2_JOURNAL_INO: return "the filesystem's journal";
    case EXT2_RESIZE_INO: return "a structure of the filesystem";
    default: break;
  }
  const auto name = names.find(inode);
  return name == names.end() ? fmt::format("inode {}", inode) : name->second;
}

}  // namespace

std::vector<std::string> ext_owners(const Volume& volume,
                                    const std::vector<std::uint64_t>& offsets) {
  check_ext_geometry(volume);
  const ExtChannel channel(volume);
  ext2_filsys opened = nullptr;
  check(ext2fs_open2("volume", nullptr, EXT2_FLAG_64BITS | EXT2_FLAG_IGNORE_CSUM_ERRORS, 0, 0,
                     channel.manager(), &opened),
        "it");
  const Filesystem fs(opened);
  std::map<blk64_t, ext2_ino_t> owners;
  for (const std::uint64_t offset : offsets) {
    owners[offset / fs->blocksize] = 0;
  }
  for_each_inode(fs.get(), [&](ext2_ino_t number, ext2_inode& inode) {
    if (ext2fs_inode_has_valid_blocks2(fs.get(), &inode) != 0) {
      Blocks blocks{&owners, number};
      ext2fs_block_iterate3(fs.get(), number, BLOCK_FLAG_READ_ONLY, nullptr, take_block, &blocks);
    }
  });
  std::set<ext2_ino_t> inodes;
  for (const auto& [block, inode] : owners) {
    if (inode != 0) {
      inodes.insert(inode);
    }
  }
  const auto names =
      inodes.empty() ? std::map<ext2_ino_t, std::string>() : names_of(fs.get(), inodes);
  const bool bitmap = ext2fs_read_block_bitmap(fs.get()) == 0;
  std::vector<std::string> texts;
  for (const std::uint64_t offset : offsets) {
    const blk64_t block = offset / fs->blocksize;
    const ext2_ino_t inode = owners[block];
    const bool used = bitmap && block >= fs->super->s_first_data_block &&
                      block < ext2fs_blocks_count(fs->super) &&
                      ext2fs_test_block_bitmap2(fs->block_map, block) != 0;
    texts.push_back(inode != 0 ? text_of(inode, names)
                    : used     ? "a structure of the filesystem"
                               : "");
  }
  return texts;
}

}  // namespace vmconvert::allocation
