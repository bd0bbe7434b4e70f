// A blueprint under the options, and how guests of batches are shown.
#include "cli/blueprint_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include <fstream>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "batch/blueprint_keys.hpp"
#include "cli/batch_text.hpp"
#include "test_paths.hpp"

namespace vmconvert::cli {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class BlueprintOptions : public testing::Test {
 protected:
  Options parse(std::vector<std::string> arguments, const std::string& toml) {
    const fs::path file = m_folder.path() / "site.toml";
    std::ofstream(file) << toml;
    arguments.push_back("-b");
    arguments.push_back(file.string());
    Options options;
    const CommandEntry* chosen = nullptr;
    const auto parser = make_parser(options, chosen);
    std::reverse(arguments.begin(), arguments.end());
    parser->parse(arguments);
    apply_blueprint(*parser->get_subcommand(chosen->name), options);
    return options;
  }

  TempDir m_folder{fs::temp_directory_path(), "vmconvert-options"};
};

constexpr const char* k_toml = R"(
[defaults]
vg = "vg0"
trial = true
trial_limit = 900
checksum = "sha256"
rate_limit = "50M"
accept = ["a", "b"]
[[guest]]
source = "/etc/xen/web01.cfg"
name = "web"
define = false
memory = "1 GiB"
[[guest.hook]]
when = "end"
run = ["/bin/true"]
)";

// The command line's hypervisor wins over the file's, and then the type makes no sense.
TEST_F(BlueprintOptions, ATypeIsRefusedWhereTheCommandLineWantsKvm) {
  const std::string toml = "[defaults]\nto = \"xen\"\ntype = \"pvh\"\n";
  EXPECT_EQ(parse({"plan", "a.cfg"}, toml).adjustments.xen_type, model::XenType::pvh);
  EXPECT_EQ(parse({"export", "a.cfg", "bundle"}, toml).adjustments.xen_type, model::XenType::keep);
  try {
    parse({"plan", "a.cfg", "--to", "kvm"}, toml);
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.message(), HasSubstr("site.toml:3: \"type\" is a kind of Xen guest"));
  }
}

TEST_F(BlueprintOptions, FillWhatTheCommandLineLeavesOpen) {
  const Options options = parse({"convert", "web"}, k_toml);
  EXPECT_EQ(options.source, "/etc/xen/web01.cfg");
  const job::Request request = to_request(options);
  EXPECT_EQ(std::get<model::VolumeGroupTarget>(request.storage.value()).group, "vg0");
  EXPECT_TRUE(request.trial);
  EXPECT_EQ(request.trial_limit_seconds, 900U);
  EXPECT_EQ(request.hash, model::HashKind::sha256);
  EXPECT_EQ(request.rate_limit, 50U << 20U);
  EXPECT_THAT(request.accepted, ElementsAre("a", "b"));
  EXPECT_EQ(request.name, "web");
  EXPECT_FALSE(request.define);
  EXPECT_EQ(request.adjustments.memory, ByteCount{k_gib});
  ASSERT_EQ(request.hooks.size(), 1U);
}

constexpr const char* k_copy = R"(
[[guest]]
source = "/etc/xen/web01.cfg"
dir = "/srv"
bad_sectors = "map"
identity = "both-alive"
identity_keep = ["ssh-host"]
identity_reset = ["lvm"]
new_uuids = true
scrub = true
hostname = "web02"
[guest.network]
addresses = { "10.0.0.5" = "10.1.0.5/24" }
gateway = ["10.1.0.1"]
dns = ["10.1.0.2", "10.1.0.3"]
)";

TEST_F(BlueprintOptions, SayWhoTheGuestIs) {
  const job::Request request = to_request(parse({"convert", "web01"}, k_copy));
  EXPECT_EQ(request.on_bad_sector, disk::OnBadSector::map);
  EXPECT_EQ(request.wishes.identity, model::IdentityProfile::both_alive);
  EXPECT_THAT(request.wishes.keep, ElementsAre("ssh-host"));
  EXPECT_THAT(request.wishes.reset, ElementsAre("lvm"));
  EXPECT_TRUE(request.wishes.new_uuids);
  EXPECT_TRUE(request.wishes.scrub);
  EXPECT_EQ(request.wishes.hostname, "web02");
  EXPECT_THAT(request.wishes.addresses,
              ElementsAre(model::AddressChange{"10.0.0.5", "10.1.0.5", 24}));
  EXPECT_THAT(request.wishes.gateways, ElementsAre("10.1.0.1"));
  EXPECT_THAT(request.wishes.dns, ElementsAre("10.1.0.2", "10.1.0.3"));
}

