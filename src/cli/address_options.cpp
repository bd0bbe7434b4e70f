#include "cli/address_options.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::cli {
namespace {

// AF_INET, AF_INET6, or 0 for what is no address.
int family_of(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, text.c_str(), bytes.data()) == 1) {
      return family;
    }
  }
  return 0;
}

[[noreturn]] void throw_usage(const char* option, const std::string& text, const std::string& why,
                              const char* remedy) {
  throw Error(ErrorKind::usage, fmt::format("{} {}: {}", option, printable(text), why), remedy);
}

int need_address(const char* option, const std::string& text) {
  const int family = family_of(text);
  if (family == 0) {
    throw_usage(option, text, "this is no address", "give an IPv4 or IPv6 address in numbers");
  }
  return family;
}

unsigned parse_prefix(const std::string& whole, const std::string& text, int family) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const unsigned most = family == AF_INET ? 32 : 128;
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > most) {
    throw_usage("--address", whole, fmt::format("the prefix is not between 1 and {}", most),
                "write the new address as 192.0.2.10/24");
  }
  return value;
}

model::AddressChange parse_change(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    throw_usage("--address", text, "there is no = in it", "write it as OLD=NEW or OLD=NEW/PREFIX");
  }
  model::AddressChange change{text.substr(0, equals), text.substr(equals + 1), 0};
  const int family = need_address("--address", change.from);
  if (const std::size_t slash = change.to.find('/'); slash != std::string::npos) {
    change.prefix = parse_prefix(text, change.to.substr(slash + 1), family);
    change.to.resize(slash);
  }
  if (need_address("--address", change.to) != family) {
    throw_usage("--address", text, "the two are not of one family",
                "map an IPv4 address to an IPv4 address, an IPv6 address to an IPv6 address");
  }
  return change;
}

bool is_label(const std::string& label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](unsigned char byte) {
           return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                  (byte >= '0' && byte <= '9') || byte == '-';
         });
}

}  // namespace

std::vector<model::AddressChange> parse_addresses(const std::vector<std::string>& texts) {
  std::vector<model::AddressChange> changes;
  for (const std::string& text : texts) {
    model::AddressChange change = parse_change(text);
    for (const model::AddressChange& other : changes) {
      if (other.from == change.from || other.to == change.to) {
        throw_usage("--address", text, "an address in it was given before",
                    "map each old address once, and to an address of its own");
      }
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

std::vector<std::string> parse_gateways(const std::vector<std::string>& texts) {
  std::vector<int> families;
  for (const std::string& text : texts) {
    const int family = need_address("--gateway", text);
    if (std::find(families.begin(), families.end(), family) != families.end()) {
      throw_usage("--gateway", text, "there is one of this family already",
                  "give one IPv4 and one IPv6 gateway at most");
    }
    families.push_back(family);
  }
  return texts;
}

std::vector<std::string> parse_name_servers(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    need_address("--dns", text);
  }
  return texts;
}

std::string parse_host_name(const std::string& text) {
  if (text.empty()) {
    return text;
  }
  const std::vector<std::string> labels = split(text, '.');
  if (text.size() > 253 || !std::all_of(labels.begin(), labels.end(), is_label)) {
    throw_usage("--hostname", text, "this is no host name",
                "use letters, digits and dashes, with dots between the parts");
  }
  return text;
}

}  // namespace vmconvert::cli
