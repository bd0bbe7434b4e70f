#include "storage.hpp"

namespace vmconvert::fixer::fstab {

namespace {

bool ends_device(char byte) {
  return is_name_byte(byte) || byte == '/' || byte == '-';
}

// Every "/dev/NAME" in a text whose NAME is a disk or partition of the source, under its new name.
std::string with_new_names(std::string_view text, const Devices& devices) {
  constexpr std::string_view k_dev = "/dev/";
  std::string now;
  std::size_t done = 0;  // of the text, so far
  for (std::size_t at = text.find(k_dev); at != std::string_view::npos;
       at = text.find(k_dev, at + 1)) {
    const std::size_t start = at + k_dev.size();
    std::size_t end = start;
    while (end < text.size() && ends_device(text[end])) {
      ++end;
    }
    const std::string name(text.substr(start, end - start));
    const auto target = devices::looks_like_disk(name) ? devices.target_of(name) : std::nullopt;
    if (target && *target != name) {
      now += std::string(text.substr(done, start - done)) + *target;
      done = end;
    }
  }
  return now + std::string(text.substr(done));
}

// "a|^/dev/xvd|", "r|/dev/xvda.*|": patterns for a family of names that the target has not.
bool names_old_family(std::string_view text) {
  return text.find("/xvd") != std::string_view::npos || text.find("/hd") != std::string_view::npos;
}

bool is_filter(std::string_view line) {
  return value_of(line, "filter") || value_of(line, "global_filter");
}

}  // namespace

// /etc/lvm/lvm.conf: filter = [ "a|^/dev/xvda2$|", "r|.*|" ]. Exact names follow the disks; what a
// wider pattern means is the administrator's to say.
void fix_lvm(Host& guest, const Devices& devices) {
  bool wide = false;
  edit_lines(guest, "/etc/lvm/lvm.conf", [&](std::string_view line) -> std::optional<std::string> {
    if (active_words(line).empty() || !is_filter(line)) {
      return std::nullopt;
    }
    const std::string now = with_new_names(line, devices);
    wide = wide || names_old_family(now);
    return now == line ? std::nullopt : std::optional(now);
  });
  if (wide) {
    guest.finding("lvm-filter", VMCONVERT_WARNS,
                  "a filter in /etc/lvm/lvm.conf names disks as Xen calls them (/dev/xvd...), and "
                  "may hide the volumes on /dev/vd...",
                  "Let the filter accept /dev/vd in the guest, then convert again.");
  }
  edit_lines(
      guest, "/etc/lvm/devices/system.devices",
      [&](std::string_view line) -> std::optional<std::string> {
        if (active_words(line).empty() || line.find("IDTYPE=devname") == std::string_view::npos) {
          return std::nullopt;  // named by content or serial number, not by place
        }
        const std::string now = with_new_names(line, devices);
        return now == line ? std::nullopt : std::optional(now);
      });
}

// ARRAY ... devices=/dev/xvdb1,/dev/xvdc1 and DEVICE /dev/xvdb1: arrays are found by UUID, but only
// on the devices that these lines name.
void fix_mdadm(Host& guest, const Devices& devices) {
  for (const char* path : {"/etc/mdadm/mdadm.conf", "/etc/mdadm.conf"}) {
    bool wide = false;
    edit_lines(guest, path, [&](std::string_view line) -> std::optional<std::string> {
      if (active_words(line).empty()) {
        return std::nullopt;
      }
      const std::string now = with_new_names(line, devices);
      wide = wide || (now.find('*') != std::string::npos && names_old_family(now));
      return now == line ? std::nullopt : std::optional(now);
    });
    if (wide) {
      guest.finding("mdadm-devices", VMCONVERT_WARNS,
                    std::string(path) + " looks for arrays on devices with Xen's names only",
                    "Write \"DEVICE partitions\" there in the guest, then convert again.");
    }
  }
}

}  // namespace vmconvert::fixer::fstab
