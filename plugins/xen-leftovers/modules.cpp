// Kernel modules that are loaded, aliased or forbidden by name.
#include <array>
#include <vmconvert/fixer_devices.hpp>

#include "leftovers.hpp"

namespace vmconvert::fixer::leftovers {

namespace {

std::string normalized(std::string_view name) {
  std::string module(name);
  std::replace(module.begin(), module.end(), '-', '_');
  return module;
}

std::vector<std::string> files_of(Host& guest, const std::vector<std::string>& patterns) {
  std::vector<std::string> files;
  for (const std::string& pattern : patterns) {
    for (std::string& file : guest.glob(pattern)) {
      if (guest.is_file(file) && !is_leftover_copy(file)) {
        files.push_back(std::move(file));
      }
    }
  }
  return files;
}

// "blacklist virtio_blk", or "install virtio_blk /bin/true", which comes to the same.
bool forbids_virtio(const std::vector<std::string_view>& words) {
  if (words.size() < 2 || !is_virtio_module(words[1])) {
    return false;
  }
  const bool to_nothing = words.size() >= 3 && words[0] == "install" &&
                          (words[2].ends_with("/true") || words[2].ends_with("/false"));
  return words[0] == "blacklist" || to_nothing;
}

// A view on what stands between the quotes of NAME="..." or NAME+="...".
std::optional<std::string_view> quoted_value(std::string_view line, std::string_view name) {
  const std::string_view text = trimmed(line);
  if (!text.starts_with(name)) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(name.size());
  rest.remove_prefix(rest.starts_with('+') ? 1 : 0);
  if (!rest.starts_with('=')) {
    return std::nullopt;
  }
  rest = trimmed(rest.substr(1));
  if (rest.empty() || (rest.front() != '"' && rest.front() != '\'')) {
    return rest.substr(0, rest.find_first_of(" \t#"));
  }
  const std::size_t close = rest.find(rest.front(), 1);
  return close == std::string_view::npos ? std::nullopt : std::optional(rest.substr(1, close - 1));
}

void report_forbidden(Host& guest, const std::string& file, std::string_view modules) {
  guest.finding("virtio-blacklisted", VMCONVERT_INFORMS,
                file + " kept out " + std::string(modules) +
                    ", which the new disk and network need; that was taken out",
                "Nothing to do.");
}

// Drops Xen's modules from a list; true if there were any.
bool drop_xen_words(Line& line, std::string_view name) {
  const auto value = quoted_value(line.text, name);
  if (!value) {
    return false;
  }
  const std::string kept =
      kept_words(*value, [](std::string_view word) { return !is_xen_module(word); });
  if (kept == *value) {
    return false;
  }
  line.text = with_part(line.text, *value, kept);
  return true;
}

void add_words(Line& line, const std::vector<std::string>& wanted) {
  const auto value = quoted_value(line.text, "INITRD_MODULES");
  if (!value) {
    return;
  }
  std::string modules(*value);
  for (const std::string& module : wanted) {
    if (!has_name(modules, module)) {
      modules += (modules.empty() ? "" : " ") + module;
    }
  }
  // A value without quotes is one word.
  const auto at = static_cast<std::size_t>(value->data() - line.text.data());
  const bool quoted = at > 0 && (line.text[at - 1] == '"' || line.text[at - 1] == '\'');
  line.text = with_part(line.text, *value, quoted ? modules : "\"" + modules + "\"");
}

}  // namespace

bool is_xen_module(std::string_view name) {
  const std::string module = normalized(name);
  for (const std::string_view known :
       {"evtchn", "netloop", "netbk", "blkbk", "blktap", "blkfront", "netfront"}) {
    if (module == known) {
      return true;
    }
  }
  return module == "xenblk" || module == "xennet" || module == "xenfs" ||
         module.starts_with("xen_");
}

bool is_virtio_module(std::string_view name) {
  const std::string module = normalized(name);
  for (const std::string_view needed :
       {"virtio", "virtio_pci", "virtio_ring", "virtio_blk", "virtio_scsi", "virtio_net"}) {
    if (module == needed) {
      return true;
    }
  }
  return false;
}

void fix_module_lists(Host& guest) {
  for (const std::string& file : files_of(
           guest, {"/etc/modules", "/etc/modules-load.d/*.conf", "/etc/initramfs-tools/modules"})) {
    edit_lines(guest, file, [](std::string_view line) -> std::optional<std::string> {
      const auto words = active_words(line);
      return !words.empty() && is_xen_module(words[0]) ? std::optional(commented_out(line))
                                                       : std::nullopt;
    });
  }
}

void fix_modprobe(Host& guest) {
  const Facts& facts = guest.facts();
  const bool virtio = facts.disk_bus == "virtio";
  const std::string driver = virtio ? "virtio_blk" : disk_modules(facts).front();
  for (const std::string& file :
       files_of(guest, {"/etc/modprobe.conf", "/etc/modprobe.conf.local", "/etc/modprobe.d/*"})) {
    edit_lines(guest, file, [&](std::string_view line) -> std::optional<std::string> {
      const auto words = active_words(line);
      if (virtio && forbids_virtio(words)) {
        report_forbidden(guest, file, words[1]);
        return commented_out(line);
      }
      const bool disk = words.size() >= 3 && words[0] == "alias" &&
                        words[1].starts_with("scsi_hostadapter") && is_xen_module(words[2]);
      return disk ? std::optional(with_part(line, words[2], driver)) : std::nullopt;
    });
  }
}

void fix_suse_kernel(Host& guest) {
  const std::string file = "/etc/sysconfig/kernel";
  const auto text = text_file(guest, file);
  std::vector<Line> lines = lines_of(text.value_or(""));
  std::vector<std::string> wanted = disk_modules(guest.facts());
  wanted.push_back(network_module(guest.facts()));
  bool initrd = false;
  bool other = false;
  for (Line& line : lines) {
    for (const std::string_view list : {"INITRD_MODULES", "DOMU_INITRD_MODULES"}) {
      initrd = drop_xen_words(line, list) || initrd;
    }
    other = drop_xen_words(line, "MODULES_LOADED_ON_BOOT") || other;
  }
  for (Line& line : lines) {
    if (initrd) {
      add_words(line, wanted);
    }
  }
  if (initrd || other) {
    guest.update(file, text_of(lines));
  }
}

// Red Hat: which kernel package's newest version new-kernel-pkg makes the default.
void fix_default_kernel(Host& guest) {
  edit_lines(
      guest, "/etc/sysconfig/kernel", [](std::string_view line) -> std::optional<std::string> {
        const auto value = value_of(line, "DEFAULTKERNEL");
        const bool xen = value && unquoted(*value).starts_with("kernel-xen");
        return xen ? std::optional(with_part(line, unquoted(*value), "kernel")) : std::nullopt;
      });
}

// Gentoo: modules="xen-netfront loop"
void fix_openrc_modules(Host& guest) {
  edit_lines(guest, "/etc/conf.d/modules", [](std::string_view text) -> std::optional<std::string> {
    Line line{std::string(text), {}};
    return !active_words(text).empty() && drop_xen_words(line, "modules") ? std::optional(line.text)
                                                                          : std::nullopt;
  });
}

// add_drivers passes over what is not there; force_drivers loads it, and omit_drivers leaves it
// out.
void fix_dracut(Host& guest) {
  for (const std::string& file :
       files_of(guest, {"/etc/dracut.conf", "/etc/dracut.conf.d/*.conf"})) {
    edit_lines(guest, file, [&](std::string_view text) -> std::optional<std::string> {
      Line line{std::string(text), {}};
      if (drop_xen_words(line, "force_drivers")) {
        return line.text;
      }
      const auto omitted = quoted_value(text, "omit_drivers");
      const std::string kept = kept_words(
          omitted.value_or(""), [](std::string_view word) { return !is_virtio_module(word); });
      if (!omitted || kept == *omitted) {
        return std::nullopt;
      }
      report_forbidden(guest, file, *omitted);
      return with_part(text, *omitted, kept);
    });
  }
}

}  // namespace vmconvert::fixer::leftovers
