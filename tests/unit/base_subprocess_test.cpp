#include "base/subprocess.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/interrupt.hpp"
#include "base/temp_dir.hpp"

namespace vmconvert {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(RealCommandRunner, KeepsOutputAndErrorsApart) {
  RealCommandRunner runner;
  const CommandResult result = runner.run({{"sh", "-c", "echo out; echo err >&2; exit 7"}});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST(FindProgram, TakesNoFolderForAProgram) {
  const TempDir folder(std::filesystem::temp_directory_path(), "vmc-path-test");
  std::filesystem::create_directories(folder.path() / "first" / "sh");
  std::filesystem::create_directories(folder.path() / "second");
  std::filesystem::create_symlink("/bin/sh", folder.path() / "second" / "sh");
  const std::string before = ::getenv("PATH");
  ::setenv("PATH",
           ((folder.path() / "first").string() + ":" + (folder.path() / "second").string()).c_str(),
           1);
  EXPECT_EQ(find_program("sh"), folder.path() / "second" / "sh");
  EXPECT_EQ(find_program((folder.path() / "first" / "sh").string()), std::nullopt);
  EXPECT_EQ(find_program("no-such-program"), std::nullopt);
  ::setenv("PATH", before.c_str(), 1);
}

TEST(RealCommandRunner, FeedsStandardInput) {
  RealCommandRunner runner;
  const std::string text(1 << 20, 'x');  // more than a pipe holds
  EXPECT_EQ(runner.run({{"cat"}, text}).out, text);
}

TEST(RealCommandRunner, HandsOverAnOpenDescriptorAsStandardInput) {
  const TempDir folder(std::filesystem::temp_directory_path(), "vmc-stdin-test");
  std::ofstream(folder.path() / "in") << "from a file";
  const Fd in = open_file(folder.path() / "in", O_RDONLY);
  RealCommandRunner runner;
  Command command = {{"cat"}};
  command.stdin_fd = in.get();
  EXPECT_EQ(runner.run(command).out, "from a file");
}

TEST(RealCommandRunner, StopsAProgramThatSaysTooMuch) {
  RealCommandRunner runner;
  Command command = {{"yes"}};
  command.output_limit = 1 << 20;
  const CommandResult result = runner.run(command);
  EXPECT_TRUE(result.said_too_much);
  EXPECT_FALSE(result.timed_out);
  EXPECT_LT(result.out.size(), 2U << 20U);
  EXPECT_THROW(run_or_throw(runner, command), Error);
}

TEST(RealCommandRunner, PassesWordsAsTheyAre) {
  RealCommandRunner runner;
  EXPECT_EQ(runner.run({{"printf", "%s|", "a b", "$HOME", "*", "`id`"}}).out, "a b|$HOME|*|`id`|");
}

TEST(RealCommandRunner, EndsTheWholeGroupOnATimeout) {
  RealCommandRunner runner;
  const auto start = std::chrono::steady_clock::now();
  const CommandResult result = runner.run({{"sh", "-c", "sleep 60 & sleep 60"}, {}, 200ms});
  EXPECT_TRUE(result.timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST(RealCommandRunner, SaysThatAProgramIsNotInstalled) {
  RealCommandRunner runner;
  try {
    runner.run({{"no-such-program-here"}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.message(), HasSubstr("no-such-program-here"));
  }
}

// In a process of its own: the signal that came is never forgotten. Says how the command ended.
int exit_code_after_a_signal(Ending ending) {
  install_interrupt_handlers();
  ::alarm(1);
  ::signal(SIGALRM, [](int) { ::raise(SIGTERM); });
  try {
    RealCommandRunner runner;
    const Command command{.argv = {"sh", "-c", "sleep 2; echo done"}, .ending = ending};
    return runner.run(command).out == "done\n" && interrupted() ? 10 : 11;
  } catch (const Error& error) {
    return error.kind() == ErrorKind::interrupted ? 12 : 13;
  }
}

TEST(RealCommandRunner, StopsAtASignalUnlessTheCommandEndsByItself) {
  EXPECT_EXIT(::_exit(exit_code_after_a_signal(Ending::with_us)), testing::ExitedWithCode(12), "");
  EXPECT_EXIT(::_exit(exit_code_after_a_signal(Ending::by_itself)), testing::ExitedWithCode(10),
              "");
}

TEST(RunOrThrow, GivesExitCodeAndLastLines) {
  RealCommandRunner runner;
  try {
    run_or_throw(runner,
                 {{"sh", "-c", "for i in 1 2 3 4 5 6 7; do echo line$i >&2; done; exit 3"}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::tool_failed);
    EXPECT_THAT(error.message(), HasSubstr("exit code 3"));
    EXPECT_THAT(error.message(), HasSubstr("line7"));
    EXPECT_THAT(error.message(), testing::Not(HasSubstr("line1")));
  }
}

TEST(ChildProcess, IsKilledAndReapedByItsOwner) {
  pid_t pid = 0;
  {
    ChildProcess child({"sleep", "60"});
    pid = child.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
    EXPECT_FALSE(child.poll().has_value());
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(ChildProcess, ReportsItsExitCode) {
  ChildProcess child({"sh", "-c", "exit 5"});
  EXPECT_EQ(child.wait_for(10s), 5);
  ChildProcess killed({"sleep", "60"});
  EXPECT_EQ(killed.terminate(), 128 + SIGTERM);
}

}  // namespace
}  // namespace vmconvert
