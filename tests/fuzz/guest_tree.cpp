#include "guest_tree.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/text.hpp"
#include "guest/boot_sector.hpp"
#include "guest/facts_json.hpp"
#include "guest/fixer_host.hpp"
#include "guest/fixer_loader.hpp"
#include "guest/inspect.hpp"
#include "test_paths.hpp"

namespace vmconvert::fuzz {
namespace {

constexpr ByteCount k_disk{std::uint64_t{4} << 30U};
constexpr std::size_t k_most_files = 100;
constexpr std::string_view k_new_uuid = "99999999-2222-4333-8444-555555555502";

// A guest without anything, under the tree that is staged over it.
class EmptyRoot final : public guest::GuestRoot {
 public:
  guest::FileStat stat(std::string_view path) override { return lstat(path); }
  guest::FileStat lstat(std::string_view path) override {
    guest::FileStat found;
    found.kind = path == "/" ? guest::FileKind::directory : guest::FileKind::missing;
    found.mode = 0755;
    return found;
  }
  std::string read(std::string_view, std::uint64_t) override { missing(); }
  std::string read_link(std::string_view) override { missing(); }
  std::vector<std::string> list(std::string_view) override { return {}; }
  std::vector<std::string> glob(std::string_view) override { return {}; }
  void write(std::string_view, std::string_view, unsigned) override { missing(); }
  void symlink(std::string_view, std::string_view) override { missing(); }
  void remove(std::string_view) override {}
  void remove_tree(std::string_view) override {}
  guest::ProgramResult run(const std::vector<std::string>&) override { missing(); }
  std::string read_disk(std::string_view disk, std::uint64_t offset,
                        std::uint64_t length) override {
    if (disk != "vda" || offset > k_disk.value || length > k_disk.value - offset) {
      missing();
    }
    require(length <= k_mib * 64, "a large part of a disk is read at once");
    std::string zeros(length, '\0');
    if (offset == 0 && length >= k_sector_size) {
      zeros.replace(510, 2, "\x55\xaa");
    }
    return zeros;
  }
  void write_disk(std::string_view, std::uint64_t, std::string_view) override { missing(); }

