#include "guest/fixer_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vmconvert/fixer.hpp>

#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "base/error.hpp"
#include "base/temp_dir.hpp"
#include "contract/guest_root_contract.hpp"
#include "guest/folder_root.hpp"
#include "test_paths.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// The functions below get their work from here: fix() is a plain C function pointer.
std::function<void(fixer::Host&)>& body() {
  static std::function<void(fixer::Host&)> held;
  return held;
}
std::function<int(const vmconvert_host&)>& raw_body() {
  static std::function<int(const vmconvert_host&)> held;
  return held;
}

LoadedFixer fixer_of(const char* name, int (*fix)(const vmconvert_host*)) {
  static std::deque<vmconvert_fixer> entries;
  entries.push_back({sizeof(vmconvert_fixer), VMCONVERT_FIXER_ABI, name, "a test's", 1, fix});
  return {name, "a test's", 1, "/none", nullptr, &entries.back()};
}

struct Commands final : CommandRunner {
  CommandResult run(const Command& command) override {
    seen.push_back(command);
    return answer;
  }
  std::vector<Command> seen;
  CommandResult answer;
};

class FixerHost : public testing::Test {
 protected:
  FixerHost() {
    fs::create_directories(m_temp.path() / "tree/etc");
    std::ofstream(m_temp.path() / "tree/etc/motd") << "old\n";
    std::ofstream(m_temp.path() / "vda") << std::string(4096, '\0');
    folder.emplace(m_temp.path() / "tree", FolderRoot::Disks{{"vda", m_temp.path() / "vda"}});
    staged.emplace(*folder);
  }
  FixerRun run(std::function<void(fixer::Host&)> work) {
    body() = std::move(work);
    std::vector<LoadedFixer> fixers;
    fixers.push_back(fixer_of(
        "tester", [](const vmconvert_host* host) { return fixer::guarded(host, body()); }));
    return run_fixers(fixers, *staged, m_facts, commands, options);
  }
  FixerRun run_raw(std::function<int(const vmconvert_host&)> work) {
    raw_body() = std::move(work);
    std::vector<LoadedFixer> fixers;
    fixers.push_back(
        fixer_of("tester", [](const vmconvert_host* host) { return raw_body()(*host); }));
    return run_fixers(fixers, *staged, m_facts, commands, options);
  }
  std::string failure(std::function<void(fixer::Host&)> work) {
    try {
      run(std::move(work));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_input);
      return error.message();
    }
    return {};
  }
  [[nodiscard]] fs::path temp() const { return m_temp.path(); }

  Commands commands;
  FixerOptions options;
  std::optional<FolderRoot> folder;
  std::optional<StagedRoot> staged;

 private:
  std::string m_facts = "{}";
  TempDir m_temp{fs::temp_directory_path(), "vmconvert-test"};
};

TEST_F(FixerHost, runs_a_fixer_out_of_a_shared_object) {
  std::vector<LoadedFixer> fixers;
  fixers.push_back(load_fixer(vmconvert::test::build_dir() / "test-fixers/plain.so"));
  const FixerRun first = run_fixers(fixers, *staged, "{}", commands);
  ASSERT_EQ(first.edits.size(), 1U);
  EXPECT_EQ(first.edits[0].fixer, "plain");
  EXPECT_EQ(first.edits[0].path, "/etc/motd");
  EXPECT_THAT(first.log, ElementsAre("plain: old\n"));
  staged->apply();
  EXPECT_EQ(folder->read("/etc/motd"), "moved\n");
  StagedRoot again(*folder);
  EXPECT_TRUE(run_fixers(fixers, again, "{}", commands).edits.empty());
}

