// systemd: its generator starts a getty on the kernel's console by itself, so only what the
// administrator has set up for the Xen console by hand is moved.
#include "consoles.hpp"

namespace vmconvert::fixer::consoles {

namespace {

constexpr std::string_view k_units = "/etc/systemd/system/";

std::string serial_unit(std::string_view ending) {
  return "serial-getty@" + std::string(k_serial) + ".service" + std::string(ending);
}

// getty@.service is made for screens, and systemd's own serial-getty would run beside it.
std::string serial_target(Host& guest, const std::string& target) {
  const std::string template_name = "getty@.service";
  const std::size_t slash = target.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  if (target.substr(name) == template_name) {
    const std::string serial = target.substr(0, name) + "serial-" + template_name;
    return !serial.starts_with('/') || guest.is_file(serial) ? serial : target;
  }
  return with_serial(target);
}

void move_link(Host& guest, const std::string& link) {
  const std::string folder = link.substr(0, link.rfind('/') + 1);
  const std::string serial = folder + serial_unit("");
  if (!guest.is_link(serial) && !guest.exists(serial)) {
    guest.symlink(serial, serial_target(guest, guest.read_link(link)));
  }
  guest.remove(link);
}

// A unit file of its own, or a folder of drop-ins: copied, as the old one does no harm.
void copy_text(Host& guest, const std::string& from, const std::string& to) {
  if (guest.is_link(from) || guest.is_link(to) || guest.exists(to)) {
    return;
  }
  if (const auto text = text_file(guest, from)) {
    guest.write(to, with_serial(*text));
  }
}

void copy_settings(Host& guest, const std::string& unit) {
  copy_text(guest, std::string(k_units) + unit, std::string(k_units) + serial_unit(""));
  const std::string folder = std::string(k_units) + unit + ".d";
  for (const std::string& name : guest.list(folder)) {
    copy_text(guest, folder + "/" + name, std::string(k_units) + serial_unit(".d/") + name);
  }
}

}  // namespace

void fix_units(Host& guest) {
  for (const std::string_view console : k_xen_consoles) {
    const std::string unit = "serial-getty@" + std::string(console) + ".service";
    copy_settings(guest, unit);
    for (const std::string& name : {unit, "getty@" + std::string(console) + ".service"}) {
      for (const std::string& link : guest.glob(std::string(k_units) + "*.wants/" + name)) {
        move_link(guest, link);
      }
    }
  }
  const std::string console_getty =
      std::string(k_units) + "getty.target.wants/console-getty.service";
  if (guest.is_link(console_getty)) {
    guest.finding("console-getty-enabled", VMCONVERT_INFORMS,
                  "console-getty.service is enabled; with the console on ttyS0 systemd starts "
                  "serial-getty@ttyS0 as well, and the two share one line",
                  "Disable console-getty.service in the guest if its login prompt is garbled.");
  }
}

}  // namespace vmconvert::fixer::consoles
