#include "batch/blueprint_write.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "batch/blueprint_keys.hpp"

namespace vmconvert::batch {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\u{:04x}", byte);
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string list(const Texts& texts) {
  Texts parts;
  for (const std::string& text : texts) {
    parts.push_back(quoted(text));
  }
  return "[" + join(parts, ", ") + "]";
}

std::string inline_table(const TextMap& map) {
  Texts parts;
  for (const auto& [key, value] : map) {
    parts.push_back(fmt::format("{} = {}", quoted(key), quoted(value)));
  }
  return parts.empty() ? "{}" : "{ " + join(parts, ", ") + " }";
}

std::string value_text(const Setting& setting) {
  struct Writer {
    std::string operator()(const std::string& text) const { return quoted(text); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::uint64_t number) const { return fmt::format("{}", number); }
    std::string operator()(const Texts& texts) const { return list(texts); }
    std::string operator()(const TextMap& map) const { return inline_table(map); }
  };
  return std::visit(Writer{}, setting.value);
}

std::string size_text(ByteCount size) {
  return size.value % k_gib == 0   ? fmt::format("\"{} GiB\"", size.value / k_gib)
         : size.value % k_mib == 0 ? fmt::format("\"{} MiB\"", size.value / k_mib)
                                   : fmt::format("{}", size.value);
}

// What the reading tells, by key, as it stands in the file.
TextMap filled_in(const GuestReading& reading) {
  TextMap values;
  values["source"] = quoted(reading.source);
  if (!reading.connect.empty()) {
    values["connect"] = quoted(reading.connect);
  }
  values["name"] = quoted(reading.domain.name);
  values["memory"] = size_text(reading.domain.memory);
  values["vcpus"] = fmt::format("{}", reading.domain.vcpus);
  values["trial"] = "true";
  values["network.mac"] = quoted("keep");
  TextMap bridges;
  for (const model::DomainNic& nic : reading.domain.nics) {
    if (!nic.bridge.empty()) {
      bridges.emplace(nic.bridge, nic.bridge);
    }
  }
  if (!bridges.empty()) {
    values["network.bridges"] = inline_table(bridges);
  }
  return values;
}

// One line of a comment: nothing in it can end it.
std::string comment(const std::string& text) {
  return "# " + replace_all(printable(text), "\n", " ") + "\n";
}

std::string key_lines(const KeyEntry& key, const std::string& name, const TextMap& values) {
  std::string what = key.what;
  if (!key.choices.empty()) {
    what += ": " + join(key.choices, ", ");
  }
  const auto value = values.find(key.name);
  return comment(what) + (value == values.end() ? fmt::format("#{} = {}\n", name, key.example)
                                                : fmt::format("{} = {}\n", name, value->second));
}

}  // namespace

std::string new_blueprint(const GuestReading& reading) {
  const TextMap values = filled_in(reading);
  std::string text = comment("Blueprint for vmconvert. Every key: man 5 vmconvert-blueprint.");
  text += comment("Check it:   vmconvert blueprint check FILE");
  text += comment("Use it:     vmconvert convert " + reading.domain.name + " -b FILE");
  text += comment("Many of it: vmconvert batch FILE");
  text += "\n#[batch]\n";
  std::string guest =
      "\n# [defaults] may hold all keys of a guest but source and name.\n\n[[guest]]\n";
  for (const std::string& disk : reading.disks) {
    guest += comment(disk);
  }
  for (const model::DomainNic& nic : reading.domain.nics) {
    guest += comment(fmt::format("interface {} on {}", nic.mac, nic.bridge));
  }
  for (const model::Finding& finding : reading.findings) {
    guest += comment(fmt::format("{}: [{}] {}", model::to_string(finding.severity), finding.id,
                                 finding.message));
  }
  std::string network = "\n[guest.network]\n";
  std::string hook =
      "\n" + comment("A program of the site's; may be given several times.") + "#[[guest.hook]]\n";
  for (const KeyEntry& key : blueprint_keys()) {
    if (key.scope == KeyScope::batch) {
      text += key_lines(key, key.name, {});
    } else if (key.name.starts_with("network.")) {
      network += key_lines(key, key.name.substr(8), values);
    } else if (key.name.starts_with("hook.")) {
      hook += key_lines(key, key.name.substr(5), values);
    } else {
      guest += key_lines(key, key.name, values);
    }
  }
  return text + guest + network + hook;
}

std::string to_toml(const GuestBlueprint& guest) {
  std::string text = "[[guest]]\n";
  std::string network;
  for (const auto& [name, setting] : guest.settings) {
    if (name.starts_with("network.")) {
      network += fmt::format("{} = {}\n", name.substr(8), value_text(setting));
    } else {
      text += fmt::format("{} = {}\n", name, value_text(setting));
    }
  }
  if (!network.empty()) {
    text += "[guest.network]\n" + network;
  }
  for (const model::Hook& hook : guest.hooks) {
    text += fmt::format("[[guest.hook]]\nwhen = {}\nrun = {}\nlimit = {}\non_failure = {}\n",
                        quoted(model::to_string(hook.when)), list(hook.argv), hook.limit_seconds,
                        quoted(hook.on_failure == model::HookFailure::stop ? "stop" : "go-on"));
  }
  return text;
}

}  // namespace vmconvert::batch
