// Files from which the guest's tools make the entries of kernels to come. An argument that stays
// wrong there comes back with the next kernel update.
#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

// SUSE, perl-Bootloader: DEFAULT_APPEND="resume=/dev/xvda1 splash=silent". XEN_APPEND is of the
// hypervisor.
void correct_suse(Host& guest, Arguments& arguments) {
  edit_lines(
      guest, "/etc/sysconfig/bootloader", [&](std::string_view line) -> std::optional<std::string> {
        const std::string_view text = trimmed(line);
        const std::string_view name = text.substr(0, text.find('='));
        if (!name.ends_with("_APPEND") || name == "XEN_APPEND" || text.starts_with('#')) {
          return std::nullopt;
        }
        const auto value = value_of(line, name);
        const std::string_view inner = value ? unquoted(*value) : "";
        if (inner.empty()) {
          return std::nullopt;
        }
        const Console console = name == "DEFAULT_APPEND" ? Console::add_if_none : Console::leave;
        const std::string now =
            arguments.corrected(inner, {Importance::other, console, Initrd::present});
        return now == inner ? std::nullopt
                            : std::optional(with_part(line, *value, "\"" + now + "\""));
      });
}

// kernel-install takes the arguments of new entries from there: one line.
void correct_kernel_install(Host& guest, Arguments& arguments) {
  edit_lines(guest, "/etc/kernel/cmdline",
             [&](std::string_view line) -> std::optional<std::string> {
               if (line.find("root=") == std::string_view::npos) {
                 return std::nullopt;
               }
               return arguments.corrected(line, {});
             });
  // mkinitcpio puts what all of these say into a unified kernel image.
  for (const std::string& path : guest.glob("/etc/cmdline.d/*.conf")) {
    edit_lines(guest, path, [&](std::string_view line) -> std::optional<std::string> {
      if (active_words(line).empty()) {
        return std::nullopt;
      }
      return arguments.corrected(line, {Importance::other, Console::leave, Initrd::present});
    });
  }
}

// Whole disks, where a loader is to be installed: "/dev/xvda", "boot=/dev/xvda".
void correct_install_devices(Host& guest) {
  const Facts& facts = guest.facts();
  const auto renamed = [&](std::string_view line,
                           std::string_view device) -> std::optional<std::string> {
    constexpr std::string_view k_dev = "/dev/";
    if (!device.starts_with(k_dev)) {
      return std::nullopt;
    }
    auto name = facts.renamed(device.substr(k_dev.size()));
    if (!name) {
      if (const auto behind = disk_behind_link(device)) {
        name = facts.renamed(*behind);
      }
    }
    return name ? std::optional(with_part(line, device, "/dev/" + *name)) : std::nullopt;
  };
  edit_lines(guest, "/etc/default/grub_installdevice", [&](std::string_view line) {
    return renamed(line, active_words(line).empty() ? "" : active_words(line)[0]);
  });
  edit_lines(guest, "/etc/sysconfig/grub", [&](std::string_view line) {
    const auto value = value_of(line, "boot");
    return renamed(line, value ? unquoted(*value) : "");
  });
}

}  // namespace

void correct_settings_files(Host& guest, Arguments& arguments) {
  correct_suse(guest, arguments);
  correct_kernel_install(guest, arguments);
  correct_install_devices(guest);
}

}  // namespace vmconvert::fixer::bootloader
