#include "guest/wishes_json.hpp"

#include <nlohmann/json.hpp>

namespace vmconvert::guest {
namespace {

using Json = nlohmann::json;

model::IdentityProfile profile_from(const std::string& text) {
  for (const auto profile : {model::IdentityProfile::clone, model::IdentityProfile::both_alive}) {
    if (text == model::to_string(profile)) {
      return profile;
    }
  }
  return model::IdentityProfile::move;
}

}  // namespace

Json wishes_to_json(const model::Wishes& wishes) {
  Json addresses = Json::array();
  for (const model::AddressChange& change : wishes.addresses) {
    addresses.push_back({{"from", change.from}, {"to", change.to}, {"prefix", change.prefix}});
  }
  return {{"identity", model::to_string(wishes.identity)},
          {"keep", wishes.keep},
          {"reset", wishes.reset},
          {"scrub", wishes.scrub},
          {"new_uuids", wishes.new_uuids},
          {"hostname", wishes.hostname},
          {"kernel_packages", wishes.kernel_packages},
          {"addresses", std::move(addresses)},
          {"gateways", wishes.gateways},
          {"dns", wishes.dns}};
}

model::Wishes wishes_from_json(const Json& json) {
  model::Wishes wishes;
  wishes.identity = profile_from(json.value("identity", "move"));
  wishes.keep = json.value("keep", wishes.keep);
  wishes.reset = json.value("reset", wishes.reset);
  wishes.scrub = json.value("scrub", false);
  wishes.new_uuids = json.value("new_uuids", false);
  wishes.hostname = json.value("hostname", wishes.hostname);
  wishes.kernel_packages = json.value("kernel_packages", wishes.kernel_packages);
  for (const Json& item : json.value("addresses", Json::array())) {
    wishes.addresses.push_back({item.at("from"), item.at("to"), item.value("prefix", 0U)});
  }
  wishes.gateways = json.value("gateways", wishes.gateways);
  wishes.dns = json.value("dns", wishes.dns);
  return wishes;
}

}  // namespace vmconvert::guest
