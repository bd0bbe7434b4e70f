#include "arguments.hpp"

#include <algorithm>
#include <vmconvert/fixer_devices.hpp>

namespace vmconvert::fixer::bootloader {
namespace {

constexpr std::string_view k_serial = "console=ttyS0";
// Of all arguments of one kernel, which takes 4 KiB at most: with megabytes of them, moving the
// rest at each change would take hours.
constexpr std::size_t k_longest = 64U << 10U;

bool is_xen_console(std::string_view word) {
  for (const std::string_view name : {"console=hvc0", "console=xvc0"}) {
    if (word == name || (word.starts_with(name) && word[name.size()] == ',')) {
      return true;
    }
  }
  return false;
}

// Arguments that only Xen's drivers read, or that name its clock. On KVM they are noise or worse.
bool is_for_xen_only(std::string_view word) {
  if (word == "clocksource=xen" || word == "clock=xen" || word == "earlyprintk=xen" ||
      word == "earlycon=xenboot") {
    return true;
  }
  for (const std::string_view start : {"xencons=", "xen_", "xen-", "xen.", "independent_wallclock=",
                                       "rd.driver.pre=xen", "rdloaddriver=xen"}) {
    if (word.starts_with(start)) {
      return true;
    }
  }
  return false;
}

// What a PV guest passes over, and what keeps an HVM guest from Xen's disks and cards.
bool hides_xen(std::string_view word) {
  return word == "xen_nopv" || word == "nopv" || word.starts_with("xen_emul_unplug=");
}

// Values that a shell or GRUB fills in, and roots that are no disk.
bool is_not_a_disk(std::string_view value) {
  return value.empty() || value.find('$') != std::string_view::npos ||
         value.starts_with("/dev/nfs") || value.starts_with("/dev/ram") || value == "/dev/root" ||
         value.starts_with("ZFS=") || value.starts_with("nfs:");
}

// Removes a word and the blanks before it; those behind it for the first word, as what stands
// before that one parts the arguments from the kernel's path.
void erase_word(std::string& text, std::size_t at, std::size_t size) {
  std::size_t begin = at, end = at + size;
  while (begin > 0 && is_blank(text[begin - 1])) {
    --begin;
  }
  if (begin == 0) {
    begin = at;
    while (end < text.size() && is_blank(text[end])) {
      ++end;
    }
  }
  text.erase(begin, end - begin);
}

void add_word(std::string& text, std::string_view word) {
  std::size_t end = text.size();
  while (end > 0 && is_blank(text[end - 1])) {
    --end;
  }
  text.insert(end, (end == 0 ? "" : " ") + std::string(word));
}

}  // namespace

bool names_serial_console(std::string_view text) {
  const auto words = words_of(text);
  return std::any_of(words.begin(), words.end(),
                     [](std::string_view word) { return word.starts_with("console=ttyS"); });
}

std::string Arguments::corrected(std::string_view before, const Occasion& occasion) {
  if (before.size() > k_longest) {
    return std::string(before);
  }
  // The console that "xl console" shows of an HVM guest is the serial port, as with KVM.
  const bool serial_port = m_facts.boots_disk;
  std::string text(before);
  const std::vector<std::string_view> words = words_of(before);
  bool serial = names_serial_console(before);
  std::string result;
  // From the last word to the first, so that positions in front of a change stay right.
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    const auto at = static_cast<std::size_t>(word->data() - before.data());
    if (is_left_out(*word)) {
      erase_word(text, at, word->size());
    } else if (serial_port && is_xen_console(*word)) {
      serial ? erase_word(text, at, word->size())
             : static_cast<void>(text.replace(at, word->size(), k_serial));
      serial = true;
    } else if (const auto now = corrected_word(*word, occasion); !now) {
      erase_word(text, at, word->size());
    } else if (*now != *word) {
      text.replace(at, word->size(), *now);
    }
  }
  if (serial_port && !serial && occasion.console == Console::add_if_none) {
    if (text.find("console=") == std::string::npos) {
      add_word(text, "console=tty0");
    }
    add_word(text, k_serial);
  }
  return text;
}

bool Arguments::is_left_out(std::string_view word) const {
  return m_facts.to == "kvm" ? is_for_xen_only(word) : m_facts.boots_disk && hides_xen(word);
}

std::optional<std::string> Arguments::corrected_word(std::string_view word,
                                                     const Occasion& occasion) {
  constexpr std::string_view k_root = "root=", k_resume = "resume=";
  if (word.starts_with(k_root)) {
    return "root=" + corrected_root(word.substr(k_root.size()), occasion);
  }
  if (word.starts_with(k_resume)) {
    const auto value = corrected_resume(word.substr(k_resume.size()), occasion);
    return value ? std::optional("resume=" + *value) : std::nullopt;
  }
  // Arch: cryptdevice=/dev/xvda2:name:options
  constexpr std::string_view k_crypt = "cryptdevice=";
  if (word.starts_with(k_crypt)) {
    const std::string_view device = word.substr(k_crypt.size(), word.find(':') - k_crypt.size());
    const auto now = new_name(device, occasion.initrd);
    return now ? with_part(word, device, *now) : std::string(word);
  }
  return std::string(word);
}

