// A menu for a guest that had none of GRUB 2's: what it boots today comes first. The same settings
// feed the guest's vmconvert-update-grub, so that later kernels get in by themselves.
#include <exception>

#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

constexpr std::string_view k_boot = "/boot/";
constexpr const char* k_script = "/usr/sbin/vmconvert-update-grub";

std::string in_shell_quotes(std::string_view text) {
  std::string quoted = "'";
  for (const char byte : text) {
    quoted += byte == '\'' ? "'\\''" : std::string(1, byte);
  }
  return quoted + "'";
}

// Arguments as words of GRUB's script language; control bytes never get in.
std::string in_grub_words(std::string_view arguments) {
  std::string text;
  for (const std::string_view word : words_of(arguments)) {
    if (word.starts_with('$')) {
      continue;  // a variable of the menu that these words come from
    }
    bool plain = true;
    std::string quoted;
    for (const char byte : word) {
      const auto code = static_cast<unsigned char>(byte);
      plain = plain && (is_name_byte(byte) ||
                        std::string_view("=/.,:-+@%[]!").find(byte) != std::string_view::npos);
      if (code >= 0x20 && code != 0x7f) {
        quoted += byte == '\'' ? "'\\''" : std::string(1, byte);
      }
    }
    text += (text.empty() ? "" : " ") + (plain ? std::string(word) : "'" + quoted + "'");
  }
  return text;
}

std::string in_menu(const Settings& settings, const std::string& guest_file) {
  return settings.boot_path + "/" + guest_file.substr(k_boot.size());
}

bool needs_initrd(std::string_view arguments) {
  for (const std::string_view word : words_of(arguments)) {
    constexpr std::string_view k_device = "root=/dev/";
    if (word.starts_with("root=UUID=") || word.starts_with("root=LABEL=") ||
        (word.starts_with(k_device) && word.find('/', k_device.size()) != std::string_view::npos)) {
      return true;
    }
  }
  return false;
}

std::string entry_text(const Settings& settings, const BootKernel& kernel) {
  if (kernel.initrd.empty() && needs_initrd(settings.arguments)) {
    return {};
  }
  std::string text = "\nmenuentry 'Linux " + version_of(kernel.image) + "' {\n  linux " +
                     in_menu(settings, kernel.image) + " " + settings.arguments + "\n";
  if (!kernel.initrd.empty()) {
    text += "  initrd " + in_menu(settings, kernel.initrd) + "\n";
  }
  return text + "}\n";
}

// A file in /boot whose name means nothing to a shell or to GRUB.
bool is_plain(std::string_view path) {
  if (!path.starts_with(k_boot)) {
    return false;
  }
  std::string name(path.substr(k_boot.size()));
  std::replace(name.begin(), name.end(), '/', '_');
  return is_version(name);
}

// What the source boots: its kernel and the arguments that come with it.
struct Today {
  BootKernel kernel;
  std::string arguments;
  unsigned timeout = 5;
};

std::optional<Today> direct_boot(Host& guest) {
  const SourceBoot& boot = guest.facts().boot;
  std::string version = version_of(boot.kernel);
  try {
    version = bzimage_version(guest.host_file(boot.kernel)).value_or(version);
  } catch (const std::exception& error) {
    guest.log(std::string("the host's kernel cannot be read: ") + error.what());
  }
  if (auto own = own_kernel_instead_of(guest, version)) {
    return Today{*own, boot.cmdline};
  }
  for (const BootKernel& kernel : boot_kernels(guest)) {
    if (kernel.version == version) {
      return Today{kernel, boot.cmdline};
    }
  }
  return std::nullopt;
}

}  // namespace

void report_other_default(Host& guest, const std::string& before, const std::string& now) {
  guest.finding("default-kernel-changed", VMCONVERT_INFORMS,
                "The boot menu chose " + before +
                    ", which cannot run without Xen or is not there; it now boots " + now,
                "Nothing, if that kernel suits the guest; else choose another one in its menu.");
}

