#include "domain/xl_nics.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/read.hpp"
#include "domain/values.hpp"
#include "domain/xl_settings.hpp"

namespace vmconvert::domain {
namespace {

// What xl takes when the line names no bridge.
constexpr const char* k_default_bridge = "xenbr0";

// "10Mb/s" or "10MB/s@50ms" -> KiB a second, as libvirt counts; nothing if it is written otherwise.
std::optional<std::uint64_t> kib_per_second(std::string_view rate) {
  const auto digits = std::min(rate.find_first_not_of("0123456789"), rate.size());
  const auto amount = parse_number(rate.substr(0, digits));
  rate.remove_prefix(digits);
  constexpr std::uint64_t k_most = 1'000'000'000;
  if (!amount || *amount > k_most) {
    return std::nullopt;
  }
  std::uint64_t bytes = *amount;
  const auto power = rate.empty() ? std::string_view::npos : std::string_view("KMG").find(rate[0]);
  if (power != std::string_view::npos) {
    rate.remove_prefix(1);
    for (std::size_t i = 0; i <= power; ++i) {
      bytes *= 1024;
    }
  }
  if (!rate.starts_with("b/s") && !rate.starts_with("B/s")) {
    return std::nullopt;
  }
  const std::uint64_t kib = (rate[0] == 'b' ? bytes / 8 : bytes) / 1024;
  return kib == 0 ? std::nullopt : std::optional(kib);
}

void add_bandwidth(xmlNode& node, const std::string& rate) {
  if (const auto average = kib_per_second(rate)) {
    xmlNode& bandwidth = add(node, "bandwidth");
    add(bandwidth, "outbound", {{"average", std::to_string(*average)}});
  }
}

// Xen's Open vSwitch script takes VLANs behind the bridge's name: "ovsbr0.10", "ovsbr0:20:30", or
// both (an access tag, and trunks).
void add_open_vswitch(xmlNode& node, const std::string& bridge) {
  const auto end = bridge.find_first_of(".:");
  add(node, "source", {{"bridge", bridge.substr(0, end)}});
  add(node, "virtualport", {{"type", "openvswitch"}});
  const std::string tags = end == std::string::npos ? "" : bridge.substr(end + 1);
  if (tags.empty()) {
    return;
  }
  xmlNode& vlan = add(node, "vlan");
  if (bridge.find(':') != std::string::npos) {
    set_attribute(vlan, "trunk", "yes");
  }
  for (const std::string& tag : split(tags, ':')) {
    if (const auto number = parse_number(tag); number && *number < 4096) {
      add(vlan, "tag", {{"id", std::to_string(*number)}});
    }
  }
}

void add_source(xmlNode& node, const XlSettings& vif, bool routed) {
  const std::string bridge = vif.has("bridge") ? vif.get("bridge") : k_default_bridge;
  if (vif.get("script").ends_with("vif-openvswitch")) {
    add_open_vswitch(node, bridge);
  } else if (!routed) {
    add(node, "source", {{"bridge", bridge}});
  }
}

// Open vSwitch's script needs no mention: <virtualport> says it.
void add_script(xmlNode& node, const std::string& script) {
  if (!script.empty() && !script.ends_with("vif-openvswitch")) {
    add(node, "script", {{"path", script}});
  }
}

void add_nic(xmlNode& devices, const XlSettings& vif, bool hvm, const std::string& origin) {
  // Routed and NATed guests hang on no bridge.
  const std::string script = vif.get("script");
  const bool routed =
      !vif.has("bridge") && (script.ends_with("vif-route") || script.ends_with("vif-nat"));
  xmlNode& node = add(devices, "interface", {{"type", routed ? "ethernet" : "bridge"}});
  if (!vif.get("mac").empty()) {
    add(node, "mac", {{"address", normalised_mac(vif.get("mac"), origin)}});
  }
  add_source(node, vif, routed);
  for (const std::string& ip : words(vif.get("ip"))) {
    const bool v6 = ip.find(':') != std::string::npos;
    add(node, "ip", {{"address", ip}, {"family", v6 ? "ipv6" : "ipv4"}});
  }
  add_bandwidth(node, vif.get("rate"));
  add_script(node, script);
  const std::string model = vif.get("type") == "netfront" ? "netfront" : vif.get("model");
  if (hvm && !model.empty()) {
    add(node, "model", {{"type", model}});
  }
}

}  // namespace

void add_nics(xmlNode& devices, const XlFile& config) {
  const std::string type = config.text("type").value_or(config.text("builder").value_or("pv"));
  for (const std::string& line : config.list("vif", k_device_limit)) {
    const XlSettings vif(line, config.origin() + ": vif");
    add_nic(devices, vif, type == "hvm", config.origin());
  }
}

}  // namespace vmconvert::domain