// UUIDs, labels and LVM names that a filesystem of the target has.
bool Arguments::is_known(std::string_view value) const {
  for (const Filesystem& fs : m_facts.filesystems) {
    const auto is = [&](std::string_view prefix, const std::string& name) {
      return !name.empty() && value.starts_with(prefix) && value.substr(prefix.size()) == name;
    };
    if (is("UUID=", fs.uuid) || is("LABEL=", fs.label) || is("/dev/disk/by-uuid/", fs.uuid) ||
        is("/dev/disk/by-label/", fs.label) || is("/dev/", fs.device)) {
      return true;
    }
    const auto named = [&](const std::string& name) { return is("/dev/", name); };
    if (fs.array && std::any_of(fs.array->names.begin(), fs.array->names.end(), named)) {
      return true;
    }
    const std::size_t slash = fs.device.find('/');
    if (slash == std::string::npos) {
      continue;
    }
    // vg-a/lv is /dev/mapper/vg--a-lv.
    std::string mapper;
    for (std::size_t i = 0; i < fs.device.size(); ++i) {
      mapper += i == slash ? "-" : fs.device[i] == '-' ? "--" : std::string(1, fs.device[i]);
    }
    if (is("/dev/mapper/", mapper)) {
      return true;
    }
  }
  return false;
}

std::optional<std::string> Arguments::new_name(std::string_view value, Initrd initrd) const {
  constexpr std::string_view k_dev = "/dev/";
  if (!value.starts_with(k_dev)) {
    return std::nullopt;
  }
  auto device = m_devices.target_of(std::string(value.substr(k_dev.size())));
  if (!device &&
      (value.starts_with("/dev/disk/by-path/") || value.starts_with("/dev/disk/by-id/"))) {
    const auto behind = disk_behind_link(value);
    device = behind ? m_devices.target_of(*behind) : std::nullopt;
  }
  if (!device || m_facts.filesystem(*device) == nullptr) {
    return std::nullopt;
  }
  // An HVM guest's kernel may call its disks xvde or sda, too.
  const bool lasting = m_facts.to == "xen" && m_facts.boots_disk;
  return *device == value.substr(k_dev.size()) && !lasting ? std::string(value)
                                                           : name_of(*device, initrd);
}

std::string Arguments::name_of(const std::string& device, Initrd initrd) const {
  const Filesystem* fs = m_facts.filesystem(device);
  return initrd == Initrd::present && fs != nullptr && !fs->uuid.empty() ? "UUID=" + fs->uuid
                                                                         : "/dev/" + device;
}

std::string Arguments::corrected_root(std::string_view value, const Occasion& occasion) {
  std::string_view bare = unquoted(value);
  if (is_not_a_disk(bare) || bare.starts_with("PARTUUID=") || bare.starts_with("PARTLABEL=")) {
    return std::string(value);
  }
  if (const auto name = new_name(bare, occasion.initrd)) {
    return *name;
  }
  if (is_known(bare)) {
    return std::string(value);
  }
  // A path of a bus that does not tell which disk it was: the root is the one that was found.
  if (bare.starts_with("/dev/disk/by-path/") || bare.starts_with("/dev/disk/by-id/")) {
    return name_of(m_facts.root_device, occasion.initrd);
  }
  report_root(bare, occasion.importance);
  return std::string(value);
}

std::optional<std::string> Arguments::corrected_resume(std::string_view value,
                                                       const Occasion& occasion) {
  if (const auto name = new_name(value, occasion.initrd)) {
    return name;
  }
  if (is_not_a_disk(value) || !value.starts_with("/dev/") || is_known(value)) {
    return std::string(value);
  }
  // Waiting for a device that never comes would hold up each boot.
  if (m_reported.insert("resume=" + std::string(value)).second) {
    m_guest.finding("resume-not-found", VMCONVERT_INFORMS,
                    "resume=" + std::string(value) +
                        " names a device that the target does not have, so it is left out",
                    "Nothing, unless the guest hibernates: then name its swap by UUID.");
  }
  return std::nullopt;
}

void Arguments::report_root(std::string_view value, Importance importance) {
  if (!m_reported.insert(std::string(value)).second) {
    return;
  }
  m_guest.finding(
      "root-not-found", importance == Importance::vital ? VMCONVERT_BLOCKS : VMCONVERT_WARNS,
      "root=" + std::string(value) + " in the boot menu names no filesystem of the guest",
      "Name the root filesystem by its UUID in the guest's boot menu, or add the disk "
      "that it lies on.");
}

}  // namespace vmconvert::fixer::bootloader
