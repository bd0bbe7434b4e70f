#include "host/storage_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "host_lvm_support.hpp"

namespace vmconvert::host {
namespace {

using testing::HasSubstr;

TEST(StoragePool, IsAFolderOrAVolumeGroup) {
  const auto folder = [](const std::string& type) {
    return parse_pool("<pool type='" + type +
                          "'><name>p</name><target>\n<path> /var/lib/x y </path></target></pool>",
                      "p");
  };
  for (const char* type : {"dir", "fs", "netfs"}) {
    EXPECT_EQ(folder(type), PoolPlace(PoolFolder{"/var/lib/x y"}));
  }
  EXPECT_EQ(parse_pool("<pool type='logical'><source><name>vg0</name></source>"
                       "<target><path>/dev/vg0</path></target></pool>",
                       "p"),
            PoolPlace(PoolGroup{"vg0"}));
  EXPECT_EQ(parse_pool("<pool type='logical'/>", "p"), PoolPlace(PoolGroup{"p"}));
}

TEST(StoragePool, IsRefusedWhenOfAnotherKind) {
  const Error error = error_of([] { parse_pool("<pool type='rbd'/>", "ce\x1bph"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_input);
  EXPECT_EQ(error.message(),
            "the storage pool ce\\x1bph is of the type rbd, where no disks can be made");
  for (const char* bad : {"", "<pool", "<volume type='dir'/>", "<pool type='dir'/>", "<pool/>",
                          "<pool type='dir'><target><path>rel</path></target></pool>"}) {
    EXPECT_EQ(error_of([&] { parse_pool(bad, "p"); }).kind(), ErrorKind::bad_input) << bad;
  }
}

TEST(StoragePool, IsFoundByName) {
  Connection connection = Connection::open("test:///default", Access::read_write);
  const auto pools = connection.storage_pools();
  ASSERT_EQ(pools.size(), 1U);
  EXPECT_EQ(pools[0].name, "default-pool");
  EXPECT_TRUE(pools[0].active);
  EXPECT_EQ(resolve_pool(connection, "default-pool"), PoolPlace(PoolFolder{"/default-pool"}));
  connection.refresh_storage_pool("default-pool");
  const Error error = error_of([&] { static_cast<void>(resolve_pool(connection, "disks")); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(error.message(), "there is no storage pool disks at test:///default");
  EXPECT_EQ(error.remedy(), "there is default-pool");
  EXPECT_EQ(error_of([&] { connection.refresh_storage_pool("disks"); }).kind(),
            ErrorKind::not_found);
}

TEST(StoragePool, ThatCannotBeRefreshedIsAWarning) {
  Connection connection = Connection::open("test:///default", Access::read_write);
  std::string logged;
  const LogSink sink = set_log_sink([&](LogLevel level, std::string_view text) {
    logged += level == LogLevel::warning ? text : "";
  });
  refresh_pool(connection, "disks");
  set_log_sink(sink);
  EXPECT_THAT(logged, HasSubstr("there is no storage pool disks"));
}

}  // namespace
}  // namespace vmconvert::host
