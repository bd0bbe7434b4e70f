#include "domain/xl_screens.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/values.hpp"
#include "domain/xl_settings.hpp"

namespace vmconvert::domain {
namespace {

struct Vnc {
  std::string listen;
  std::string display;  // empty: the first free one
  std::string password;
  std::string keymap;
};

constexpr unsigned k_vnc_port = 5900;

unsigned port_of(const std::string& display, const std::string& origin) {
  const auto number = parse_number(display);
  if (!number || *number > 65535 - k_vnc_port) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {} is not a VNC display number", origin, in_quotes(display)),
                "write vncdisplay=1, or leave it out for the first free one");
  }
  return k_vnc_port + static_cast<unsigned>(*number);
}

void add_listen(xmlNode& graphics, const std::string& address) {
  if (!address.empty()) {
    set_attribute(graphics, "listen", address);
    add(graphics, "listen", {{"type", "address"}, {"address", address}});
  }
}

void add_vnc(xmlNode& devices, Vnc vnc, const std::string& origin) {
  // xl also takes "127.0.0.1:2" for both.
  const auto colon = vnc.listen.find(':');
  if (colon != std::string::npos && colon == vnc.listen.rfind(':')) {
    vnc.display = vnc.listen.substr(colon + 1);
    vnc.listen.erase(colon);
  }
  const bool automatic = vnc.display.empty();
  xmlNode& node =
      add(devices, "graphics",
          {{"type", "vnc"},
           {"port", automatic ? std::string("-1") : std::to_string(port_of(vnc.display, origin))},
           {"autoport", automatic ? "yes" : "no"}});
  if (!vnc.password.empty()) {
    set_attribute(node, "passwd", vnc.password);
  }
  if (!vnc.keymap.empty()) {
    set_attribute(node, "keymap", vnc.keymap);
  }
  add_listen(node, vnc.listen);
}

void add_spice(xmlNode& devices, const XlFile& config) {
  const long port = config.number("spiceport").value_or(0);
  if (port < 0 || port > 65535) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: spiceport {} is not a port", config.origin(), port),
                "write a number from 1 to 65535");
  }
  xmlNode& node = add(devices, "graphics", {{"type", "spice"}});
  if (port != 0) {
    set_attribute(node, "port", std::to_string(port));
  }
  set_attribute(node, "autoport", port == 0 ? "yes" : "no");
  if (const auto password = config.text("spicepasswd"); password && !password->empty()) {
    set_attribute(node, "passwd", *password);
  }
  add_listen(node, config.text("spicehost").value_or(""));
}

void add_hvm_video(xmlNode& devices, const XlFile& config) {
  const std::string vga = config.text("vga").value_or("");
  const char* model = config.flag("stdvga", false) || vga == "stdvga" ? "vga" : "cirrus";
  if (vga == "qxl" || vga == "none") {
    model = vga == "qxl" ? "qxl" : "none";
  }
  add(add(devices, "video"), "model", {{"type", model}});
}

void add_hvm_screens(xmlNode& devices, const XlFile& config) {
  if (config.flag("vnc", false)) {
    const auto display = config.number("vncdisplay");
    const bool unused = config.flag("vncunused", true);
    add_vnc(
        devices,
        {config.text("vnclisten").value_or(""), unused ? "" : std::to_string(display.value_or(0)),
         config.text("vncpasswd").value_or(""), config.text("keymap").value_or("")},
        config.origin());
  }
  if (config.flag("spice", false)) {
    add_spice(devices, config);
  }
  add_hvm_video(devices, config);
}

}  // namespace

void add_screens(xmlNode& devices, const XlFile& config, bool hvm) {
  if (hvm) {
    add_hvm_screens(devices, config);
    return;
  }
  constexpr std::size_t k_most = 4;
  bool any = false;
  for (const std::string& line : config.list("vfb", k_most)) {
    const XlSettings vfb(line, config.origin() + ": vfb");
    if (vfb.get("type") == "sdl" || vfb.get("vnc") == "0") {
      continue;  // a window on the old host's own screen
    }
    add_vnc(devices,
            {vfb.get("vnclisten"), vfb.get("vncunused") == "1" ? "" : vfb.get("vncdisplay"),
             vfb.get("vncpasswd"), vfb.get("keymap")},
            config.origin());
    any = true;
  }
  if (any) {
    add(add(devices, "video"), "model", {{"type", "xen"}, {"vram", "4096"}});
  }
}

}  // namespace vmconvert::domain
