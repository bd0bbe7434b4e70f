#include "host/domain_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace vmconvert::host {
namespace {

TEST(DomainState, SaysWhatRunsAndWhatStartsWithItsHost) {
  Connection connection = Connection::open("test:///default", Access::read_write);
  const auto first = domain_state(connection, "test");
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->active);
  EXPECT_EQ(first->autostart, std::optional(false));
  EXPECT_EQ(first->uuid, connection.list().at(0).uuid);

  set_autostart(connection, "test", true);
  connection.stop("test");
  const auto second = domain_state(connection, "test");
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->active);
  EXPECT_EQ(second->autostart, std::optional(true));
  set_autostart(connection, "test", false);
  EXPECT_EQ(domain_state(connection, "test")->autostart, std::optional(false));
}

TEST(DomainState, IsNothingForADomainThatIsNotThere) {
  Connection connection = Connection::open("test:///default", Access::read_write);
  EXPECT_FALSE(domain_state(connection, "web01"));
  try {
    set_autostart(connection, "we\x1b", true);
    FAIL() << "switched what is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
    EXPECT_THAT(error.message(), testing::HasSubstr("we\\x1b at test:///default"));
  }
}

}  // namespace
}  // namespace vmconvert::host
