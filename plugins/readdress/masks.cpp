// ifupdown and ifcfg files write mask, network and broadcast beside an address:
// they follow it.
#include <map>

#include "readdress.hpp"

namespace vmconvert::fixer::readdress {

namespace {

// What one address brings along: views into lines that must not move meanwhile.
struct Companions {
  const AddressChange* change = nullptr;
  Line* netmask = nullptr;
  Line* prefix = nullptr;  // PREFIX=24, PREFIXLEN=24
  Line* network = nullptr;
  Line* broadcast = nullptr;
  std::optional<unsigned> old_prefix;
};

struct Part {
  std::string key;         // lower case, without a number behind it
  std::string number;      // IPADDR1 -> 1, IPADDR_0 -> _0
  std::string_view value;  // view into the line, without quotes
};

void set_value(Line* line, const std::string& now, const Part& part) {
  line->text = with_part(line->text, part.value, now);
}

// The first or last address of the network.
std::string edge_of(const Address& address, unsigned prefix, bool last) {
  Address edge = address;
  for (unsigned bit = prefix; bit < 32; ++bit) {
    const auto one = static_cast<unsigned char>(0x80U >> (bit % 8));
    if (last) {
      edge.bytes.at(bit / 8) |= one;
    } else {
      edge.bytes.at(bit / 8) &= static_cast<unsigned char>(~one);
    }
  }
  return text_of_address(edge);
}

std::optional<unsigned> small_prefix(std::string_view text) {
  if (text.empty() || text.size() > 3 ||
      text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  const auto value = static_cast<unsigned>(std::stoul(std::string(text)));
  return value <= 128 ? std::optional(value) : std::nullopt;
}

template <class Split>
void settle(const Companions& found, Split&& split) {
  const AddressChange& change = *found.change;
  const auto address = parse_address(change.to);
  if (!address) {
    return;
  }
  if (address->v6) {  // its mask is a number, and there is no broadcast
    if (change.prefix > 0 && found.netmask != nullptr) {
      set_value(found.netmask, std::to_string(change.prefix), split(found.netmask->text));
    }
    return;
  }
  if (change.prefix > 0 && found.netmask != nullptr) {
    const Part part = split(found.netmask->text);
    const bool is_number = small_prefix(part.value).has_value();  // "netmask 24"
    set_value(found.netmask, is_number ? std::to_string(change.prefix) : netmask_of(change.prefix),
              part);
  }
  if (change.prefix > 0 && found.prefix != nullptr) {
    set_value(found.prefix, std::to_string(change.prefix), split(found.prefix->text));
  }
  const std::optional<unsigned> prefix =
      change.prefix > 0 ? std::optional(change.prefix) : found.old_prefix;
  if (!prefix) {
    return;
  }
  if (found.network != nullptr) {
    set_value(found.network, edge_of(*address, *prefix, false), split(found.network->text));
  }
  if (found.broadcast != nullptr) {
    const Part part = split(found.broadcast->text);
    if (parse_address(part.value)) {  // ifupdown also knows "broadcast +"
      set_value(found.broadcast, edge_of(*address, *prefix, true), part);
    }
  }
}

void take(Companions& found, Line& line, const Part& part, const AddressChange* change) {
  if (part.key == "address" || part.key == "ipaddr") {
    found.change = change;
    const std::size_t slash = line.text.rfind('/');
    const auto behind = slash == std::string::npos
                            ? std::nullopt
                            : small_prefix(unquoted(std::string_view(line.text).substr(slash + 1)));
    found.old_prefix = behind ? behind : found.old_prefix;
  } else if (part.key == "netmask") {
    found.netmask = &line;
    const auto number = small_prefix(part.value);
    found.old_prefix = number ? number : prefix_of(part.value);
  } else if (part.key == "prefix" || part.key == "prefixlen") {
    found.prefix = &line;
    found.old_prefix = small_prefix(part.value);
  } else if (part.key == "network") {
    found.network = &line;
  } else if (part.key == "broadcast") {
    found.broadcast = &line;
  }
}

Part part_of_stanza(std::string_view line) {
  const auto words = active_words(line);
  return words.size() < 2 ? Part{} : Part{lower(words[0]), "", words[1]};
}

Part part_of_ifcfg(std::string_view line) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos || trimmed(line).starts_with('#')) {
    return {};
  }
  std::string key = lower(trimmed(line.substr(0, equals)));
  const std::size_t number = key.find_first_of("_0123456789");
  std::string behind = number == std::string::npos ? "" : key.substr(number);
  key = key.substr(0, number);
  return {key, behind, unquoted(line.substr(equals + 1))};
}

}  // namespace

void fix_masks_of_stanzas(std::vector<Line>& lines, const LineChanges& changes) {
  Companions found;
  for (std::size_t i = 0; i <= lines.size(); ++i) {
    const Part part = i < lines.size() ? part_of_stanza(lines[i].text) : Part{"iface", "", ""};
    if (part.key == "iface" || part.key == "auto" || part.key == "mapping") {
      if (found.change != nullptr) {
        settle(found, part_of_stanza);
      }
      found = {};
    } else {
      take(found, lines[i], part, changes.at(i) != nullptr ? changes[i] : found.change);
    }
  }
}

void fix_masks_of_ifcfg(std::vector<Line>& lines, const LineChanges& changes) {
  std::map<std::string, Companions> found;  // by number
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Part part = part_of_ifcfg(lines[i].text);
    Companions& mine = found[part.number];
    take(mine, lines[i], part, changes.at(i) != nullptr ? changes[i] : mine.change);
  }
  for (const auto& [number, companions] : found) {
    if (companions.change != nullptr) {
      settle(companions, part_of_ifcfg);
    }
  }
}

}  // namespace vmconvert::fixer::readdress
