#include "batch/known_guests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/log.hpp"
#include "base/temp_dir.hpp"
#include "batch/store.hpp"

namespace vmconvert::batch {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

model::GuestRecord record(const std::string& batch, const std::string& source,
                          const std::string& connect, std::int64_t updated) {
  model::GuestRecord made;
  made.batch = batch;
  made.guest = source;
  made.source = source;
  made.connect = connect;
  made.updated = updated;
  return made;
}

TEST(KnownGuests, AreThoseOfTheStore) {
  const TempDir dir("/tmp", "known");
  GuestStore(dir.path()).update(record("night", "web01", "xen:///system", 5));
  const auto known = known_guests(dir.path());
  ASSERT_EQ(known.size(), 1U);
  EXPECT_EQ(known[0].guest, "web01");
}

TEST(KnownGuests, MakeNoStore) {
  const TempDir dir("/tmp", "known");
  EXPECT_THAT(known_guests(dir.path() / "state"), IsEmpty());
  EXPECT_FALSE(fs::exists(dir.path() / "state"));
}

TEST(KnownGuests, OfWhatIsNoStoreAreNoneAndAWarning) {
  const TempDir dir("/tmp", "known");
  std::ofstream(dir.path() / GuestStore::k_file) << std::string(8192, 'x');
  std::string logged;
  const LogSink before = set_log_sink([&](LogLevel, std::string_view text) { logged += text; });
  EXPECT_THAT(known_guests(dir.path()), IsEmpty());
  set_log_sink(before);
  EXPECT_THAT(logged, HasSubstr("what batches know is not shown"));
}

TEST(RecordOf, KnowsADomainByNameOrUuidOnItsConnection) {
  const std::vector<model::GuestRecord> records = {record("a", "web01", "xen:///system", 1),
                                                   record("b", "web01", "xen:///system", 3),
                                                   record("c", "web01", "xen:///system", 2),
                                                   record("d", "web01", "test:///default", 9),
                                                   record("e", "web01", "", 9),
                                                   record("f", "u-2", "xen:///", 1)};
  const SoughtDomain web{"web01", "u-1", {"xen:///", "xen:///system"}};
  EXPECT_EQ(record_of(records, web)->batch, "b") << "the batch that it was last in";
  EXPECT_EQ(record_of(records, {"db", "u-2", {"xen:///"}})->batch, "f");
  EXPECT_FALSE(record_of(records, {"db", "", {"xen:///"}}));
  EXPECT_FALSE(record_of(records, {"web01", "u-1", {"qemu:///system"}}));
}

}  // namespace
}  // namespace vmconvert::batch
