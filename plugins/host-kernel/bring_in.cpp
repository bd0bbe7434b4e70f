#include <array>
#include <exception>
#include <string_view>
#include <utility>

#include "host_kernel.hpp"

namespace vmconvert::fixer::host_kernel {
namespace {

std::optional<std::string> host_file(Host& guest, const std::string& path, const char* what) {
  try {
    return guest.host_file(path);
  } catch (const std::exception& error) {
    guest.finding("host-kernel-unreadable", VMCONVERT_BLOCKS,
                  std::string("The ") + what + " " + path +
                      " named by the domain cannot be read: " + error.what(),
                  "Copy the file from the Xen host to the same path here, or install a kernel in "
                  "the guest.");
    return std::nullopt;
  }
}

// The configuration that distributions put beside a kernel, when it is there.
std::optional<std::string> config_beside(Host& guest, const HostKernel& kernel) {
  const std::string folder = kernel.path.substr(0, kernel.path.rfind('/') + 1);
  try {
    return guest.host_file(folder + "config-" + kernel.version, 8U << 20U);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

// What the kernel can unpack, by the initrd that it has booted with until now. An image that begins
// with plain microcode says nothing.
std::string compression_of(std::string_view initrd) {
  using namespace std::literals;
  static constexpr std::array<std::pair<std::string_view, const char*>, 6> k_magics = {{
      {"\x28\xb5\x2f\xfd"sv, "ZSTD"},
      {"\xfd"
       "7zXZ\0"sv,
       "XZ"},
      {"BZh"sv, "BZIP2"},
      {"\x02\x21\x4c\x18"sv, "LZ4"},
      {"\x89"
       "LZO"sv,
       "LZO"},
      {"\x5d\0\0"sv, "LZMA"},
  }};
  for (const auto& [magic, name] : k_magics) {
    if (initrd.starts_with(magic)) {
      return name;
    }
  }
  return {};
}

// initramfs-tools refuses to build for a kernel without a configuration in /boot: it looks there
// for the compressions that the kernel can unpack. Gzip is what every kernel with an initrd can.
std::string derived_config(const HostKernel& kernel) {
  std::string text =
      "# Written by vmconvert: the configuration of this kernel was not beside it on the\n"
      "# Xen host. Only what its initrd shows is in here.\n"
      "CONFIG_BLK_DEV_INITRD=y\nCONFIG_RD_GZIP=y\n";
  if (const std::string name = compression_of(kernel.initrd); !name.empty()) {
    text += "CONFIG_RD_" + name + "=y\n";
  }
  return text;
}

void refuse(Host& guest, const std::string& message) {
  guest.finding(
      "xen-only-kernel", VMCONVERT_BLOCKS, message,
      "Install a kernel without Xen patches in the guest, supply one (kernel_packages in a "
      "blueprint), or name one with its initrd in the domain's description.");
}

}  // namespace

std::optional<HostKernel> read_host_kernel(Host& guest) {
  const SourceBoot& boot = guest.facts().boot;
  HostKernel kernel{boot.kernel, {}, {}, {}};
  auto image = host_file(guest, boot.kernel, "kernel");
  if (!image) {
    return std::nullopt;
  }
  const auto version = bzimage_version(*image);
  if (!version) {
    refuse(guest,
           "The kernel " + boot.kernel + " is no bzImage, so only Xen's own loader can start it");
    return std::nullopt;
  }
  kernel.version = *version;
  kernel.image = std::move(*image);
  if (is_xen_only(kernel.version, config_beside(guest, kernel))) {
    refuse(guest, "The kernel " + boot.kernel + " (" + kernel.version + ") can only run under Xen");
    return std::nullopt;
  }
  if (!boot.initrd.empty()) {
    auto initrd = host_file(guest, boot.initrd, "initrd");
    if (!initrd) {
      return std::nullopt;
    }
    kernel.initrd = std::move(*initrd);
  }
  return kernel;
}

void bring_in(Host& guest, const HostKernel& kernel) {
  const std::string& version = kernel.version;
  guest.update("/boot/vmlinuz-" + version, kernel.image);
  if (!guest.exists("/boot/config-" + version)) {
    guest.write("/boot/config-" + version,
                config_beside(guest, kernel).value_or(derived_config(kernel)));
  }
  if (!kernel.initrd.empty()) {
    const std::string known = initrd_to_be_made(guest, version);
    guest.update(known.empty() ? "/boot/initrd.img-" + version : known, kernel.initrd, 0600);
  }
  if (!has_modules(guest, version)) {
    guest.finding("host-kernel-no-modules", VMCONVERT_BLOCKS,
                  "The host's kernel " + version +
                      " comes into the guest, but the guest has no "
                      "/lib/modules/" +
                      version +
                      ": unless its virtio drivers are built in, which cannot be seen from "
                      "outside, it finds neither disk nor network",
                  "Copy /lib/modules/" + version +
                      " of the Xen host into the guest, or install a kernel package in it.");
  } else if (kernel.initrd.empty() && initrd_to_be_made(guest, version).empty()) {
    guest.finding("host-kernel-no-initrd", VMCONVERT_WARNS,
                  "The host's kernel " + version +
                      " was booted without an initrd, and the guest "
                      "has no tool that makes one",
                  "Install initramfs-tools, dracut or mkinitrd in the guest, unless the kernel has "
                  "virtio and the root filesystem built in.");
  }
}

}  // namespace vmconvert::fixer::host_kernel
