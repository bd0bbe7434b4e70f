#include "batch/blueprint_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "batch/window.hpp"
#include "model/addresses.hpp"
#include "model/snapshot_size.hpp"

namespace vmconvert::batch {
namespace {

constexpr std::size_t k_most_problems = 200;

// The words of the command line's own checks.
void check_together(BlueprintFile& file, const GuestBlueprint& guest, const std::string& where) {
  Texts places;
  unsigned line = guest.line;
  for (const char* key : {"dir", "vg", "pool"}) {
    if (const auto found = guest.settings.find(key); found != guest.settings.end()) {
      places.emplace_back(key);
      line = std::max(line, found->second.line);
    }
  }
  if (places.size() > 1) {
    add_problem(file, line,
                fmt::format("{} has several places for its disks: {}", where, join(places, ", ")),
                "keep one");
  }
  const auto needs = [&](const char* key, bool bad, const std::string& message, const char* hint) {
    if (const auto found = guest.settings.find(key); found != guest.settings.end() && bad) {
      add_problem(file, found->second.line, message, hint);
    }
  };
  const bool vg = guest.settings.contains("vg");
  needs("thin_pool", !vg, "\"thin_pool\" is a pool of a volume group",
        "name the group: vg = \"...\"");
  needs("format", vg && guest.text("format") != "raw", "a logical volume holds a raw disk",
        "leave \"format\" out, or use \"dir\"");
  needs("start", guest.flag("start", false) && !guest.flag("define", true),
        "\"start\" needs the domain to be defined", "leave define = false out");
  needs("trial", guest.flag("trial", false) && guest.text("to") == "xen",
        "a trial boots under QEMU, which cannot boot a guest made for Xen", "leave \"trial\" out");
  needs("type", guest.adjustments().xen_type != model::XenType::keep && guest.text("to") != "xen",
        "\"type\" is a kind of Xen guest, and the new domain would be one of KVM",
        "say to = \"xen\", or leave \"type\" out");
  needs("snapshot", !model::parse_snapshot_size(guest.text("snapshot")),
        "\"snapshot\" is neither a size nor a percentage", "write it as \"10%\" or \"4 GiB\"");
  const Texts kept = guest.texts("identity_keep");
  for (const std::string& group : guest.texts("identity_reset")) {
    needs("identity_reset", std::find(kept.begin(), kept.end(), group) != kept.end(),
          fmt::format("the group \"{}\" of the identity cannot be kept and reset", group),
          "name it once");
  }
}

// Of who the guest is on its network.
void check_addresses(BlueprintFile& file, const GuestBlueprint& guest) {
  const auto check = [&](const char* key, const std::optional<model::ValueProblem>& wrong) {
    if (wrong) {
      add_problem(file, guest.settings.at(key).line,
                  fmt::format("\"{}\": {}: {}", key, wrong->text, wrong->why), wrong->remedy);
    }
  };
  check("network.addresses", model::check_addresses(guest.changes()));
  check("network.gateway", model::check_gateways(guest.texts("network.gateway")));
  check("network.dns", model::check_name_servers(guest.texts("network.dns")));
  check("hostname", model::check_host_name(guest.text("hostname")));
}

void check_times(BlueprintFile& file) {
  const auto check = [&file](const std::string& text, const std::string& key) {
    if (!Window::parse(text)) {
      add_problem(file, file.batch.settings[key].line,
                  fmt::format("\"{}\": \"{}\" is no time of the week", key, text),
                  "write it as \"22:00-05:00\", \"Mon-Fri 22:00-05:00\" or \"Sat,Sun "
                  "00:00-24:00\"");
    }
  };
  for (const std::string& text : file.batch.texts("window")) {
    check(text, "window");
  }
  for (const auto& [time, rate] : file.batch.map("rate_limit_during")) {
    check(time, "rate_limit_during");
    if (!parse_size(rate)) {
      add_problem(file, file.batch.settings["rate_limit_during"].line,
                  fmt::format("\"{}\" is no rate", rate), "write it as \"20M\"");
    }
  }
}

// One label for two guests: their state would be one, too.
void check_names(BlueprintFile& file) {
  std::map<std::string, unsigned> seen;
  for (const GuestBlueprint& guest : file.guests) {
    if (!guest.settings.contains("source")) {
      continue;
    }
    const auto [place, is_new] = seen.emplace(guest.label(), guest.line);
    if (!is_new) {
      add_problem(file, guest.line,
                  fmt::format("a second guest called \"{}\"; the first is in line {}",
                              guest.label(), place->second),
                  "give one of them another \"name\"");
    }
  }
}

}  // namespace

void add_problem(BlueprintFile& file, unsigned line, std::string message, std::string hint) {
  if (file.problems.size() < k_most_problems) {
    file.problems.push_back({file.path, line, std::move(message), std::move(hint)});
  }
}

void check_sense(BlueprintFile& file) {
  for (const GuestBlueprint& guest : file.guests) {
    check_together(file, guest, "the guest");
    check_addresses(file, guest);
  }
  check_times(file);
  check_names(file);
  if (file.guests.empty()) {
    check_together(file, file.defaults, "[defaults]");
    check_addresses(file, file.defaults);
  }
}

}  // namespace vmconvert::batch
