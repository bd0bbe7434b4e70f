#include "model/addresses.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"

namespace vmconvert::model {
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

ValueProblem no_address(const std::string& text) {
  return {text, "this is no address", "give an IPv4 or IPv6 address in numbers"};
}

std::optional<unsigned> parse_prefix(const std::string& text, int family) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const unsigned most = family == AF_INET ? 32 : 128;
  return error == std::errc() && end == text.data() + text.size() && value > 0 && value <= most
             ? std::optional(value)
             : std::nullopt;
}

struct Parts {
  std::string from;
  std::string to;
  std::optional<std::string> prefix;
};

std::optional<Parts> parts_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return std::nullopt;
  }
  Parts parts{text.substr(0, equals), text.substr(equals + 1), std::nullopt};
  if (const std::size_t slash = parts.to.find('/'); slash != std::string::npos) {
    parts.prefix = parts.to.substr(slash + 1);
    parts.to.resize(slash);
  }
  return parts;
}

std::optional<ValueProblem> check_change(const std::string& text) {
  const auto parts = parts_of(text);
  if (!parts) {
    return ValueProblem{text, "there is no = in it", "write it as OLD=NEW or OLD=NEW/PREFIX"};
  }
  const int family = family_of(parts->from);
  for (const std::string& address : {parts->from, parts->to}) {
    if (family_of(address) == 0) {
      return no_address(address);
    }
  }
  if (family_of(parts->to) != family) {
    return ValueProblem{
        text, "the two are not of one family",
        "map an IPv4 address to an IPv4 address, an IPv6 address to an IPv6 address"};
  }
  if (parts->prefix && !parse_prefix(*parts->prefix, family)) {
    return ValueProblem{
        text, fmt::format("the prefix is not between 1 and {}", family == AF_INET ? 32 : 128),
        "write the new address as 192.0.2.10/24"};
  }
  return std::nullopt;
}

bool is_label(const std::string& label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](unsigned char byte) {
           return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                  (byte >= '0' && byte <= '9') || byte == '-';
         });
}

}  // namespace

std::vector<AddressChange> address_changes(const std::vector<std::string>& texts) {
  std::vector<AddressChange> changes;
  for (const std::string& text : texts) {
    if (const auto parts = parts_of(text)) {
      const unsigned prefix =
          parts->prefix ? parse_prefix(*parts->prefix, family_of(parts->from)).value_or(0) : 0;
      changes.push_back({parts->from, parts->to, prefix});
    }
  }
  return changes;
}

std::optional<ValueProblem> check_addresses(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (auto problem = check_change(text)) {
      return problem;
    }
  }
  const std::vector<AddressChange> changes = address_changes(texts);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const bool again =
        std::any_of(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const AddressChange& other) {
                      return other.from == changes[i].from || other.to == changes[i].to;
                    });
    if (again) {
      return ValueProblem{texts[i], "an address in it was given before",
                          "map each old address once, and to an address of its own"};
    }
  }
  return std::nullopt;
}

std::optional<ValueProblem> check_gateways(const std::vector<std::string>& texts) {
  std::vector<int> families;
  for (const std::string& text : texts) {
    const int family = family_of(text);
    if (family == 0) {
      return no_address(text);
    }
    if (std::find(families.begin(), families.end(), family) != families.end()) {
      return ValueProblem{text, "there is one of this family already",
                          "give one IPv4 and one IPv6 gateway at most"};
    }
    families.push_back(family);
  }
  return std::nullopt;
}

std::optional<ValueProblem> check_name_servers(const std::vector<std::string>& texts) {
  const auto wrong = std::find_if(texts.begin(), texts.end(),
                                  [](const std::string& text) { return family_of(text) == 0; });
  return wrong == texts.end() ? std::nullopt : std::optional(no_address(*wrong));
}

std::optional<ValueProblem> check_host_name(const std::string& text) {
  const std::vector<std::string> labels = split(text, '.');
  if (!text.empty() &&
      (text.size() > 253 || !std::all_of(labels.begin(), labels.end(), is_label))) {
    return ValueProblem{text, "this is no host name",
                        "use letters, digits and dashes, with dots between the parts"};
  }
  return std::nullopt;
}

}  // namespace vmconvert::model
