// The modules that the core loads from the guest's /boot: what a menu may use, and what that needs.
#include <exception>
#include <map>
#include <set>

#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

constexpr const char* k_host_folder = "/usr/lib/grub/i386-pc/";

constexpr std::string_view k_wanted =
    "normal linux linux16 search search_fs_uuid search_label search_fs_file part_msdos part_gpt "
    "ext2 xfs btrfs lvm mdraid1x mdraid09 gzio xzio lzopio zstd echo test true sleep regexp probe "
    "serial terminal configfile boot extcmd minicmd loadenv ls cat halt reboot chain keystatus "
    "all_video gfxterm font gettext biosdisk";

constexpr const char* k_lists[] = {"command.lst", "fs.lst",       "crypto.lst",   "moddep.lst",
                                   "partmap.lst", "terminal.lst", "parttool.lst", "video.lst"};

// moddep.lst: "linux: relocator boot video"
std::map<std::string, std::vector<std::string>> dependencies(const std::string& text) {
  std::map<std::string, std::vector<std::string>> found;
  for (const Line& line : lines_of(text)) {
    const std::size_t colon = line.text.find(':');
    if (colon == std::string::npos) {
      continue;
    }
    auto& needs = found[line.text.substr(0, colon)];
    for (const std::string_view word : words_of(std::string_view(line.text).substr(colon + 1))) {
      needs.emplace_back(word);
    }
  }
  return found;
}

std::set<std::string> closure(const std::vector<std::string>& wanted, const std::string& moddep) {
  const auto needs = dependencies(moddep);
  std::set<std::string> found;
  std::vector<std::string> left = wanted;
  while (!left.empty()) {
    const std::string name = left.back();
    left.pop_back();
    if (!found.insert(name).second) {
      continue;
    }
    if (const auto its = needs.find(name); its != needs.end()) {
      left.insert(left.end(), its->second.begin(), its->second.end());
    }
  }
  return found;
}

}  // namespace

bool install_modules(Host& guest, const Place& place, const std::string& grub_folder) {
  const std::string target = grub_folder + "/i386-pc/";
  std::vector<std::string> wanted = place.modules;
  for (const std::string_view word : words_of(k_wanted)) {
    wanted.emplace_back(word);
  }
  try {
    const std::string moddep = guest.host_file(std::string(k_host_folder) + "moddep.lst");
    for (const std::string& name : closure(wanted, moddep)) {
      guest.update(target + name + ".mod", guest.host_file(k_host_folder + name + ".mod"));
    }
    for (const char* list : k_lists) {
      guest.update(target + list, guest.host_file(std::string(k_host_folder) + list));
    }
  } catch (const std::exception& error) {
    guest.finding("no-grub-on-host", VMCONVERT_BLOCKS,
                  std::string("GRUB's modules cannot be brought into the guest: ") + error.what(),
                  "Install grub-pc-bin here, then convert again.");
    return false;
  }
  return true;
}

}  // namespace vmconvert::fixer::bootloader
