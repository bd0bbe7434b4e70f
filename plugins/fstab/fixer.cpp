// Device names that the new hardware changes become UUIDs: in fstab, crypttab and in the resume
// device of Debian's initramfs. A line that still resolves is not touched.
#include <algorithm>
#include <vmconvert/fixer_devices.hpp>

#include "storage.hpp"

namespace vmconvert::fixer::fstab {

namespace {

struct Place {
  std::string file;
  std::size_t line;  // from 1
  std::string use;   // "/var", "swap", "cryptroot"
};

void report(Host& guest, const Place& place, std::string_view spec, Verdict verdict,
            vmconvert_severity severity) {
  const std::string where = place.file + " line " + std::to_string(place.line) + " takes " +
                            place.use + " from " + std::string(spec);
  const std::string remedy = "Correct the line in the guest; if the guest does without " +
                             place.use + ", add nofail or remove the line.";
  if (verdict == Verdict::unresolved) {
    guest.finding("fstab-unresolved", severity, where + ", which no filesystem of the guest has",
                  remedy);
  } else {
    guest.finding("fstab-unknown-device", severity,
                  where + ", which is no disk or partition of the guest", remedy);
  }
}

// Judges `spec` (a view into `line`); the line with its new name, or nothing and perhaps a finding.
std::optional<std::string> renamed_line(Host& guest, const Devices& devices, std::string_view line,
                                        std::string_view spec, const Place& place, Content content,
                                        vmconvert_severity severity) {
  const Answer answer = devices.judge(spec, content);
  switch (answer.verdict) {
    case Verdict::keep: return std::nullopt;
    case Verdict::replace: return with_part(line, spec, answer.name);
    case Verdict::unresolved:
    case Verdict::unknown: break;
  }
  report(guest, place, spec, answer.verdict, severity);
  return std::nullopt;
}

bool has_option(std::string_view options, std::string_view wanted) {
  options = trimmed(options);
  while (!options.empty()) {
    const std::size_t comma = options.find(',');
    if (options.substr(0, comma) == wanted) {
      return true;
    }
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return false;
}

struct Entry {
  std::string_view spec, mountpoint, type, options;
};

bool is_removable(const Entry& entry) {
  const bool optical = entry.type.find("iso9660") != std::string_view::npos ||
                       entry.type.find("udf") != std::string_view::npos;
  const bool by_name = entry.mountpoint.find("cdrom") != std::string_view::npos ||
                       entry.mountpoint.find("dvd") != std::string_view::npos ||
                       entry.mountpoint.find("floppy") != std::string_view::npos;
  return optical || (by_name && has_option(entry.options, "noauto"));
}

// Without these the guest does not come up; everything else it can boot without.
vmconvert_severity severity_of(const Entry& entry) {
  const bool optional = has_option(entry.options, "nofail") || has_option(entry.options, "noauto");
  const bool vital =
      entry.mountpoint == "/" || entry.mountpoint == "/usr" || entry.mountpoint == "/var";
  return vital && !optional ? VMCONVERT_BLOCKS : VMCONVERT_WARNS;
}

void fix_fstab(Host& guest, const Devices& devices) {
  std::size_t number = 0;
  edit_lines(guest, "/etc/fstab", [&](std::string_view line) -> std::optional<std::string> {
    ++number;
    const auto words = active_words(line);
    if (words.size() < 2) {
      return std::nullopt;
    }
    const Entry entry{words[0], words[1], words.size() > 2 ? words[2] : "",
                      words.size() > 3 ? words[3] : ""};
    if (is_removable(entry) || has_option(entry.options, "bind") ||
        has_option(entry.options, "rbind")) {
      return std::nullopt;
    }
    const bool swap = entry.type == "swap";
    const Place place{"/etc/fstab", number, swap ? "swap" : std::string(entry.mountpoint)};
    return renamed_line(guest, devices, line, entry.spec, place, Content::lasting,
                        severity_of(entry));
  });
}

// crypttab: name, source device, key file, options. A random key means a new content, with a new
// UUID or none, at each boot.
void fix_crypttab(Host& guest, const Devices& devices) {
  std::size_t number = 0;
  edit_lines(guest, "/etc/crypttab", [&](std::string_view line) -> std::optional<std::string> {
    ++number;
    const auto words = active_words(line);
    if (words.size() < 2) {
      return std::nullopt;
    }
    const bool random =
        words.size() > 2 && (words[2] == "/dev/urandom" || words[2] == "/dev/random");
    const Place place{"/etc/crypttab", number, std::string(words[0])};
    return renamed_line(guest, devices, line, words[1], place,
                        random ? Content::made_at_boot : Content::lasting, VMCONVERT_WARNS);
  });
}

void fix_resume(Host& guest, const Devices& devices) {
  std::vector<std::string> files = guest.glob("/etc/initramfs-tools/conf.d/*");
  files.emplace_back("/etc/initramfs-tools/initramfs.conf");
  for (const std::string& file : files) {
    std::size_t number = 0;
    edit_lines(guest, file, [&](std::string_view line) -> std::optional<std::string> {
      ++number;
      const auto value = value_of(line, "RESUME");
      if (!value) {
        return std::nullopt;
      }
      const Place place{file, number, "the resume image"};
      return renamed_line(guest, devices, line, unquoted(*value), place, Content::lasting,
                          VMCONVERT_INFORMS);
    });
  }
}

void fix(Host& guest) {
  const Devices devices(guest.facts());
  fix_fstab(guest, devices);
  fix_crypttab(guest, devices);
  fix_resume(guest, devices);
  fix_lvm(guest, devices);
  fix_mdadm(guest, devices);
}

}  // namespace

}  // namespace vmconvert::fixer::fstab

VMCONVERT_FIXER("fstab", "names disks by UUID in fstab, crypttab and the resume device", 100,
                vmconvert::fixer::fstab::fix)