TEST_F(FixerHost, every_call_reaches_the_guest) {
  const FixerRun result = run([](fixer::Host& guest) {
    EXPECT_TRUE(guest.is_file("/etc/motd"));
    EXPECT_TRUE(guest.is_directory("/etc"));
    EXPECT_FALSE(guest.exists("/none"));
    EXPECT_EQ(guest.read("/etc/motd"), "old\n");
    EXPECT_EQ(guest.read_if_there("/none"), std::nullopt);
    EXPECT_FALSE(guest.update("/etc/motd", "old\n"));
    guest.write("/etc/new", std::string("a\0b", 3), 0600);
    EXPECT_EQ(guest.read("/etc/new").size(), 3U);
    guest.symlink("/etc/link", "motd");
    EXPECT_TRUE(guest.is_link("/etc/link"));
    EXPECT_EQ(guest.read_link("/etc/link"), "motd");
    EXPECT_THAT(guest.list("/etc"), ElementsAre("link", "motd", "new"));
    EXPECT_THAT(guest.glob("/etc/m*"), ElementsAre("/etc/motd"));
    guest.remove("/etc/motd");
    EXPECT_FALSE(guest.exists("/etc/link"));
    guest.write_disk("vda", 510, "\x55\xaa", "boot signature");
    EXPECT_EQ(guest.read_disk("vda", 509, 3), std::string("\0\x55\xaa", 3));
    guest.finding("no-driver", VMCONVERT_BLOCKS, "no \x1b driver", "add it");
    guest.run_later({"update-initramfs", "-u"}, "drivers", false);
    guest.log("done");
  });
  EXPECT_THAT(result.log, ElementsAre("tester: done"));
  ASSERT_EQ(result.findings.size(), 1U);
  EXPECT_EQ(result.findings[0].id, "no-driver");
  EXPECT_EQ(result.findings[0].severity, model::Severity::blocks);
  EXPECT_EQ(result.findings[0].message, "no \\x1b driver");
  ASSERT_EQ(result.runs.size(), 1U);
  EXPECT_EQ(result.runs[0].fixer, "tester");
  EXPECT_THAT(result.runs[0].argv, ElementsAre("update-initramfs", "-u"));
  EXPECT_FALSE(result.runs[0].must_succeed);
  ASSERT_EQ(result.edits.size(), 5U);
  EXPECT_EQ(result.edits[3].diff, "boot signature, 2 bytes");
  EXPECT_EQ(result.edits[4].path, "update-initramfs -u");
  EXPECT_EQ(result.edits[4].diff, "run: drivers");
}

TEST_F(FixerHost, a_failure_names_the_fixer_and_the_reason) {
  EXPECT_EQ(failure([](fixer::Host&) { throw std::runtime_error("no menu"); }),
            "the fixer tester failed: no menu");
  EXPECT_THAT(failure([](fixer::Host& guest) { guest.read("/none"); }),
              HasSubstr("/none is not in the guest"));
  EXPECT_THROW(run_raw([](const vmconvert_host&) { return -1; }), Error);
  // An error that the fixer expected is none.
  EXPECT_EQ(
      failure([](fixer::Host& guest) { EXPECT_THROW(guest.read("/none"), std::runtime_error); }),
      "");
}

TEST_F(FixerHost, survives_careless_callers) {
  run_raw([](const vmconvert_host& host) {
    vmconvert_text text{};
    int kind = 0;
    EXPECT_EQ(host.size, sizeof(vmconvert_host));
    EXPECT_EQ(host.read(host.context, nullptr, 10, &text), -1);
    EXPECT_EQ(host.read(host.context, "/etc/motd", 10, nullptr), -1);
    EXPECT_EQ(host.read(host.context, "/etc/motd", 3, &text), -1);
    EXPECT_THAT(host.last_error(host.context), HasSubstr("larger than 3"));
    EXPECT_EQ(host.kind(host.context, "relative", &kind), -1);
    EXPECT_EQ(host.kind(host.context, "/etc", nullptr), -1);
    EXPECT_EQ(host.write(host.context, "/x", nullptr, 3, 0), -1);
    EXPECT_EQ(host.write(host.context, "/empty", nullptr, 0, 0644), 0);
    EXPECT_EQ(host.finding(host.context, "id", 7, "m", "r"), -1);
    EXPECT_EQ(host.run_later(host.context, "", "why", 1), -1);
    EXPECT_EQ(host.read_disk(host.context, "vda", 0, ~0ULL, &text), -1);
    EXPECT_EQ(host.read_disk(host.context, "vda", 4000, 4096, &text), -1);
    EXPECT_EQ(host.initramfs_list(host.context, "/etc/motd", &text), -1);
    EXPECT_EQ(text.data, nullptr);
    host.log(host.context, nullptr);
    EXPECT_EQ(host.facts(host.context, &text), 0);
    EXPECT_STREQ(text.data, "{}");
    host.release(host.context, text);
    return 0;
  });
}

TEST_F(FixerHost, leaves_out_names_that_would_look_like_two) {
  std::ofstream(temp() / "tree/etc/two\nlines") << "x";
  run([](fixer::Host& guest) { EXPECT_THAT(guest.list("/etc"), ElementsAre("motd")); });
}