 private:
  [[noreturn]] static void missing() { throw Error(ErrorKind::not_found, "it is not there"); }
};

// grub-mkimage, without running it.
class FakeTools final : public CommandRunner {
 public:
  CommandResult run(const Command&) override {
    return {.exit_code = 0, .out = std::string(40960, '\x90')};
  }
};

model::Layout two_volumes() {
  model::TargetDisk disk;
  disk.name = "vda";
  disk.size = k_disk;
  disk.table = model::TableKind::mbr;
  disk.composed = true;
  disk.partitions = {{1, ByteCount{k_mib}, ByteCount{128 * k_mib}, 0x82},
                     {2, ByteCount{129 * k_mib}, k_disk - ByteCount{129 * k_mib}, 0x83, true}};
  return {{disk}, {{"xvda1", "vda1"}, {"xvda2", "vda2"}}};
}

}  // namespace

GuestTree::GuestTree(Input input)
    : m_nothing(std::make_unique<EmptyRoot>()),
      m_root(std::make_unique<guest::StagedRoot>(*m_nothing)) {
  domain.name = "web01";
  domain.arch = "x86_64";
  domain.bootloader = "pygrub";
  domain.nics = {{"00:16:3e:12:34:56", "xenbr0"}};
  layout = two_volumes();
  facts.filesystems = {
      {"vda1", "swap", "11111111-2222-4333-8444-555555555501", "", ByteCount{128 * k_mib}, ""},
      {"vda2", "ext4", "11111111-2222-4333-8444-555555555502", "root", ByteCount{3 * k_gib}, "/"}};
  facts.root_device = facts.boot_device = "vda2";
  facts.loader = "none";

  constexpr std::string_view k_mark = "== ";
  std::string_view rest = input.text();
  for (std::size_t files = 0; rest.starts_with(k_mark) && files < k_most_files; ++files) {
    const std::size_t line = std::min(rest.find('\n'), rest.size());
    const std::string heading(
        rest.substr(k_mark.size(), std::max(line, k_mark.size()) - k_mark.size()));
    rest.remove_prefix(std::min(line + 1, rest.size()));
    const std::size_t next = rest.starts_with(k_mark) ? 0 : rest.find("\n== ");
    const std::size_t end = next == 0 ? 0 : std::min(next + 1, rest.size());
    add(heading, std::string(rest.substr(0, next == std::string_view::npos ? rest.size() : end)));
    rest.remove_prefix(next == std::string_view::npos ? rest.size() : end);
  }
  attempt([&] { guest::read_tree_facts(*m_root, facts); });
}

void GuestTree::add(const std::string& heading, const std::string& content) {
  if (heading == "options") {
    return read_options(content);
  }
  const std::size_t arrow = heading.find(" -> ");
  attempt([&] {  // no path, or a folder where a file is
    if (arrow != std::string::npos) {
      m_root->symlink(heading.substr(0, arrow), heading.substr(arrow + 4));
    } else {
      m_root->write(heading, content);
    }
  });
}

void GuestTree::read_options(const std::string& text) {
  const auto all = words(replace_all(text, "\n", " "));
  const auto has = [&](const char* word) {
    return std::find(all.begin(), all.end(), word) != all.end();
  };
  to = has("xen") ? model::TargetHypervisor::xen : model::TargetHypervisor::kvm;
  wishes.identity = has("clone")   ? model::IdentityProfile::clone
                    : has("alive") ? model::IdentityProfile::both_alive
                                   : model::IdentityProfile::move;
  wishes.scrub = has("scrub");
  if (has("readdress")) {
    wishes.hostname = "web02";
    wishes.addresses = {{"192.0.2.9", "198.51.100.9", 25}, {"2001:db8::9", "2001:db8:1::9", 0}};
    wishes.gateways = {"198.51.100.1"};
    wishes.dns = {"198.51.100.53"};
  }
  domain.uefi = has("uefi");
  if (domain.uefi) {
    facts.filesystems[0] = {"vda1", "vfat", "EF12-0001", "", ByteCount{128 * k_mib}, "/boot/efi"};
  }
  if (has("hvm") || domain.uefi) {
    domain.kind = model::VirtKind::hvm;
    domain.bootloader.reset();
    layout.disks[0].composed = false;
    layout.disks[0].segments = {{model::SegmentKind::source, k_disk}};
    layout.renames = {{"xvda", "vda"}, {"hda", "vda"}, {"sda", "vda"}};
  }
}

void run_fixers(Input input, const std::vector<std::string>& names) {
  static std::map<std::string, std::vector<guest::LoadedFixer>> loaded;  // lists of one
  for (const std::string& name : names) {
    std::vector<guest::LoadedFixer>& fixer = loaded[name];
    if (fixer.empty()) {
      fixer.push_back(guest::load_fixer(test::build_dir() / "fixers" / (name + ".so")));
    }
    GuestTree tree(input);
    model::Hardware hardware;
    hardware.uefi = tree.domain.uefi;
    const std::string facts = guest::to_facts_json({tree.domain,
                                                    tree.layout,
                                                    tree.facts,
                                                    {},
                                                    tree.to,
                                                    tree.wishes,
                                                    std::string(k_new_uuid),
                                                    {},
                                                    {},
                                                    {},
                                                    hardware});
    FakeTools tools;
    attempt([&] {
      guest::StagedRoot staged(tree.root());
      static_cast<void>(guest::run_fixers(fixer, staged, facts, tools));
      staged.apply();
      // A fixer that is through has nothing left to do.
      guest::StagedRoot again(tree.root());
      static_cast<void>(guest::run_fixers(fixer, again, facts, tools));
      for (const guest::StagedChange& change : again.changes()) {
        fail("run again, " + name + " still changes " + guest::to_edit(change).path + ":\n" +
             guest::to_edit(change).diff);
      }
    });
  }
}

}  // namespace vmconvert::fuzz
