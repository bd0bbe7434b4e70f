#include "job/new_identity.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>

namespace vmconvert::job {
namespace {

constexpr std::string_view k_domain_group = "domain";

// Each part with its length, so that no two lists of parts are one text.
std::array<unsigned char, 16> hash_of(const std::vector<std::string>& parts) {
  std::string text = "vmconvert identity";
  for (const std::string& part : parts) {
    text += fmt::format("\n{}:{}", part.size(), part);
  }
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(text.data(), text.size()));
  std::array<unsigned char, 16> bytes{};
  std::copy(std::begin(canonical.digest), std::end(canonical.digest), bytes.begin());
  return bytes;
}

bool has(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool changes_domain(const model::Wishes& wishes) {
  return (wishes.identity == model::IdentityProfile::both_alive &&
          !has(wishes.keep, k_domain_group)) ||
         has(wishes.reset, k_domain_group);
}

}  // namespace

std::string derived_uuid(const std::vector<std::string>& parts) {
  std::array<unsigned char, 16> bytes = hash_of(parts);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x80U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
  }
  return text;
}

NewIdentity new_identity(const model::Domain& source, const std::string& new_name,
                         const Request& request) {
  NewIdentity identity{source.uuid, {}};
  if (!changes_domain(request.wishes)) {
    return identity;
  }
  const char* to = model::to_string(request.to);
  identity.uuid = derived_uuid({"domain", source.uuid, source.name, new_name, to});
  // The numbers that QEMU's and Xen's own tools draw from.
  const char* prefix = request.to == model::TargetHypervisor::xen ? "00:16:3e" : "52:54:00";
  for (std::size_t i = 0; i < source.nics.size(); ++i) {
    const auto bytes = hash_of({"mac", identity.uuid, source.nics[i].mac, std::to_string(i)});
    identity.macs.push_back(
        fmt::format("{}:{:02x}:{:02x}:{:02x}", prefix, bytes[0], bytes[1], bytes[2]));
  }
  return identity;
}

}  // namespace vmconvert::job
