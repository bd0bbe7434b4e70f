// Whether a kernel finds Xen's devices in an HVM machine, header only. They are announced by a PCI
// device there, for which Linux has the driver xen-platform-pci: since 2.6.36 a module or built in,
// later only built in. The configuration's names are those of arch/x86/xen/Kconfig.
#pragma once

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace vmconvert::pvhvm {

namespace detail {

// "6.1.0-50-amd64" -> 6, 1, 0
inline std::array<unsigned, 3> numbers_of(std::string_view version) {
  std::array<unsigned, 3> numbers{};
  for (unsigned& number : numbers) {
    const auto [end, error] =
        std::from_chars(version.data(), version.data() + version.size(), number);
    if (error != std::errc()) {
      break;
    }
    version.remove_prefix(static_cast<std::size_t>(end - version.data()));
    if (!version.starts_with('.')) {
      break;
    }
    version.remove_prefix(1);
  }
  return numbers;
}

}  // namespace detail

// Of a kernel that has no module of that name. `config` is its /boot/config-VERSION. Without one,
// or with one that says nothing of Xen (as the short one of a kernel that was brought in), the
// version tells: since 2.6.37 what can run as a PV guest has it, unless its builder took it out.
inline bool platform_built_in(const std::optional<std::string>& config, std::string_view version) {
  if (!config || config->find("CONFIG_XEN") == std::string::npos) {
    return detail::numbers_of(version) >= std::array<unsigned, 3>{2, 6, 37};
  }
  const std::string text = "\n" + *config + "\n";
  const auto says = [&](const char* line) { return text.find(line) != std::string::npos; };
  for (const char* off :
       {"\n# CONFIG_XEN_PVHVM_GUEST is not set\n", "\n# CONFIG_XEN_PLATFORM_PCI is not set\n"}) {
    if (says(off)) {
      return false;
    }
  }
  return says("\nCONFIG_XEN_PVHVM_GUEST=y\n") || says("\nCONFIG_XEN_PVHVM=y\n");
}

}  // namespace vmconvert::pvhvm