namespace {

std::optional<Today> menu_boot(Host& guest) {
  Today today;
  std::string named;  // the kernel that the menu chooses
  const auto path = source_menu_path(guest);
  if (path) {
    const Menu menu = read_menu(guest, *path);
    today.timeout = menu.timeout.value_or(today.timeout);
    if (const MenuEntry* entry = menu.chosen()) {
      today.arguments = entry->arguments;
      named = version_of(entry->kernel);
      const auto kernel = kernel_of(guest, *entry);
      if (kernel && is_plain(kernel->image)) {
        today.kernel = *kernel;
        if (!is_plain(kernel->initrd)) {
          today.kernel.initrd = initrd_of(guest, kernel->version);
        }
        return today;
      }
    }
  }
  auto kernel = kernel_instead_of(guest, named);
  if (!kernel) {
    return std::nullopt;
  }
  if (!named.empty()) {
    report_other_default(guest, named, kernel->version);
  }
  today.kernel = *kernel;
  return today;
}

// A guest without any arguments on record still has a root filesystem.
std::string with_root(Host& guest, const std::string& arguments) {
  for (const std::string_view word : words_of(arguments)) {
    if (word.starts_with("root=")) {
      return arguments;
    }
  }
  const Facts& facts = guest.facts();
  const Filesystem* root = facts.filesystem(facts.root_device);
  const bool uuid = root != nullptr && !root->uuid.empty();
  return (uuid ? "root=UUID=" + root->uuid : "root=/dev/" + facts.root_device) + " ro" +
         (arguments.empty() ? "" : " ") + arguments;
}

void install_hooks(Host& guest) {
  const std::string hook =
      "#!/bin/sh\n# Written by vmconvert: the boot menu follows the kernels.\n"
      "exec " +
      std::string(k_script) + "\n";
  guest.update(k_script, generator_script(), 0755);
  guest.update("/etc/kernel/postinst.d/zz-vmconvert-grub", hook, 0755);
  guest.update("/etc/kernel/postrm.d/zz-vmconvert-grub", hook, 0755);
  const bool systemd_hooks =
      guest.is_file("/usr/bin/kernel-install") || guest.is_file("/bin/kernel-install");
  if (systemd_hooks) {
    guest.update("/etc/kernel/install.d/99-vmconvert-grub.install", hook, 0755);
  }
  const std::string grubby =
      first_file(guest, {"/sbin/new-kernel-pkg", "/usr/sbin/new-kernel-pkg"});
  const bool runs_hooks =
      guest.is_file("/usr/bin/dpkg") || systemd_hooks ||
      (!grubby.empty() && guest.read(grubby).find("postinst.d") != std::string::npos);
  if (!runs_hooks) {
    guest.finding("menu-not-automatic", VMCONVERT_WARNS,
                  "The guest's kernel packages run no hooks, so a kernel that is installed later "
                  "does not get into the boot menu by itself",
                  std::string("Run ") + k_script + " in the guest after each kernel update.");
  }
}

}  // namespace

std::string settings_text(const Settings& settings) {
  return "# Settings of /usr/sbin/vmconvert-update-grub, which writes /boot/grub/grub.cfg.\n"
         "# Run it after a change here.\n\n"
         "# Kernel arguments, as words of GRUB's script language.\n"
         "arguments=" +
         in_shell_quotes(settings.arguments) +
         "\n# The filesystem that holds /boot, and the path of /boot on it.\n"
         "uuid=" +
         in_shell_quotes(settings.uuid) + "\nboot_path=" + in_shell_quotes(settings.boot_path) +
         "\n# Seconds that the menu waits.\n"
         "timeout=" +
         std::to_string(settings.timeout) +
         "\n# A kernel that comes first although it is not the newest, and its initrd. Empty: the "
         "newest.\n"
         "first_kernel=" +
         in_shell_quotes(settings.first_kernel) +
         "\nfirst_initrd=" + in_shell_quotes(settings.first_initrd) + "\n";
}

std::string menu_text(const Settings& settings, const std::vector<BootKernel>& kernels) {
  std::string text =
      "# Written by vmconvert-update-grub from the kernels in /boot.\n"
      "# Settings: /etc/default/vmconvert-grub\n"
      "set default=0\nset timeout=" +
      std::to_string(settings.timeout) +
      "\nif serial --unit=0 --speed=115200; then\n  terminal_input console serial\n"
      "  terminal_output console serial\nfi\n";
  if (!settings.uuid.empty()) {
    text += "search --no-floppy --fs-uuid --set=root " + settings.uuid + "\n";
  }
  if (!settings.first_kernel.empty()) {
    text += entry_text(settings, {"", settings.first_kernel, settings.first_initrd});
  }
  for (const BootKernel& kernel : kernels) {
    if (kernel.image != settings.first_kernel) {
      text += entry_text(settings, kernel);
    }
  }
  return text;
}

void install_generated_menu(Host& guest, const Place& place, Arguments& arguments) {
  auto today = guest.facts().boot.kind == "direct" ? direct_boot(guest) : menu_boot(guest);
  if (!today) {
    return;  // host-kernel has said that there is none
  }
  if (today->kernel.initrd.empty()) {
    today->kernel.initrd = initrd_to_be_made(guest, today->kernel.version);
  }
  std::vector<BootKernel> kernels = boot_kernels(guest);
  for (BootKernel& kernel : kernels) {
    if (kernel.image == today->kernel.image) {
      kernel.initrd = today->kernel.initrd;
    }
  }
  const Occasion occasion{Importance::vital, Console::add_if_none,
                          today->kernel.initrd.empty() ? Initrd::absent : Initrd::present};
  Settings settings;
  settings.arguments =
      in_grub_words(arguments.corrected(with_root(guest, today->arguments), occasion));
  settings.uuid = is_version(place.uuid) ? place.uuid : "";
  settings.boot_path = place.boot_path;
  settings.timeout = std::min(today->timeout, 60U);
  if (kernels.empty() || kernels.front().image != today->kernel.image) {
    settings.first_kernel = today->kernel.image;
    settings.first_initrd = today->kernel.initrd;
  }
  guest.update("/etc/default/vmconvert-grub", settings_text(settings));
  guest.update("/boot/grub/grub.cfg", menu_text(settings, kernels));
  install_hooks(guest);
}

}  // namespace vmconvert::fixer::bootloader
