#include "trees/guest_programs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vmconvert/efi_program.hpp>

#include "base/text.hpp"
#include "boot_files.hpp"
#include "guest/initramfs.hpp"

namespace vmconvert::trees {
namespace {

using Names = std::set<std::string>;
using Words = std::vector<std::string>;

std::string without_comment(const std::string& line) {
  return line.substr(0, line.find('#'));
}

// The words of NAME="..." or NAME=(...) or NAME+=" ... " in a file.
Names list_in(guest::GuestRoot& root, const std::string& file, const std::string& name) {
  Names found;
  for (const std::string& raw : lines(root.read_if_there(file).value_or(""))) {
    std::string line(trim(without_comment(raw)));
    if (!line.starts_with(name)) {
      continue;
    }
    line = line.substr(name.size());
    line = line.starts_with('+') ? line.substr(1) : line;
    if (!line.starts_with('=')) {
      continue;
    }
    std::replace_if(
        line.begin(), line.end(),
        [](char c) { return std::string_view("=\"'()").find(c) != std::string_view::npos; }, ' ');
    for (const std::string& word : words(line)) {
      found.insert(word);
    }
  }
  return found;
}

struct Build {
  std::string image, version;
  Names modules;
  bool unified = false;   // the image is a unified kernel image
  std::string arguments;  // of one
};

Names list_of_debian(guest::GuestRoot& root) {
  Names modules;
  for (const std::string& line :
       lines(root.read_if_there("/etc/initramfs-tools/modules").value_or(""))) {
    for (const std::string& word : words(without_comment(line))) {
      modules.insert(word);
    }
  }
  return modules;
}

Build debian(guest::GuestRoot& root, const Words& argv) {
  Build build;
  for (std::size_t i = 1; i + 1 < argv.size(); ++i) {
    if (argv[i] == "-k") {
      build.version = argv[i + 1];
    }
  }
  build.image = "/boot/initrd.img-" + build.version;
  build.modules = list_of_debian(root);
  return build;
}

Build dracut(guest::GuestRoot& root, const Words& argv) {
  Build build;
  Words plain;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    build.unified |= argv[i] == "--uefi";
    if (argv[i] == "--kernel-cmdline") {
      build.arguments = argv.at(++i);
    } else if (argv[i] == "--kernel-image") {
      ++i;
    } else if (!argv[i].starts_with("-")) {
      plain.push_back(argv[i]);
    }
  }
  if (plain.size() == 2) {
    build.image = plain[0];
    build.version = plain[1];
  }
  std::vector<std::string> files = root.glob("/etc/dracut.conf.d/*.conf");
  files.emplace_back("/etc/dracut.conf");
  for (const std::string& file : files) {
    build.modules.merge(list_in(root, file, "add_drivers"));
  }
  return build;
}

Build suse(guest::GuestRoot& root, const Words& argv) {
  Build build;
  for (std::size_t i = 1; i + 1 < argv.size(); ++i) {
    if (argv[i] == "-k") {
      build.version = argv[i + 1].substr(argv[i + 1].find("vmlinuz-") + 8);
    } else if (argv[i] == "-i") {
      build.image = argv[i + 1];
    }
  }
  build.modules = list_in(root, "/etc/sysconfig/kernel", "INITRD_MODULES");
  return build;
}

Build red_hat(guest::GuestRoot& root, const Words& argv) {
  Build build;
  Words plain;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (argv[i].starts_with("--with=")) {
      build.modules.insert(argv[i].substr(7));
    } else if (!argv[i].starts_with("-")) {
      plain.push_back(argv[i]);
    }
  }
  if (plain.size() == 2) {
    build.image = plain[0];
    build.version = plain[1];
  }
  for (const std::string& line : lines(root.read_if_there("/etc/modprobe.conf").value_or(""))) {
    const Words parts = words(without_comment(line));
    if (parts.size() > 2 && parts[0] == "alias" && parts[1].starts_with("scsi_hostadapter")) {
      build.modules.insert(parts[2]);
    }
  }
  return build;
}

