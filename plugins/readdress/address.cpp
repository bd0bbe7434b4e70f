// Addresses as values: text has many forms of one address, above all with IPv6.
#include <arpa/inet.h>

#include "readdress.hpp"

namespace vmconvert::fixer::readdress {

namespace {

bool is_address_byte(char byte) {
  return std::isxdigit(static_cast<unsigned char>(byte)) != 0 || byte == ':' || byte == '.';
}

bool is_word_byte(char byte) {
  return is_name_byte(byte) || byte == '-';
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  const std::string copy(text);
  Address address;
  if (copy.size() > INET6_ADDRSTRLEN) {
    return std::nullopt;
  }
  if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
    return address;
  }
  address = {};
  address.v6 = true;
  return ::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1 ? std::optional(address)
                                                                        : std::nullopt;
}

std::string text_of_address(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(), text.size());
  return text.data();
}

std::string netmask_of(unsigned prefix) {
  Address mask;
  for (unsigned bit = 0; bit < prefix && bit < 32; ++bit) {
    mask.bytes.at(bit / 8) |= static_cast<unsigned char>(0x80U >> (bit % 8));
  }
  return text_of_address(mask);
}

std::optional<unsigned> prefix_of(std::string_view netmask) {
  for (unsigned prefix = 0; prefix <= 32; ++prefix) {
    if (netmask == netmask_of(prefix)) {
      return prefix;
    }
  }
  return std::nullopt;
}

void Map::add(const std::string& from, const std::string& to, unsigned prefix) {
  if (const auto address = parse_address(from)) {
    m_entries.push_back({*address, {from, to, prefix}});
  }
}

const AddressChange* Map::find(const Address& address) const {
  for (const Entry& entry : m_entries) {
    if (entry.from == address) {
      return &entry.change;
    }
  }
  return nullptr;
}

const AddressChange* Map::find(std::string_view text) const {
  const auto address = parse_address(text);
  return address ? find(*address) : nullptr;
}

std::string Map::replaced(std::string_view line, const AddressChange** changed) const {
  if (trimmed(line).starts_with('#')) {
    return std::string(line);
  }
  std::string result;
  for (std::size_t at = 0; at < line.size();) {
    std::size_t end = at;
    while (end < line.size() && is_address_byte(line[end])) {
      ++end;
    }
    const bool alone = (at == 0 || !is_word_byte(line[at - 1])) &&
                       (end == line.size() || !is_word_byte(line[end]));
    const AddressChange* change = end > at && alone ? find(line.substr(at, end - at)) : nullptr;
    if (change == nullptr) {
      end = std::max(end, at + 1);
      result += line.substr(at, end - at);
      at = end;
      continue;
    }
    result += change->to;
    if (changed != nullptr) {
      *changed = change;
    }
    at = end;
    if (change->prefix > 0 && at < line.size() && line[at] == '/') {
      std::size_t digits = at + 1;
      while (digits < line.size() && std::isdigit(static_cast<unsigned char>(line[digits])) != 0) {
        ++digits;
      }
      if (digits > at + 1) {
        result += "/" + std::to_string(change->prefix);
        at = digits;
      }
    }
  }
  return result;
}

}  // namespace vmconvert::fixer::readdress
