#include "base/own_process.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>

#include "base/error.hpp"
#include "unit/error_of.hpp"

namespace vmconvert {
namespace {

TEST(OwnProcess, HandsBackWhatTheWorkReturns) {
  std::string all;
  for (int i = 0; i < 300'000; ++i) {
    all += static_cast<char>(i % 256);
  }
  EXPECT_EQ(in_own_process([&] { return all; }), all) << "zeros, and more than a pipe holds";
  EXPECT_EQ(in_own_process([] { return std::string(); }), "");
  const pid_t ours = ::getpid();
  EXPECT_NE(in_own_process([] { return std::to_string(::getpid()); }), std::to_string(ours));
}

TEST(OwnProcess, HandsBackErrors) {
  const Error error = error_of([] {
    in_own_process([]() -> std::string { throw Error(ErrorKind::busy, "in use: 12 3", "wait"); });
  });
  EXPECT_EQ(error.kind(), ErrorKind::busy);
  EXPECT_EQ(error.message(), "in use: 12 3");
  EXPECT_EQ(error.remedy(), "wait");
}

TEST(OwnProcess, ThatDiesIsAnError) {
  const Error error = error_of([] {
    in_own_process([]() -> std::string {
      ::raise(SIGKILL);
      return "never";
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
  EXPECT_THAT(error.message(), testing::HasSubstr("signal 9"));
}

}  // namespace
}  // namespace vmconvert
