// sysvinit: gettys in /etc/inittab, and the terminals on which root may log in.
#include <vector>

#include "consoles.hpp"

namespace vmconvert::fixer::consoles {

namespace {

struct Entry {
  std::string_view id, levels, action, process;
};

// id:runlevels:action:process; nothing for comments and for lines that are off.
std::optional<Entry> active_entry(std::string_view line) {
  if (active_words(line).empty()) {
    return std::nullopt;
  }
  Entry entry;
  for (std::string_view* field : {&entry.id, &entry.levels, &entry.action}) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      return std::nullopt;
    }
    *field = trimmed(line.substr(0, colon));
    line.remove_prefix(colon + 1);
  }
  entry.process = line;
  return entry.action == "off" ? std::nullopt : std::optional(entry);
}

bool runs_on(const std::optional<Entry>& entry, std::string_view terminal) {
  return entry && has_name(entry->process, terminal);
}

bool any_serial(const std::vector<Line>& lines) {
  for (const Line& line : lines) {
    const auto entry = active_entry(line.text);
    if (entry && entry->process.find("ttyS") != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// A Xen getty becomes the serial one; a second one would fight over the same line.
bool move_gettys(std::vector<Line>& lines) {
  bool serial = false;
  for (const Line& line : lines) {
    serial = serial || runs_on(active_entry(line.text), k_serial);
  }
  bool moved = false;
  for (Line& line : lines) {
    const auto entry = active_entry(line.text);
    if (!entry || !names_xen_console(entry->process)) {
      continue;
    }
    if (serial) {
      line.text = commented_out(line.text);
    } else if (entry->levels.empty()) {  // busybox: the id is the terminal
      line.text = with_serial(line.text);
    } else {
      line.text = with_part(line.text, entry->process, with_serial(std::string(entry->process)));
    }
    serial = moved = true;
  }
  return moved;
}

// A PV guest whose kernel puts the Xen console on tty1 (xencons=tty) has its only getty there; an
// HVM guest had a screen. On KVM tty1 is the screen, and the serial line would be mute.
bool add_serial_getty(std::vector<Line>& lines) {
  if (any_serial(lines)) {
    return false;
  }
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const auto entry = active_entry(lines[at].text);
    if (!runs_on(entry, "tty1")) {
      continue;
    }
    std::string process = with_name(entry->process, "tty1", k_serial);
    if (process.find("mingetty") != std::string::npos) {  // knows no serial lines
      process = "/sbin/agetty -L 115200 ttyS0 vt102";
    }
    const std::string id = entry->levels.empty() ? std::string(k_serial) : "T0";
    add_line(lines, at, id + ":" + std::string(entry->levels) + ":respawn:" + process);
    return true;
  }
  return false;
}

// Root may log in on the serial line if it might on `before`.
void allow_root(Host& guest, const std::vector<std::string_view>& before) {
  const auto text = text_file(guest, "/etc/securetty");
  if (!text) {
    return;
  }
  std::vector<Line> lines = lines_of(*text);
  std::optional<std::size_t> after;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const std::string_view name = trimmed(lines[at].text);
    if (name == k_serial) {
      return;
    }
    if (!after && std::find(before.begin(), before.end(), name) != before.end()) {
      after = at;
    }
  }
  if (after) {
    add_line(lines, *after, std::string(k_serial));
    guest.update("/etc/securetty", text_of(lines));
  }
}

}  // namespace

void fix_inittab(Host& guest) {
  std::vector<std::string_view> root_terminals(k_xen_consoles.begin(), k_xen_consoles.end());
  if (const auto text = text_file(guest, "/etc/inittab")) {
    std::vector<Line> lines = lines_of(*text);
    if (!move_gettys(lines) && add_serial_getty(lines)) {
      root_terminals.emplace_back("tty1");
      report_added_getty(guest, "/etc/inittab", "remove the T0 line");
    }
    guest.update("/etc/inittab", text_of(lines));
  }
  allow_root(guest, root_terminals);
}

}  // namespace vmconvert::fixer::consoles
