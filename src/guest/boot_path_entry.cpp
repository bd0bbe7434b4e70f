// The boot path from the menu's entry to the root filesystem: kernel, modules, initramfs, root=.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <vmconvert/efi_program.hpp>
#include <vmconvert/xen_pvhvm.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "guest/boot_path_steps.hpp"
#include "guest/device_names.hpp"
#include "guest/initramfs.hpp"
#include "guest/linux_kernel.hpp"

namespace vmconvert::guest {
namespace {

constexpr const char* k_rebuild =
    "let the initramfs fixer rebuild it, or add the drivers to the guest's initramfs configuration";

constexpr const char* k_xen_platform = "xen_platform_pci";

// Where the drivers that the kernel needs before its root is mounted can come from.
struct Drivers {
  BuiltInDrivers built_in;
  std::vector<std::string> initramfs;
  bool has_initramfs = false;

  [[nodiscard]] bool has(std::string_view driver) const {
    return built_in.has(driver) || initramfs_has_driver(initramfs, driver);
  }
  [[nodiscard]] bool has_file(std::string_view ending) const {
    return std::any_of(initramfs.begin(), initramfs.end(),
                       [&](const std::string& path) { return path.ends_with(ending); });
  }
};

// The file that the loader starts.
struct KernelFile {
  std::string bytes;
  std::optional<efi::UnifiedKernel> unified;  // views into the bytes
};

std::string version_of(const std::string& path, const std::optional<KernelHeader>& header,
                       const KernelFile& file) {
  if (header && !header->version.empty()) {
    return header->version;
  }
  if (file.unified) {
    return file.unified->version;
  }
  const auto dash = path.find('-', path.rfind('/'));
  return dash == std::string::npos ? std::string() : path.substr(dash + 1);
}

// The version of the kernel, or nothing if it is not there or cannot boot on the target.
std::optional<std::string> walk_kernel(BootWalk& walk, const BootEntry& entry, KernelFile& file) {
  const auto path = entry_path(walk, entry, entry.kernel);
  if (!path || !walk.guest.is_file(*path)) {
    walk.broken("kernel", fmt::format("{} is not where the loader looks for it", entry.kernel),
                "correct the boot menu, or install a kernel in the guest");
    return std::nullopt;
  }
  file.bytes = walk.guest.read(*path, GuestRoot::k_binary_limit);
  file.unified = efi::read_unified_kernel(file.bytes);
  const auto header = read_kernel_header(file.unified ? file.unified->kernel : file.bytes);
  if (!header && !walk.by_pygrub) {
    walk.broken("kernel", fmt::format("{} is no kernel that boots outside Xen", *path),
                "install the distribution's ordinary kernel in the guest");
    return std::nullopt;
  }
  std::string version = version_of(*path, header, file);
  walk.path.kernel = *path;
  walk.path.version = version;
  walk.found("kernel", fmt::format("{}, {} bytes, version {}", *path, file.bytes.size(),
                                   version.empty() ? "unknown" : printable(version)));
  return version;
}

void walk_modules(BootWalk& walk, const std::string& version) {
  const std::string folder = "/lib/modules/" + version;
  if (!version.empty() && version.find('/') == std::string::npos &&
      walk.guest.stat(folder).kind == FileKind::directory) {
    walk.found("modules", folder);
  } else {
    walk.broken("modules", fmt::format("the guest has no {} for its kernel", folder),
                "install the modules that belong to the kernel");
  }
}

// Adds the names of what an image holds; false if it cannot be read.
bool add_names(BootWalk& walk, const std::string& path, std::string_view image,
               std::vector<std::string>& names) {
  try {
    const std::vector<std::string> more = list_initramfs(image);
    names.insert(names.end(), more.begin(), more.end());
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_input) {
      throw;
    }
    walk.broken("initramfs", fmt::format("{}: {}", path, error.message()), k_rebuild);
    return false;
  }
}

// The names of what the initramfs images hold; nothing if one is not there.
std::optional<std::vector<std::string>> read_initramfs(BootWalk& walk, const BootEntry& entry,
                                                       const KernelFile& file) {
  std::vector<std::string> names;
  if (file.unified && !file.unified->initrd.empty() &&
      !add_names(walk, entry.kernel, file.unified->initrd, names)) {
    return std::nullopt;
  }
  for (const std::string& initrd : entry.initrds) {
    const auto path = entry_path(walk, entry, initrd);
    if (!path || !walk.guest.is_file(*path)) {
      walk.broken("initramfs", fmt::format("{} is not where the loader looks for it", initrd),
                  k_rebuild);
      return std::nullopt;
    }
    if (!add_names(walk, *path, walk.guest.read(*path, GuestRoot::k_binary_limit), names)) {
      return std::nullopt;
    }
  }
  return names;
}

// The personality of an array, as the kernel calls it.
std::vector<std::string> array_drivers(const model::Array& array) {
  if (array.level == "raid4" || array.level == "raid5" || array.level == "raid6") {
    return {"raid456", array.level};
  }
  return array.level == "linear" ? std::vector<std::string>{"linear", "md_linear"}
                                 : std::vector<std::string>{array.level};
}

// Any of the drivers in one list will do: ext4 mounts ext3, too.
std::vector<std::vector<std::string>> needed_drivers(const BootWalk& walk,
                                                     const model::Filesystem* root) {
  std::vector<std::vector<std::string>> needed;
  if (walk.to == model::TargetHypervisor::xen) {
    needed = {{"xen-blkfront", "xenblk"}};
    if (!walk.by_pygrub) {  // Xen's devices are behind a PCI device of an HVM guest
      needed.push_back({k_xen_platform});
    }
  } else if (walk.disk_bus == "ide") {
    needed = {{"ata_piix", "piix"}, {"sd_mod", "ide_disk", "ide_gd_mod"}};
  } else {
    needed = {{"virtio_pci"}, {"virtio_blk"}};
  }
  if (root == nullptr) {
    return needed;
  }
  if (root->type == "ext2" || root->type == "ext3") {
    needed.push_back({root->type, "ext4"});
  } else {
    needed.push_back({root->type});
  }
  if (root->device.find('/') != std::string::npos) {
    needed.push_back({"dm-mod"});
  }
  if (root->array) {
    needed.push_back(array_drivers(*root->array));
  }
  return needed;
}

BuiltInDrivers built_in_drivers(BootWalk& walk, const std::string& version) {
  KernelDrivers drivers = read_kernel_drivers(walk.guest, version);
  if (!walk.by_pygrub && walk.to == model::TargetHypervisor::xen && !drivers.has(k_xen_platform) &&
      pvhvm::platform_built_in(walk.guest.read_if_there("/boot/config-" + version), version)) {
    drivers.built_in.names.insert(k_xen_platform);
  }
  return drivers.built_in;
}

void walk_drivers(BootWalk& walk, const Drivers& drivers, const model::Filesystem* root) {
  std::vector<std::string> present;
  std::vector<std::string> missing;
  for (const std::vector<std::string>& any : needed_drivers(walk, root)) {
    const auto found = std::find_if(any.begin(), any.end(),
                                    [&](const std::string& name) { return drivers.has(name); });
    if (found == any.end()) {
      missing.push_back(any.front());
    } else {
      present.push_back(*found + (drivers.built_in.has(*found) ? " (built in)" : ""));
    }
  }
  const bool volume = root != nullptr && root->device.find('/') != std::string::npos;
  if (volume && !drivers.has_file("bin/lvm") && !drivers.has_file("bin/vgchange")) {
    missing.push_back("the lvm program");
  }
  // Without an initramfs the kernel assembles arrays of version 0.90 by itself.
  if (root != nullptr && root->array && drivers.has_initramfs && !drivers.has_file("bin/mdadm") &&
      !drivers.has_file("bin/mdassemble")) {
    missing.push_back("the mdadm program");
  }
  const std::string where = drivers.has_initramfs ? "the initramfs" : "the kernel (no initramfs)";
  if (!missing.empty()) {
    walk.broken("initramfs", fmt::format("{} lacks {}", where, join(missing, ", ")), k_rebuild);
  } else {
    walk.found("initramfs", fmt::format("{} has {}", where, join(present, ", ")));
  }
}

// Without an initramfs, the kernel itself looks for its root, and knows no filesystem by its UUID.
bool kernel_can_find(std::string_view root) {
  return root.starts_with("PARTUUID=") ||
         (root.starts_with("/dev/") && root.find('/', 5) == std::string_view::npos);
}

void walk_root(BootWalk& walk, const BootEntry& entry, bool has_initramfs,
               const std::vector<std::string>& initramfs,
               const std::string& remedy = "correct root= in the boot menu") {
  const std::string wanted = entry.argument("root");
  const DeviceNames names{walk.facts.filesystems, {}, &walk.guest};
  const model::Filesystem* fs = wanted.empty() ? nullptr : names.find(wanted);
  if (fs == nullptr && walk.to == model::TargetHypervisor::xen && wanted.starts_with("/dev/xvd")) {
    fs = names.find("/dev/" +
                    wanted.substr(std::string_view("/dev/x").size()));  // a Xen guest's vda
  }
  if (wanted.empty() && entry.in_guest && is_root_by_type(walk, initramfs)) {
    walk.found("root", fmt::format("no root=: systemd takes {} by its partition's type",
                                   walk.facts.root_device));
  } else if (wanted.empty()) {
    walk.broken("root", "the kernel's arguments have no root=", remedy);
  } else if (fs == nullptr) {
    walk.broken("root", fmt::format("root={} is no filesystem on the target", wanted), remedy);
  } else if (fs->device != walk.facts.root_device) {
    walk.broken("root",
                fmt::format("root={} is {}, but the system is on {}", wanted, fs->device,
                            walk.facts.root_device),
                remedy);
  } else if (!has_initramfs && !kernel_can_find(wanted)) {
    walk.broken("root", fmt::format("root={} cannot be found without an initramfs", wanted),
                "give the guest an initramfs, or name the device in root=");
  } else {
    walk.found("root", fmt::format("root={} is {} ({})", wanted, fs->device, fs->type));
  }
}

}  // namespace