TEST_F(BlueprintOptions, AddressesOfTheCommandLineAreTheWholeAnswer) {
  const job::Request request = to_request(
      parse({"convert", "web01", "--address", "10.0.0.5=10.2.0.5", "--identity", "move"}, k_copy));
  EXPECT_THAT(request.wishes.addresses,
              ElementsAre(model::AddressChange{"10.0.0.5", "10.2.0.5", 0}));
  EXPECT_EQ(request.wishes.identity, model::IdentityProfile::move);
}

TEST_F(BlueprintOptions, TheCommandLineWins) {
  const Options options =
      parse({"convert", "web", "--dir", "/srv", "--checksum", "xxh3", "--name", "w"}, k_toml);
  const job::Request request = to_request(options);
  EXPECT_EQ(std::get<model::DirectoryTarget>(request.storage.value()).folder, "/srv");
  EXPECT_EQ(request.hash, model::HashKind::xxh3_128);
  EXPECT_EQ(request.name, "w");
}

TEST_F(BlueprintOptions, ACommandTakesWhatItKnows) {
  const Options options = parse({"trial", "web"}, k_toml);
  EXPECT_EQ(options.trial_limit, 900U);
  EXPECT_EQ(options.vg, "");
}

TEST_F(BlueprintOptions, MistakesAreUsage) {
  for (const char* toml : {"[[guest]]\nsource = \"a.cfg\"\nmemroy = 1\n",
                           "[defaults]\nto = \"vmx\"\n", "[[guest]]\nsource = \"other.cfg\"\n"}) {
    try {
      parse({"convert", "web"}, toml);
      FAIL() << toml;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << toml;
    }
  }
}

TEST(BlueprintPage, DescribesEveryKeyAndNoOther) {
  const std::string page = read_text_file(test::source_dir() / "man/vmconvert-blueprint.5");
  std::size_t described = 0;
  for (std::size_t at = 0; (at = page.find(".TP\n.B ", at)) != std::string::npos; ++at) {
    ++described;
  }
  EXPECT_EQ(described, batch::blueprint_keys().size());
  for (const batch::KeyEntry& key : batch::blueprint_keys()) {
    const std::string name = key.name.substr(key.name.find('.') + 1);
    EXPECT_THAT(page, HasSubstr(".TP\n.B " + name + "\n"));
  }
}

model::GuestRecord record(const std::string& name, model::Standing standing) {
  model::GuestRecord made;
  made.guest = name;
  made.standing = standing;
  return made;
}

TEST(BatchText, ATableOfGuests) {
  model::GuestRecord running = record("web\x1b[2J01", model::Standing::running);
  running.progress = {"copy", "vda", ByteCount{k_gib}, ByteCount{4 * k_gib}, 100.0 * k_mib, 30.7};
  model::GuestRecord failed = record("web02", model::Standing::failed);
  failed.error = "no room\nat all";
  const std::string table = guests_table({running, failed}, 1000, 0);
  EXPECT_THAT(table, HasSubstr("copy vda 25%, 100.0 MiB/s, 31 s left"));
  EXPECT_THAT(table, HasSubstr("no room at all"));
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
  EXPECT_THAT(guests_table({failed}, 1000, 19), HasSubstr("\nweb02 failed      -\n"));
}

TEST(BatchText, ASummaryNamesWhatToDo) {
  batch::RunReport report;
  report.batch = "night";
  report.guests = {record("a", model::Standing::done), record("b", model::Standing::failed)};
  report.guests[1].error = "refused: [no-kernel]";
  report.guests[1].exit_code = 3;
  report.failed = 1;
  report.succeeded = 1;
  report.held_back = 2;
  const std::string text = batch_summary(report, "night.toml", "/state/batches/night");
  EXPECT_THAT(text, HasSubstr("Batch night: 1 of 2 guests done"));
  EXPECT_THAT(text, HasSubstr("failed b (exit 3): refused: [no-kernel]"));
  EXPECT_THAT(text, HasSubstr("/state/batches/night/b.log"));
  EXPECT_THAT(text, HasSubstr("2 guest(s) did not begin"));
  EXPECT_THAT(text, HasSubstr("vmconvert batch night.toml"));
}

}  // namespace
}  // namespace vmconvert::cli
