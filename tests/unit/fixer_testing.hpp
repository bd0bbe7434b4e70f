// A kit for fixer tests: a tree of files, the real loader and host, milliseconds.
//
//   class FstabFixer : public FixerTest {};
//
//   TEST_F(FstabFixer, NamesDisksByUuid) {
//     put("/etc/fstab", "/dev/xvda2 / ext4 defaults 0 1\n");
//     facts["guest"]["init"] = "systemd";          // default_facts() unless the test says more
//     fix("fstab");                                // build/fixers/fstab.so
//     EXPECT_EQ(get("/etc/fstab"), "UUID=... / ext4 defaults 0 1\n");
//     EXPECT_THAT(findings_now(), testing::IsEmpty());
//   }
//
// Before: put, link, folder, put_disk; facts, options, host_tool.
// fix(NAME) runs the fixer, applies what it staged, and runs it once more over the result: the
// second run must change nothing. run_only(NAME) leaves out that second run; failure_of(NAME)
// expects the fixer to fail and returns the message. What the (first) run said stands in `result`
// until the next. After: get, there, target, mode, disk; edits_now, findings_now, messages_now,
// runs_now, result.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "guest/fixer_host.hpp"
#include "guest/fixer_loader.hpp"
#include "guest/folder_root.hpp"
#include "guest/staged_root.hpp"
#include "test_paths.hpp"

// A PV guest of two volumes that become one disk: vda1 swap, vda2 an ext4 root; one network card;
// sysvinit; one kernel. Said as vmconvert-plugin(7), "Facts", has it.
inline nlohmann::json default_facts() {
  return nlohmann::json::parse(R"({
    "to": "kvm",
    "source": {"kind": "pv", "boot": "pygrub", "kernel": "", "initrd": "", "cmdline": ""},
    "root_device": "vda2",
    "boot_device": "vda2",
    "renames": [{"from": "xvda1", "to": "vda1"}, {"from": "xvda2", "to": "vda2"}],
    "disks": [{"name": "vda", "table": "mbr", "loader": "none", "size_bytes": 4294967296,
               "gap_offset": 512, "gap_bytes": 1048064, "partitions": [
      {"number": 1, "start_bytes": 1048576, "length_bytes": 134217728, "bios_boot": false},
      {"number": 2, "start_bytes": 135266304, "length_bytes": 4159700992, "bios_boot": false}]}],
    "filesystems": [
      {"device": "vda1", "type": "swap", "uuid": "11111111-2222-4333-8444-555555555501",
       "label": "", "mountpoint": ""},
      {"device": "vda2", "type": "ext4", "uuid": "11111111-2222-4333-8444-555555555502",
       "label": "", "mountpoint": "/"}],
    "nics": [{"mac": "00:16:3e:12:34:56", "index": 0}],
    "guest": {"distribution": "debian", "arch": "x86_64", "init": "sysvinit",
              "menu": "/boot/grub/menu.lst", "kernels": [
      {"version": "6.1.0-50-amd64", "image": "/boot/vmlinuz-6.1.0-50-amd64",
       "initrd": "/boot/initrd.img-6.1.0-50-amd64", "modules": true}]}
  })");
}

class FixerTest : public testing::Test, private vmconvert::CommandRunner {
 public:
  nlohmann::json facts = default_facts();
  vmconvert::guest::FixerOptions options;
  vmconvert::guest::FixerRun result;
  // Stands in for the programs of the hypervisor host; the real ones unless a test sets it.
  std::function<vmconvert::CommandResult(const vmconvert::Command&)> host_tool;

  void put(const std::string& path, const std::string& content, unsigned file_mode = 0644) {
    std::filesystem::create_directories(host_path(path).parent_path());
    std::ofstream file(host_path(path), std::ios::binary);
    file << content;
    file.close();
    ASSERT_TRUE(file) << path;
    ASSERT_EQ(::chmod(host_path(path).c_str(), file_mode), 0) << path;
  }
  void link(const std::string& path, const std::string& to) {
    std::filesystem::create_directories(host_path(path).parent_path());
    std::filesystem::create_symlink(to, host_path(path));
  }
  void folder(const std::string& path) { std::filesystem::create_directories(host_path(path)); }
  void put_disk(const std::string& name, const std::string& content) {
    m_disks[name] = m_temp.path() / name;
    std::ofstream(m_disks[name], std::ios::binary) << content;
  }

