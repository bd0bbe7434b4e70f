#include "job/new_identity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vmconvert::job {
namespace {

using testing::StartsWith;

model::Domain web() {
  model::Domain domain;
  domain.name = "web";
  domain.uuid = "5c3d9b7e-0d9b-4c3e-9a56-0a5a3a1f7b11";
  domain.nics = {{"00:16:3e:12:34:56", "xenbr0"}, {"", "xenbr1"}};
  return domain;
}

Request request_for(model::IdentityProfile profile) {
  Request request;
  request.wishes.identity = profile;
  return request;
}

TEST(NewIdentity, StaysTheSameUnlessBothAreToLive) {
  for (const auto profile : {model::IdentityProfile::move, model::IdentityProfile::clone}) {
    const NewIdentity identity = new_identity(web(), "web", request_for(profile));
    EXPECT_EQ(identity.uuid, web().uuid);
    EXPECT_TRUE(identity.macs.empty());
  }
}

TEST(NewIdentity, IsTheSameEachTimeAndAnotherForEachName) {
  const Request request = request_for(model::IdentityProfile::both_alive);
  const NewIdentity one = new_identity(web(), "web2", request);
  const NewIdentity again = new_identity(web(), "web2", request);
  const NewIdentity other = new_identity(web(), "web3", request);
  EXPECT_EQ(one.uuid, again.uuid);
  EXPECT_EQ(one.macs, again.macs);
  EXPECT_NE(one.uuid, other.uuid);
  EXPECT_NE(one.macs, other.macs);
  EXPECT_NE(one.uuid, web().uuid);
  ASSERT_EQ(one.macs.size(), 2U);
  EXPECT_NE(one.macs[0], one.macs[1]);
  EXPECT_THAT(one.macs[0], StartsWith("52:54:00:"));
}

TEST(NewIdentity, TakesXensNumbersForXen) {
  Request request = request_for(model::IdentityProfile::clone);
  request.to = model::TargetHypervisor::xen;
  request.wishes.reset = {"domain"};
  EXPECT_THAT(new_identity(web(), "web", request).macs.at(0), StartsWith("00:16:3e:"));
  request = request_for(model::IdentityProfile::both_alive);
  request.wishes.keep = {"domain"};
  EXPECT_EQ(new_identity(web(), "web", request).uuid, web().uuid);
}

TEST(DerivedUuid, IsOneAndKeepsItsPartsApart) {
  const std::string uuid = derived_uuid({"ab", "c"});
  ASSERT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '8');
  EXPECT_NE(uuid, derived_uuid({"a", "bc"}));
}

}  // namespace
}  // namespace vmconvert::job
