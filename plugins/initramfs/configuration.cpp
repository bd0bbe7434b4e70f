#include <algorithm>
#include <set>

#include "initramfs.hpp"

namespace vmconvert::fixer::initramfs {
namespace {

using Names = std::vector<std::string>;

std::string in_one_line(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : " ") + name;
  }
  return text;
}

bool is_named(const std::vector<std::string_view>& words, const std::string& name) {
  std::string dashed = name;
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  return std::find(words.begin(), words.end(), name) != words.end() ||
         std::find(words.begin(), words.end(), dashed) != words.end();
}

// /etc/initramfs-tools/modules: one module a line.
void configure_initramfs_tools(Host& guest, const Names& modules) {
  const std::string path = "/etc/initramfs-tools/modules";
  std::string text = guest.read_if_there(path).value_or("");
  std::vector<std::string> present;
  for (const Line& line : lines_of(text)) {
    if (const auto words = active_words(line.text); !words.empty()) {
      present.emplace_back(words[0]);
    }
  }
  const std::vector<std::string_view> words(present.begin(), present.end());
  for (const std::string& name : modules) {
    if (!is_named(words, name)) {
      text += (text.empty() || text.ends_with('\n') ? "" : "\n") + name + "\n";
    }
  }
  guest.update(path, text);
}

void configure_dracut(Host& guest, const Names& modules) {
  guest.update("/etc/dracut.conf.d/vmconvert.conf",
               "# Written by vmconvert: the disk's drivers, whatever machine builds the image.\n"
               "add_drivers+=\" " +
                   in_one_line(modules) + " \"\n");
}

// /etc/sysconfig/kernel: INITRD_MODULES="xenblk ext3"
void configure_suse(Host& guest, const Names& modules) {
  edit_lines(guest, "/etc/sysconfig/kernel", [&](std::string_view line) {
    const auto value = value_of(line, "INITRD_MODULES");
    if (!value) {
      return std::optional<std::string>();
    }
    const std::string_view inner = unquoted(*value);
    std::string now(inner);
    for (const std::string& name : modules) {
      if (!is_named(words_of(inner), name)) {
        now += (now.empty() ? "" : " ") + name;
      }
    }
    return now == inner ? std::optional<std::string>()
                        : std::optional(with_part(line, *value, "\"" + now + "\""));
  });
}

// Red Hat's mkinitrd takes the disk's drivers from "alias scsi_hostadapterN MODULE".
void configure_modprobe(Host& guest, const Names& modules) {
  const std::string path = "/etc/modprobe.conf";
  std::string text = guest.read_if_there(path).value_or("");
  std::set<std::string> aliases;
  std::vector<std::string> targets;
  for (const Line& line : lines_of(text)) {
    if (const auto words = active_words(line.text); words.size() > 2 && words[0] == "alias") {
      aliases.emplace(words[1]);
      targets.emplace_back(words[2]);
    }
  }
  unsigned number = 0;
  for (const std::string& name : modules) {
    const bool disk = name.starts_with("virtio") || name == "ata_piix";
    if (!disk || is_named({targets.begin(), targets.end()}, name)) {
      continue;
    }
    std::string alias = "scsi_hostadapter";
    while (aliases.contains(alias)) {
      alias = "scsi_hostadapter" + std::to_string(++number);
    }
    aliases.insert(alias);
    text +=
        (text.empty() || text.ends_with('\n') ? "alias " : "\nalias ") + alias + " " + name + "\n";
  }
  guest.update(path, text);
}

// /etc/mkinitcpio.conf: MODULES=(ext4 ...), before 2018 MODULES="ext4 ...".
void configure_mkinitcpio(Host& guest, const Names& modules) {
  edit_lines(guest, "/etc/mkinitcpio.conf",
             [&](std::string_view line) -> std::optional<std::string> {
               const auto value = value_of(line, "MODULES");
               if (!value || value->size() < 2) {
                 return std::nullopt;
               }
               const std::string_view inner = value->substr(1, value->find_first_of(")\"", 1) - 1);
               std::string now(inner);
               for (const std::string& name : modules) {
                 if (!is_named(words_of(inner), name)) {
                   now += (now.empty() ? "" : " ") + name;
                 }
               }
               return now == inner ? std::nullopt : std::optional(with_part(line, inner, now));
             });
}

// mkinitfs takes lists of files, by feature: virtio's comes with it; a filesystem's has its name.
void configure_mkinitfs(Host& guest, const Names& modules) {
  std::vector<std::string> features;
  for (const std::string& name : modules) {
    std::string feature = name.starts_with("virtio")                   ? "virtio"
                          : name == "ata_piix"                         ? "ata"
                          : name == "sd_mod"                           ? "scsi"
                          : name == "piix" || name.starts_with("ide_") ? "ide"
                                                                       : name;
    if (std::find(features.begin(), features.end(), feature) == features.end()) {
      features.push_back(std::move(feature));
    }
  }
  edit_lines(guest, "/etc/mkinitfs/mkinitfs.conf",
             [&](std::string_view line) -> std::optional<std::string> {
               const auto value = value_of(line, "features");
               if (!value) {
                 return std::nullopt;
               }
               const std::string_view inner = unquoted(*value);
               std::string now(inner);
               for (const std::string& feature : features) {
                 if (!is_named(words_of(inner), feature)) {
                   now += (now.empty() ? "" : " ") + feature;
                 }
               }
               return now == inner ? std::nullopt
                                   : std::optional(with_part(line, *value, "\"" + now + "\""));
             });
}

}  // namespace

bool is_suse_mkinitrd(Host& guest) {
  const auto text = guest.read_if_there("/etc/sysconfig/kernel");
  return text && text->find("INITRD_MODULES=") != std::string::npos;
}

void configure(Host& guest, InitrdTool tool, const Names& modules) {
  if (tool == InitrdTool::update_initramfs) {
    configure_initramfs_tools(guest, modules);
  } else if (tool == InitrdTool::dracut) {
    configure_dracut(guest, modules);
  } else if (tool == InitrdTool::mkinitcpio) {
    configure_mkinitcpio(guest, modules);
  } else if (tool == InitrdTool::mkinitfs) {
    configure_mkinitfs(guest, modules);
  } else if (tool == InitrdTool::mkinitrd && is_suse_mkinitrd(guest)) {
    configure_suse(guest, modules);
  } else if (tool == InitrdTool::mkinitrd) {
    configure_modprobe(guest, modules);
  }
}

}  // namespace vmconvert::fixer::initramfs