// mkinitcpio -k VERSION -g IMAGE; mkinitfs -o IMAGE VERSION
Build with_words(const Words& argv, const std::string& image_word, Names modules) {
  Build build;
  build.modules = std::move(modules);
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (argv[i] == image_word && i + 1 < argv.size()) {
      build.image = argv[++i];
    } else if (!argv[i].starts_with("-")) {
      build.version = argv[i];
    }
  }
  return build;
}

// mkinitcpio: -g an initramfs image, -U a unified one, with the arguments of /etc/kernel/cmdline.
Build mkinitcpio(guest::GuestRoot& root, const Words& argv) {
  const Words first(argv.begin(), std::find(argv.begin(), argv.end(), "-S"));
  const bool unified = std::find(argv.begin(), argv.end(), "-U") != argv.end();
  Build build =
      with_words(first, unified ? "-U" : "-g", list_in(root, "/etc/mkinitcpio.conf", "MODULES"));
  build.unified = unified;
  build.arguments = root.read_if_there("/etc/kernel/cmdline").value_or("");
  return build;
}

// mkinitfs takes its features' lists of files; each of our trees' lists has plain names.
Names mkinitfs_modules(guest::GuestRoot& root) {
  Names modules;
  for (const std::string& feature : list_in(root, "/etc/mkinitfs/mkinitfs.conf", "features")) {
    for (const std::string folder :
         {"/etc/mkinitfs/features.d/", "/usr/share/mkinitfs/features.d/"}) {
      for (const std::string& line :
           lines(root.read_if_there(folder + feature + ".modules").value_or(""))) {
        std::string name = line.substr(line.rfind('/') + 1);
        modules.insert(name.substr(0, name.find(".ko")));
      }
    }
  }
  return modules;
}

}  // namespace

guest::ProgramResult TreeRoot::run(const Words& argv) {
  const std::string tool = argv.at(0).substr(argv[0].rfind('/') + 1);
  if (!is_file(argv[0]) || (stat(argv[0]).mode & 0111U) == 0) {
    return {127, argv[0] + ": not in the guest"};
  }
  Build build;
  if (tool == "update-initramfs") {
    build = debian(*this, argv);
  } else if (tool == "mkinitramfs") {
    build = with_words(argv, "-o", list_of_debian(*this));
  } else if (tool == "dracut") {
    build = dracut(*this, argv);
  } else if (tool == "mkinitrd") {
    const bool is_suse = std::find(argv.begin(), argv.end(), "-i") != argv.end();
    build = is_suse ? suse(*this, argv) : red_hat(*this, argv);
  } else if (tool == "mkinitcpio") {
    build = mkinitcpio(*this, argv);
  } else if (tool == "mkinitfs") {
    build = with_words(argv, "-o", mkinitfs_modules(*this));
  } else {
    return {1, "this tree knows no " + tool};
  }
  const std::string folder = "/lib/modules/" + build.version;
  if (build.image.empty() || m_folder.stat(folder).kind != guest::FileKind::directory) {
    return {1, fmt::format("{}: no modules for \"{}\"", tool, build.version)};
  }
  // What the old image had stays: filesystems and tools come in by ways that are not played here.
  std::vector<std::string> content;
  if (is_file(build.image)) {
    const std::string before = read(build.image, k_binary_limit);
    const auto image = efi::read_unified_kernel(before);
    content = guest::list_initramfs(image ? image->initrd : before);
  }
  for (const std::string& module : build.modules) {
    std::string other = module;
    std::replace(other.begin(), other.end(), '_', '-');
    for (const std::string& name : {module, other}) {
      for (const std::string& path : glob(folder + "/kernel/" + name + ".ko*")) {
        content.push_back(path.substr(1));
      }
    }
  }
  std::sort(content.begin(), content.end());
  content.erase(std::unique(content.begin(), content.end()), content.end());
  const std::string initrd = boot_files::cpio(content);
  write(build.image,
        build.unified ? boot_files::make_uki(build.version, initrd, build.arguments,
                                             read_if_there("/etc/os-release").value_or(""))
                      : initrd,
        0600);
  return {0, ""};
}

}  // namespace vmconvert::trees
