// Unified kernel images are built by the guest's own tool, which puts kernel, initrd and arguments
// into one program. In the appliance such a tool must not take the arguments of the machine that it
// runs on, so they are given to it, or stand in a file of the guest's.
#include "initramfs.hpp"

namespace vmconvert::fixer::initramfs {
namespace {

using Words = std::vector<std::string>;

bool knows(Host& guest, const std::string& tool, std::string_view option) {
  return guest.read(tool).find(option) != std::string::npos;
}

// mkinitcpio(8): /etc/cmdline.d, else /etc/kernel/cmdline, else that of the machine that runs.
Words mkinitcpio_words(Host& guest, const std::string& tool, const BootKernel& kernel) {
  const bool arguments =
      guest.is_file("/etc/kernel/cmdline") || !guest.glob("/etc/cmdline.d/*.conf").empty();
  if (!arguments || !knows(guest, tool, "--uki")) {
    return {};
  }
  return {tool, "-k", kernel.version, "-U", kernel.image, "-S", "autodetect"};
}

// dracut(8): needs systemd's stub, and the kernel's own image beside its modules or in /boot.
Words dracut_words_for_uki(Host& guest, const std::string& tool, const BootKernel& kernel) {
  const std::string program = guest.read(kernel.image, efi::k_largest_program);
  const auto image = efi::read_unified_kernel(program);
  const std::string plain = first_file(
      guest, {"/lib/modules/" + kernel.version + "/vmlinuz", "/boot/vmlinuz-" + kernel.version});
  const std::string stub = first_file(guest, {"/usr/lib/systemd/boot/efi/linuxx64.efi.stub",
                                              "/usr/lib/systemd/boot/efi/linuxia32.efi.stub"});
  const std::string arguments = image ? image->arguments : "";
  if (plain.empty() || stub.empty() || arguments.find('\n') != std::string::npos ||
      !knows(guest, tool, "--uefi")) {
    return {};
  }
  Words words = {tool, "--force", "--no-hostonly", "--uefi", "--kernel-image", plain};
  if (!arguments.empty()) {
    words.insert(words.end(), {"--kernel-cmdline", arguments});
  }
  words.insert(words.end(), {kernel.image, kernel.version});
  return words;
}

}  // namespace

UnifiedBuild unified_build(Host& guest, InitrdTool tool, const BootKernel& kernel) {
  if (efi::is_signed(guest.read(kernel.image, efi::k_largest_program))) {
    return {{}, true};
  }
  const std::string path = path_of(guest, tool);
  return {tool == InitrdTool::mkinitcpio ? mkinitcpio_words(guest, path, kernel)
          : tool == InitrdTool::dracut   ? dracut_words_for_uki(guest, path, kernel)
                                         : Words(),
          false};
}

std::vector<std::string> unified_words(Host& guest, InitrdTool tool, const BootKernel& kernel,
                                       const std::string& lacks) {
  UnifiedBuild build = unified_build(guest, tool, kernel);
  if (build.is_signed) {
    guest.finding("uki-signed", VMCONVERT_BLOCKS,
                  "The initrd in " + kernel.image + " lacks " + lacks +
                      ", and the image is signed: built anew here, it would not be any more",
                  "Build and sign the image in the source with these drivers, then convert again.");
  } else if (build.words.empty()) {
    guest.finding(
        "uki-not-rebuilt", VMCONVERT_BLOCKS,
        "The initrd in " + kernel.image + " lacks " + lacks +
            ", and the guest has no tool that is known to build such an image, or not "
            "all that it needs",
        "Put these drivers into the initrd's configuration in the source, build the image "
        "there, then convert again.");
  }
  return std::move(build.words);
}

std::vector<std::string> unified_of_version(Host& guest, const std::string& version) {
  std::vector<std::string> found;
  for (const std::string& path : unified_kernels(guest)) {
    if (unified_version(guest.read(path, efi::k_largest_program)) == version) {
      found.push_back(path);
    }
  }
  return found;
}

}  // namespace vmconvert::fixer::initramfs
