#include "allocation/confine.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>

namespace vmconvert::allocation {
namespace {

// Exit code of a child that does this; minus the signal that ended it.
int in_a_child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    int code = 99;
    try {
      code = body();
    } catch (...) {
      code = 98;
    }
    ::_exit(code);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(Confine, LimitsWhatTheProcessCanHave) {
  EXPECT_EQ(in_a_child([] {
              const int before = ::open("/dev/null", O_RDONLY);
              limit_resources();
              if (::fcntl(before, F_GETFD) >= 0) {
                return 1;  // an inherited descriptor
              }
              int opened = 0;  // two are for the sanitizers; none in the program as it is shipped
              while (opened < 3 && ::open("/dev/null", O_RDONLY) >= 0) {
                ++opened;
              }
              return opened < 3 && errno == EMFILE ? 0 : 2;
            }),
            0);
}

TEST(Confine, IsNobodyForGood) {
  const bool was_root = ::geteuid() == 0;
  EXPECT_EQ(in_a_child([&] {
              drop_privileges();
              if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
                return 1;
              }
              int signal = 0;
              ::prctl(PR_GET_PDEATHSIG, &signal);
              if (signal != SIGKILL) {
                return 2;
              }
              if (::getuid() == 0 || ::geteuid() == 0) {
                return 3;
              }
              if (was_root && ::getgroups(0, nullptr) > 0) {
                return 4;
              }
              return ::setuid(0) == 0 ? 5 : 0;
            }),
            0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Confine, ReadsAndWritesAndNothingElse) {
  const auto confined = [](const std::function<void()>& body) {
    return in_a_child([&] {
      const int null = ::open("/dev/null", O_RDWR);
      ::dup2(null, 0);
      ::dup2(null, 1);
      allow_only_reading();
      body();
      return 0;
    });
  };
  EXPECT_EQ(confined([] {
              std::array<char, 16> buffer{};
              static_cast<void>(::read(0, buffer.data(), buffer.size()));
              static_cast<void>(::pread(0, buffer.data(), buffer.size(), 0));
              static_cast<void>(::write(1, buffer.data(), buffer.size()));
              void* volatile big = std::malloc(64U << 20U);  // NOLINT: by mmap
              std::free(big);                                // NOLINT
            }),
            0);
  EXPECT_EQ(confined([] { static_cast<void>(::open("/etc/passwd", O_RDONLY)); }), -SIGSYS);
  EXPECT_EQ(confined([] { static_cast<void>(::write(0, "x", 1)); }), -SIGSYS);
  EXPECT_EQ(confined([] { static_cast<void>(::pwrite(1, "x", 1, 0)); }), -SIGSYS);
  EXPECT_EQ(confined([] { static_cast<void>(::fork()); }), -SIGSYS);
  EXPECT_EQ(confined([] { static_cast<void>(::socket(AF_INET, SOCK_STREAM, 0)); }), -SIGSYS);
  EXPECT_EQ(confined([] { static_cast<void>(::kill(::getppid(), 0)); }), -SIGSYS);
  EXPECT_EQ(confined([] { ::execl("/bin/true", "true", nullptr); }), -SIGSYS);
  EXPECT_EQ(confined([] { static_cast<void>(::dup(1)); }), -SIGSYS);
}
#endif

}  // namespace
}  // namespace vmconvert::allocation