// The description keeps the paths of the old host, and Xen looks for them on the new one.
BootEntry walk_host_kernel(BootWalk& walk, const model::DirectBoot& kernel) {
  BootEntry entry;
  entry.kernel = kernel.kernel.string();
  entry.arguments = kernel.cmdline;
  std::error_code ignored;
  const auto look = [&](const char* link, const std::filesystem::path& path) {
    const std::string name = printable(path.string());
    if (std::filesystem::is_regular_file(path, ignored)) {
      walk.found(link, name + " of the host");
    } else {
      walk.broken(
          link, fmt::format("{} is not on this host, where Xen looks for it", name),
          "copy it from the old host to the same path; or give the guest a kernel of its own "
          "and a menu, and let pygrub start it");
    }
  };
  look("kernel", kernel.kernel);
  const std::string name = kernel.kernel.filename().string();
  if (const auto dash = name.find('-'); dash != std::string::npos) {
    walk_modules(walk, name.substr(dash + 1));
  }
  if (!kernel.initrd.empty()) {
    entry.initrds = {kernel.initrd.string()};
    look("initramfs", kernel.initrd);
  }
  walk_root(walk, entry, !entry.initrds.empty(), {},
            "correct root= among the kernel's arguments in the description");
  return entry;
}

void walk_entry(BootWalk& walk, const BootEntry& entry) {
  KernelFile file;
  const auto version = walk_kernel(walk, entry, file);
  const bool has_initramfs =
      !entry.initrds.empty() || (file.unified && !file.unified->initrd.empty());
  std::optional<std::vector<std::string>> names;
  if (version) {
    walk_modules(walk, *version);
    names = read_initramfs(walk, entry, file);
    if (names) {
      const Drivers drivers{built_in_drivers(walk, *version), *names, has_initramfs};
      const DeviceNames devices{walk.facts.filesystems, {}, nullptr};
      walk_drivers(walk, drivers, devices.find("/dev/" + walk.facts.root_device));
    }
  }
  walk_root(walk, entry, has_initramfs, names.value_or(std::vector<std::string>()));
}

}  // namespace vmconvert::guest
