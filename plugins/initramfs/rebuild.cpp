#include "initramfs.hpp"

namespace vmconvert::fixer::initramfs {
namespace {

std::vector<std::string> dracut_words(Host& guest, const std::string& tool,
                                      const BootKernel& kernel) {
  std::vector<std::string> words = {tool, "--force"};
  // Host-only images hold the drivers of the machine that builds them, here the appliance.
  if (guest.read(tool).find("--no-hostonly") != std::string::npos) {
    words.emplace_back("--no-hostonly");
  }
  words.insert(words.end(), {kernel.initrd, kernel.version});
  return words;
}

std::vector<std::string> mkinitrd_words(Host& guest, const std::string& tool,
                                        const BootKernel& kernel,
                                        const std::vector<std::string>& modules) {
  if (is_suse_mkinitrd(guest)) {
    return {tool, "-k", kernel.image, "-i", kernel.initrd};
  }
  std::vector<std::string> words = {tool, "-f"};
  for (const std::string& name : modules) {
    words.push_back("--with=" + name);
  }
  words.insert(words.end(), {kernel.initrd, kernel.version});
  return words;
}

// update-initramfs knows the images in /boot alone; systemd-boot's are copies on its own partition,
// which a hook of the package would make, with arguments taken from the machine that it runs on:
// there the hooks are not run.
std::vector<std::string> debian_words(Host& guest, const std::string& tool,
                                      const BootKernel& kernel) {
  const std::string maker = tool.substr(0, tool.rfind('/') + 1) + "mkinitramfs";
  const auto known = initrd_names(kernel.version);
  const bool hooked = std::find(known.begin(), known.end(), kernel.initrd) == known.end() ||
                      !systemd_menu(guest).entries.empty();
  if (hooked && guest.is_file(maker)) {
    return {maker, "-o", kernel.initrd, kernel.version};
  }
  return {tool, guest.is_file(kernel.initrd) ? "-u" : "-c", "-k", kernel.version};
}

}  // namespace

void rebuild_later(Host& guest, InitrdTool tool, const BootKernel& kernel,
                   const std::vector<std::string>& modules, const std::string& what_for) {
  const std::string path = path_of(guest, tool);
  const std::string why = "build the initramfs of " + kernel.version + " " + what_for;
  switch (tool) {
    case InitrdTool::update_initramfs:
      guest.run_later(debian_words(guest, path, kernel), why);
      break;
    case InitrdTool::dracut: guest.run_later(dracut_words(guest, path, kernel), why); break;
    case InitrdTool::mkinitrd:
      guest.run_later(mkinitrd_words(guest, path, kernel, modules), why);
      break;
    case InitrdTool::mkinitcpio:
      // autodetect would keep the drivers of the machine that builds the image, the appliance.
      guest.run_later({path, "-k", kernel.version, "-g", kernel.initrd, "-S", "autodetect"}, why);
      break;
    case InitrdTool::mkinitfs:
      guest.run_later({path, "-o", kernel.initrd, kernel.version}, why);
      break;
    case InitrdTool::none: break;
  }
}

}  // namespace vmconvert::fixer::initramfs
