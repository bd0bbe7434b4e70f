#include "new_uuids.hpp"

namespace vmconvert::fixer::new_uuids {

namespace {

// So long that it stands nowhere by chance; shorter ones (1f2e3d4c-01) must stand alone.
constexpr std::size_t k_long = 32;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::toupper(byte)); });
  return text;
}

std::string without_dashes(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '-'), text.end());
  return text;
}

// 12345678-1234-1234-1234-123456789abc -> 12345678:12341234:12341234:56789abc (md(4),
// mdadm.conf(5))
std::string with_colons(const std::string& text) {
  std::string result = without_dashes(text);
  for (const std::size_t at : {24U, 16U, 8U}) {
    if (at < result.size()) {
      result.insert(at, 1, ':');
    }
  }
  return result;
}

std::string replaced(std::string text, const Spelling& one) {
  for (std::size_t at = text.find(one.from); at != std::string::npos;
       at = text.find(one.from, at + one.to.size())) {
    text.replace(at, one.from.size(), one.to);
  }
  return text;
}

}  // namespace

std::vector<Spelling> spellings(const NewId& id) {
  if (id.from.empty() || id.from == id.to || id.from.size() != id.to.size() || id.kind == "disk") {
    return {};
  }
  if (id.kind == "physical-volume" || id.kind == "volume-group") {  // letters of both cases
    return {{id.from, id.to}, {without_dashes(id.from), without_dashes(id.to)}};
  }
  std::vector<Spelling> all = {{id.from, id.to}};
  if (upper(id.from) != id.from) {
    all.push_back({upper(id.from), upper(id.to)});
  }
  if (lower(id.from) != id.from) {
    all.push_back({lower(id.from), lower(id.to)});
  }
  if (id.type == "crypto_LUKS") {  // as GRUB's cryptomount has it
    all.push_back({without_dashes(id.from), without_dashes(id.to)});
  }
  if (id.kind == "array") {
    all.push_back({with_colons(id.from), with_colons(id.to)});
    all.push_back({without_dashes(id.from), without_dashes(id.to)});
  }
  return all;
}

std::string with_new_ids(std::string text, const std::vector<Spelling>& all) {
  for (const Spelling& one : all) {
    text = one.from.size() >= k_long ? replaced(std::move(text), one)
                                     : with_name(std::move(text), one.from, one.to);
  }
  return text;
}

}  // namespace vmconvert::fixer::new_uuids
