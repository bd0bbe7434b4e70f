// The kernels of a guest: images in /boot and in systemd's folders, modules in /lib/modules,
// matched by version.
#include <algorithm>
#include <cctype>
#include <set>

#include "base/text.hpp"
#include "guest/inspect.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_most_kernels = 256;

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::size_t digits_at(std::string_view text) {
  const auto end = text.find_first_not_of("0123456789");
  return end == std::string_view::npos ? text.size() : end;
}

std::string_view without_zeros(std::string_view digits) {
  const auto first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? std::string_view() : digits.substr(first);
}

// Numbers of any length: longer is larger.
int compare_numbers(std::string_view a, std::string_view b) {
  a = without_zeros(a);
  b = without_zeros(b);
  if (a.size() != b.size()) {
    return a.size() < b.size() ? -1 : 1;
  }
  return a.compare(b);
}

// The version in a kernel image's name; empty when it is none ("vmlinuz", "vmlinuz-xen").
std::string image_version(const std::string& name) {
  for (const std::string_view prefix : {"vmlinuz-", "kernel-", "vmlinux-", "bzImage-"}) {
    if (name.starts_with(prefix) && name.size() > prefix.size() && is_digit(name[prefix.size()])) {
      const std::string version = name.substr(prefix.size());
      // A rescue image has no modules, and its number is the machine's.
      return version.starts_with("0-rescue") ? std::string() : version;
    }
  }
  return {};
}

std::string initrd_for(const std::set<std::string>& boot, const std::string& version) {
  for (const std::string& name :
       {"initrd.img-" + version, "initramfs-" + version + ".img", "initrd-" + version + ".img",
        "initrd-" + version, "initramfs-" + version, "initramfs-genkernel-x86_64-" + version,
        "initramfs-genkernel-x86-" + version}) {
    if (boot.contains(name)) {
      return "/boot/" + name;
    }
  }
  return {};
}

// systemd's layout: TOKEN/VERSION/linux on the EFI system partition or in /boot, where TOKEN is the
// machine's id or the distribution's name (kernel-install(8)). One look at each folder.
void add_systemd_images(GuestRoot& guest, std::vector<model::Kernel>& kernels) {
  constexpr std::size_t k_most_folders = 64;
  std::size_t folders = 0;
  for (const std::string place : {"/boot", "/boot/efi", "/efi"}) {
    for (const std::string& token : guest.list(place)) {
      const std::string folder = place + "/" + token;
      if (folders == k_most_folders || guest.stat(folder).kind != FileKind::directory) {
        continue;
      }
      ++folders;
      for (const std::string& version : guest.list(folder)) {
        const auto kernel = std::find_if(kernels.begin(), kernels.end(), [&](const auto& each) {
          return each.version == version && each.image.empty();
        });
        const std::string image = folder + "/" + version + "/linux";
        if (kernel == kernels.end() || !guest.is_file(image)) {
          continue;
        }
        kernel->image = image;
        for (const std::string& name : guest.list(folder + "/" + version)) {
          if (name.starts_with("initrd")) {
            kernel->initrd = folder + "/" + version + "/" + name;
          }
        }
      }
    }
  }
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::size_t in_a = digits_at(a);
    const std::size_t in_b = digits_at(b);
    if (in_a > 0 && in_b > 0) {
      if (const int order = compare_numbers(a.substr(0, in_a), b.substr(0, in_b)); order != 0) {
        return order;
      }
      a.remove_prefix(in_a);
      b.remove_prefix(in_b);
      continue;
    }
    if (a.front() != b.front()) {
      // "~rc1" comes before the release, as dpkg and rpm have it.
      if (a.front() == '~' || b.front() == '~') {
        return a.front() == '~' ? -1 : 1;
      }
      return a.front() < b.front() ? -1 : 1;
    }
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  if (a.empty() && b.empty()) {
    return 0;
  }
  const bool rest_is_older = (a.empty() ? b : a).front() == '~';
  return a.empty() == rest_is_older ? 1 : -1;
}

std::vector<model::Kernel> read_kernels(GuestRoot& guest) {
  std::vector<model::Kernel> kernels;
  const std::vector<std::string> names = guest.list("/boot");
  const std::set<std::string> boot(names.begin(), names.end());
  std::set<std::string> modules;
  for (const std::string& version : guest.list("/lib/modules")) {
    if (modules.size() < k_most_kernels && !version.empty() && is_digit(version.front()) &&
        guest.stat("/lib/modules/" + version).kind == FileKind::directory) {
      modules.insert(version);
    }
  }
  for (const std::string& name : names) {
    const std::string version = image_version(name);
    if (version.empty() || kernels.size() == k_most_kernels) {
      continue;
    }
    kernels.push_back(
        {version, "/boot/" + name, initrd_for(boot, version), modules.erase(version) > 0});
  }
  for (const std::string& version : modules) {
    kernels.push_back({version, {}, initrd_for(boot, version), true});
  }
  add_systemd_images(guest, kernels);
  std::sort(kernels.begin(), kernels.end(), [](const model::Kernel& a, const model::Kernel& b) {
    return compare_versions(a.version, b.version) > 0;
  });
  return kernels;
}

}  // namespace vmconvert::guest
