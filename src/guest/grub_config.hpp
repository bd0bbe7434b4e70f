// Readers of GRUB's menus, both generations: what would be booted. They understand what
// distributions and people write, not the whole of GRUB's script language.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vmconvert::guest {

struct BootEntry {
  std::string title;
  std::string id;        // GRUB 2's --id, or $menuentry_id_option
  std::string position;  // "0", "1>2": as `default` counts
  std::string
      device;  // GRUB's root, partitions counted from 1: "(hd0,1)", "(hd0,msdos1)"; or empty
  std::string search_uuid;   // of `search --fs-uuid`; wins over `device` where it is found
  std::string search_label;  // of `search --label`, likewise
  std::string kernel;        // as written, without the device: "/vmlinuz-6.1"
  std::string arguments;     // of the kernel
  std::vector<std::string> initrds;
  bool in_guest =
      false;  // kernel and initrds are paths in the guest, not on the loader's filesystem
  // Xen's own kernel first, Linux as a module: the entry of a Xen host.
  bool xen_host = false;

  // Value of the last "name=" argument; "root" for root=. Empty when there is none.
  [[nodiscard]] std::string argument(std::string_view name) const;
};

// A further menu that this one loads: `configfile /boot/grub/x.cfg`.
struct MenuInclude {
  std::string path;
  bool legacy = false;  // legacy_configfile: in GRUB legacy's language
};

struct BootMenu {
  std::vector<BootEntry> entries;
  std::optional<std::size_t> chosen;  // index of what boots when nobody touches a key
  std::vector<MenuInclude> includes;
  bool loader_spec = false;  // `blscfg`: the entries are files in /boot/loader/entries
};

// menu.lst, grub.conf
BootMenu read_legacy_menu(std::string_view text);

// grub.cfg; `saved_entry` is the value in grubenv.
BootMenu read_grub2_menu(std::string_view text, std::string_view saved_entry = {});

// "saved_entry" and its like from a grubenv file; empty when it is not set.
std::string grubenv_value(std::string_view grubenv, std::string_view name);

// extlinux.conf; relative paths in it are taken from `folder`, as the filesystem has it: "/" for a
// /boot of its own.
BootMenu read_extlinux_menu(std::string_view text, std::string_view folder);
bool is_extlinux_menu(std::string_view path);

// One file of /boot/loader/entries. Its id is the file's name without .conf.
BootEntry read_loader_spec_entry(std::string_view text, std::string_view file_name);

}  // namespace vmconvert::guest