TEST_F(FixerHost, runs_only_the_programs_that_the_options_name) {
  commands.answer.out = "core";
  run([](fixer::Host& guest) {
    EXPECT_EQ(guest.host_tool({"grub-mkimage", "-O", "i386-pc"}), "core");
    EXPECT_THROW(guest.host_tool({"sh", "-c", "true"}), std::runtime_error);
    EXPECT_THROW(guest.host_tool({"/tmp/grub-mkimage"}), std::runtime_error);
    EXPECT_THROW(guest.host_tool({}), std::runtime_error);
  });
  ASSERT_EQ(commands.seen.size(), 1U);
  EXPECT_THAT(commands.seen[0].argv, ElementsAre("grub-mkimage", "-O", "i386-pc"));
  EXPECT_TRUE(commands.seen[0].timeout.has_value());
  commands.answer = {1, false, false, "", "no such module"};
  EXPECT_THAT(failure([](fixer::Host& guest) { guest.host_tool({"grub-mkimage"}); }),
              HasSubstr("no such module"));
}

TEST_F(FixerHost, reads_only_the_host_files_that_the_options_name) {
  fs::create_directories(temp() / "modules/i386-pc");
  std::ofstream(temp() / "modules/i386-pc/boot.img") << "boot";
  std::ofstream(temp() / "kernel") << "kernel";
  std::ofstream(temp() / "secret") << "secret";
  fs::create_symlink("../secret", temp() / "modules/link");
  fs::create_symlink("modules", temp() / "alias");
  options.host_files = {temp() / "alias", temp() / "kernel", temp() / "missing"};
  run([&](fixer::Host& guest) {
    EXPECT_EQ(guest.host_file(temp() / "modules/i386-pc/boot.img"), "boot");
    EXPECT_EQ(guest.host_file(temp() / "alias/i386-pc/boot.img"), "boot");
    EXPECT_EQ(guest.host_file(temp() / "kernel"), "kernel");
    EXPECT_THROW(guest.host_file(temp() / "kernel", 5), std::runtime_error);
    EXPECT_THROW(guest.host_file(temp() / "secret"), std::runtime_error);
    EXPECT_THROW(guest.host_file(temp() / "modules/link"), std::runtime_error);
    EXPECT_THROW(guest.host_file(temp() / "modules/../secret"), std::runtime_error);
    EXPECT_THROW(guest.host_file(temp() / "modules"), std::runtime_error);
    EXPECT_THROW(guest.host_file("kernel"), std::runtime_error);
    EXPECT_THROW(guest.host_file(temp() / "missing"), std::runtime_error);
  });
}

struct Programs final : GuestRoot {
  FileStat stat(std::string_view) override { return {}; }
  FileStat lstat(std::string_view) override { return {}; }
  std::string read(std::string_view, std::uint64_t) override { return {}; }
  std::string read_link(std::string_view) override { return {}; }
  std::vector<std::string> list(std::string_view) override { return {}; }
  std::vector<std::string> glob(std::string_view) override { return {}; }
  void write(std::string_view, std::string_view, unsigned) override {}
  void symlink(std::string_view, std::string_view) override {}
  void remove(std::string_view) override {}
  void remove_tree(std::string_view) override {}
  std::string read_disk(std::string_view, std::uint64_t, std::uint64_t) override { return {}; }
  void write_disk(std::string_view, std::uint64_t, std::string_view) override {}
  ProgramResult run(const std::vector<std::string>& argv) override {
    seen.push_back(argv.front());
    return argv.front() == "false" ? ProgramResult{3, "line 1\nline \x1b[2J\n"} : ProgramResult{};
  }
  std::vector<std::string> seen;
};

TEST(DeferredRuns, run_in_order_and_tell_what_failed) {
  Programs guest;
  std::vector<std::string> told;
  const auto findings =
      run_deferred({{"a", {"true"}, "why", true},
                    {"b", {"false", "x"}, "to see", false},
                    {"c", {"last"}, "why", true}},
                   guest, [&](const model::Progress& progress) { told.push_back(progress.what); });
  EXPECT_THAT(guest.seen, ElementsAre("true", "false", "last"));
  EXPECT_THAT(told, ElementsAre("running true", "running false x", "running last"));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, model::Severity::warns);
  EXPECT_THAT(findings[0].message, HasSubstr("exit code 3"));
  EXPECT_THAT(findings[0].message, HasSubstr("line \\x1b[2J"));
}

TEST(DeferredRuns, one_that_must_succeed_ends_the_conversion) {
  Programs guest;
  EXPECT_EQ(kind_of_error([&] {
              run_deferred({{"b", {"false"}, "drivers", true}, {"c", {"last"}, "x", true}}, guest);
            }),
            ErrorKind::tool_failed);
  EXPECT_THAT(guest.seen, ElementsAre("false"));
}

}  // namespace
}  // namespace vmconvert::guest
