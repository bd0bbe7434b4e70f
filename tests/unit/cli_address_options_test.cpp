#include "cli/address_options.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace vmconvert::cli {
namespace {

template <class Body>
void expect_usage(Body&& body) {
  try {
    body();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage) << error.message();
  }
}

TEST(AddressOptions, ReadsAMap) {
  const auto changes = parse_addresses({"10.0.0.5=192.0.2.10/24", "2001:db8::5=2001:db8:1::5"});
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0], (model::AddressChange{"10.0.0.5", "192.0.2.10", 24}));
  EXPECT_EQ(changes[1], (model::AddressChange{"2001:db8::5", "2001:db8:1::5", 0}));
}

TEST(AddressOptions, RefusesWhatIsNoMap) {
  for (const char* text :
       {"10.0.0.5", "10.0.0=10.0.0.6", "10.0.0.5=web", "10.0.0.5=10.0.0.6/33", "10.0.0.5=10.0.0.6/",
        "10.0.0.5=2001:db8::5", "10.0.0.5=10.0.0.6/-1", "10.0.0.5=10.0.0.6/24x"}) {
    SCOPED_TRACE(text);
    expect_usage([&] { parse_addresses({text}); });
  }
  expect_usage([] { parse_addresses({"10.0.0.5=10.0.1.5", "10.0.0.5=10.0.1.6"}); });
  expect_usage([] { parse_addresses({"10.0.0.5=10.0.1.5", "10.0.0.6=10.0.1.5"}); });
}

TEST(AddressOptions, TakesOneGatewayAFamily) {
  EXPECT_EQ(parse_gateways({"10.0.0.1", "2001:db8::1"}).size(), 2U);
  expect_usage([] { parse_gateways({"10.0.0.1", "10.0.0.2"}); });
  expect_usage([] { parse_name_servers({"dns.example.org"}); });
}

TEST(AddressOptions, KnowsHostNames) {
  EXPECT_EQ(parse_host_name("web-2.example.org"), "web-2.example.org");
  for (const char* text : {"-web", "web_2", "web..org", "web\n127.0.0.1 x", ".web"}) {
    SCOPED_TRACE(text);
    expect_usage([&] { parse_host_name(text); });
  }
}

}  // namespace
}  // namespace vmconvert::cli
