// Unified kernel images: the kernel's arguments are a section of the program. They are corrected in
// the room that this section has; what is signed stays as it is.
#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {
namespace {

std::string root_in(std::string_view text) {
  std::string root;
  for (const std::string_view word : words_of(text)) {
    root = word.starts_with("root=") ? word : std::string_view(root);
  }
  return root;
}

void report_left(Host& guest, const std::string& path, bool vital, const std::string& before,
                 const std::string& now, bool is_signed) {
  const bool blocks = vital && root_in(before) != root_in(now);
  guest.finding(is_signed ? "uki-signed" : "uki-arguments",
                blocks ? VMCONVERT_BLOCKS : VMCONVERT_WARNS,
                "The kernel's arguments in " + path + " are \"" + before +
                    "\", and the target needs \"" + now + "\". They stay: " +
                    (is_signed ? "the image is signed, and changed, it would not be any more"
                               : "its section has no room for them"),
                "Build the image anew in the source with these arguments (/etc/kernel/cmdline), "
                "then convert again.");
}

void correct(Host& guest, Arguments& arguments, const std::string& path, bool vital) {
  const std::string program = guest.read(path, efi::k_largest_program);
  const auto image = efi::read_unified_kernel(program);
  if (!image || image->arguments.empty()) {
    return;
  }
  const Occasion occasion{vital ? Importance::vital : Importance::other, Console::add_if_none,
                          image->initrd.empty() ? Initrd::absent : Initrd::present};
  const std::string now = arguments.corrected(image->arguments, occasion);
  if (now == image->arguments) {
    return;
  }
  const bool is_signed = efi::is_signed(program);
  const auto changed = is_signed ? std::nullopt : efi::with_arguments(program, now);
  if (!changed) {
    report_left(guest, path, vital, image->arguments, now, is_signed);
    return;
  }
  guest.write(path, *changed);
  guest.finding("uki-edited", VMCONVERT_INFORMS,
                "The kernel's arguments in " + path + " were \"" + image->arguments +
                    "\", and become \"" + now + "\"",
                "Nothing. The next image gets what /etc/kernel/cmdline or /etc/cmdline.d says.");
}

}  // namespace

void correct_unified_kernels(Host& guest, Arguments& arguments) {
  const efi::LoaderMenu menu = systemd_menu(guest);
  const std::string chosen = menu.chosen ? menu.entries[*menu.chosen].program : std::string();
  for (const std::string& path : unified_kernels(guest)) {
    correct(guest, arguments, path, path == chosen);
  }
}

}  // namespace vmconvert::fixer::bootloader
