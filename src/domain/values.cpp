#include "domain/values.hpp"

#include <fmt/format.h>
#include <libxml/xmlstring.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::domain {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

std::string why_not_a_name(std::string_view name) {
  if (trim(name).empty()) {
    return "it is empty";
  }
  if (name == "." || name == "..") {
    return "it means a folder";
  }
  if (name.find('/') != std::string_view::npos) {
    return "it has a slash in it";
  }
  if (std::any_of(name.begin(), name.end(), is_control)) {
    return "it has a control character in it";
  }
  if (name.size() > k_name_limit) {
    return fmt::format("it is longer than {} bytes", k_name_limit);
  }
  const std::string copy(name);
  if (xmlCheckUTF8(reinterpret_cast<const unsigned char*>(copy.c_str())) == 0) {
    return "it is not UTF-8";
  }
  return {};
}

// The bytes that one `unit` stands for; 0 if libvirt has no such unit.
std::uint64_t unit_bytes(std::string_view unit) {
  const std::string low = lowered(unit);
  if (low.empty() || low == "b" || low == "byte" || low == "bytes") {
    return 1;
  }
  const auto power = std::string_view("kmgtpe").find(low[0]);
  const std::string_view rest = std::string_view(low).substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) {
    return 0;
  }
  const std::uint64_t base = rest == "b" ? 1000 : 1024;
  std::uint64_t bytes = 1;
  for (std::size_t i = 0; i <= power; ++i) {
    bytes *= base;
  }
  return bytes;
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t k_shown = 80;
  const std::string shown = printable(replace_all(std::string(text.substr(0, k_shown)), "\n", " "));
  return fmt::format("\"{}{}\"", shown, text.size() > k_shown ? "..." : "");
}

void check_domain_name(std::string_view name, const std::string& origin) {
  const std::string why = why_not_a_name(name);
  if (!why.empty()) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {} cannot be a guest's name: {}", origin, in_quotes(name), why),
                "the name becomes part of file names: rename the guest, or give a copy of the "
                "description with another <name>");
  }
}

std::string normalised_uuid(std::string_view uuid, const std::string& origin) {
  std::string digits;
  for (const char c : uuid) {
    if (is_hex(c)) {
      digits += to_lower(c);
    } else if (c != '-' && c != ' ') {
      digits.clear();
      break;
    }
  }
  if (digits.size() != 32) {
    throw Error(ErrorKind::bad_input, fmt::format("{}: {} is not a uuid", origin, in_quotes(uuid)),
                "write it as 8-4-4-4-12 hexadecimal digits");
  }
  for (const std::size_t at : {8U, 13U, 18U, 23U}) {
    digits.insert(at, "-");
  }
  return digits;
}

std::string normalised_mac(std::string_view mac, const std::string& origin) {
  std::string result;
  const auto parts = split(trim(mac), ':');
  for (const std::string& part : parts) {
    if (part.empty() || part.size() > 2 || !std::all_of(part.begin(), part.end(), is_hex)) {
      result.clear();
      break;
    }
    result +=
        (result.empty() ? "" : ":") + std::string(part.size() == 1 ? "0" : "") + lowered(part);
  }
  if (parts.size() != 6 || result.empty()) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {} is not a MAC address", origin, in_quotes(mac)),
                "write it as six pairs of hexadecimal digits: 00:16:3e:00:00:01");
  }
  return result;
}

ByteCount to_bytes(std::string_view number, std::string_view unit, const std::string& origin) {
  const auto value = parse_number(trim(number));
  const std::uint64_t scale = unit_bytes(unit);
  if (!value || scale == 0 || *value > std::numeric_limits<std::uint64_t>::max() / scale) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {} with the unit {} is not an amount of memory", origin,
                            in_quotes(number), in_quotes(unit)),
                "write it as <memory unit='MiB'>1024</memory>");
  }
  return ByteCount{*value * scale};
}

void check_path(std::string_view path, const std::string& what, const std::string& origin) {
  if (std::any_of(path.begin(), path.end(), is_control)) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {}: the path {} has a control character in it", origin, what,
                            in_quotes(path)),
                "rename the file");
  }
  if (path.empty() || path.front() != '/') {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {}: the path {} is not absolute", origin, what, in_quotes(path)),
                "write the whole path, beginning with /");
  }
}

}  // namespace vmconvert::domain