  // The file's content, links followed inside the tree; a missing one fails the test.
  std::string get(const std::string& path) {
    try {
      return tree().read(path, vmconvert::guest::GuestRoot::k_binary_limit);
    } catch (const vmconvert::Error& error) {
      ADD_FAILURE() << error.message();
      return {};
    }
  }
  bool there(const std::string& path) {
    return tree().lstat(path).kind != vmconvert::guest::FileKind::missing;
  }
  std::string target(const std::string& path) { return tree().read_link(path); }
  unsigned mode(const std::string& path) { return tree().stat(path).mode; }
  std::string disk(const std::string& name, std::uint64_t offset, std::uint64_t length) {
    return tree().read_disk(name, offset, length);
  }

  // One run over the tree as it is; its changes are applied. Throws what run_fixers() throws.
  vmconvert::guest::FixerRun run_fixer(const std::string& name) {
    std::vector<vmconvert::guest::LoadedFixer> fixers;
    fixers.push_back(
        vmconvert::guest::load_fixer(vmconvert::test::build_dir() / "fixers" / (name + ".so")));
    EXPECT_EQ(fixers.front().name, name);
    vmconvert::guest::FolderRoot under = tree();
    vmconvert::guest::StagedRoot staged(under);
    auto run = vmconvert::guest::run_fixers(fixers, staged, facts.dump(), *this, options);
    staged.apply();
    return run;
  }
  void run_only(const std::string& name) {
    try {
      result = run_fixer(name);
    } catch (const vmconvert::Error& error) {
      FAIL() << vmconvert::to_text(error);
    }
  }
  void fix(const std::string& name) {
    run_only(name);
    if (!HasFatalFailure()) {
      expect_nothing_left(name);
    }
  }
  // Programs that are to run later may be asked for again: a plain folder cannot run them.
  void expect_nothing_left(const std::string& name) {
    const auto again = run_fixer(name);
    for (std::size_t i = 0; i + again.runs.size() < again.edits.size(); ++i) {
      ADD_FAILURE() << "run again, the fixer " << name << " still changes " << again.edits[i].path
                    << ":\n"
                    << again.edits[i].diff;
    }
  }
  std::string failure_of(const std::string& name) {
    try {
      result = run_fixer(name);
    } catch (const vmconvert::Error& error) {
      return error.message();
    }
    ADD_FAILURE() << "the fixer " << name << " did not fail";
    return {};
  }

  // "path" of each change of a file or disk.
  [[nodiscard]] std::vector<std::string> edits_now() const {
    std::vector<std::string> found;
    for (std::size_t i = 0; i + result.runs.size() < result.edits.size(); ++i) {
      found.push_back(result.edits[i].path);
    }
    return found;
  }
  // "id severity": "no-root blocks".
  [[nodiscard]] std::vector<std::string> findings_now() const {
    std::vector<std::string> found;
    for (const auto& finding : result.findings) {
      found.push_back(finding.id + " " + vmconvert::model::to_string(finding.severity));
    }
    return found;
  }
  [[nodiscard]] std::vector<std::string> messages_now() const {
    std::vector<std::string> found;
    for (const auto& finding : result.findings) {
      found.push_back(finding.message);
    }
    return found;
  }
  // Programs that are to run in the guest: "update-initramfs -u -k all".
  [[nodiscard]] std::vector<std::string> runs_now() const {
    std::vector<std::string> found;
    for (const auto& run : result.runs) {
      found.push_back(vmconvert::join(run.argv, " "));
    }
    return found;
  }

  [[nodiscard]] std::filesystem::path host_path(const std::string& path) const {
    return m_tree.string() + path;
  }

 private:
  vmconvert::guest::FolderRoot tree() { return vmconvert::guest::FolderRoot(m_tree, m_disks); }
  vmconvert::CommandResult run(const vmconvert::Command& command) override {
    return host_tool ? host_tool(command) : vmconvert::RealCommandRunner().run(command);
  }
  static std::filesystem::path made(std::filesystem::path folder) {
    std::filesystem::create_directories(folder);
    return folder;
  }

  vmconvert::TempDir m_temp{std::filesystem::temp_directory_path(), "vmconvert-fixer"};
  std::filesystem::path m_tree = made(m_temp.path() / "tree");
  vmconvert::guest::FolderRoot::Disks m_disks;
};
