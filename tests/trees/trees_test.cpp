// The matrix of faithful trees: each row is converted by all fixers as the program runs them.
// VMCONVERT_ACCEPT=1 writes the golden files and docs/guests.md anew, and reports skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "test_paths.hpp"
#include "trees/machine.hpp"
#include "trees/outcome_text.hpp"

namespace vmconvert::trees {
namespace {

namespace fs = std::filesystem;

bool accepting() {
  return std::getenv("VMCONVERT_ACCEPT") != nullptr;
}

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void expect_golden(const fs::path& path, const std::string& text) {
  if (accepting()) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    GTEST_SKIP() << path << " was written";
  }
  EXPECT_EQ(content_of(path), text) << "VMCONVERT_ACCEPT=1 writes " << path << " anew";
}

Outcome convert(Machine& machine) {
  try {
    return machine.convert();
  } catch (const Error& error) {
    throw std::runtime_error(to_text(error));
  }
}

void expect_result(const Row& row, const Outcome& outcome) {
  if (row.expects == "boots") {
    for (const guest::BootLink& link : outcome.boot_path.links) {
      EXPECT_TRUE(link.ok) << link.name << ": " << link.what;
    }
    EXPECT_TRUE(outcome.boot_path.complete());
    return;
  }
  const std::string id = row.expects.substr(row.expects.rfind(' ') + 1);
  EXPECT_TRUE(std::any_of(outcome.findings.begin(), outcome.findings.end(),
                          [&](const model::Finding& finding) {
                            return finding.id == id && finding.severity == model::Severity::blocks;
                          }))
      << "no finding " << id << " that blocks";
}

void expect_nothing_left(Machine& machine, const char* when) {
  const Outcome again = convert(machine);
  for (const model::Edit& edit : again.edits) {
    ADD_FAILURE() << when << ", " << edit.fixer << " still changes " << edit.path << "\n"
                  << edit.diff;
  }
  for (const guest::DeferredRun& run : again.runs) {
    ADD_FAILURE() << when << ", " << run.fixer << " still runs " << run.argv.at(0);
  }
  EXPECT_FALSE(model::any_blocks(again.findings)) << when;
}

class Trees : public testing::TestWithParam<fs::path> {};

TEST_P(Trees, row) {
  const Row row = read_row(GetParam());
  Machine machine(row), twin(row);
  const Outcome outcome = convert(machine);
  const std::string text = to_text(outcome, machine.folder());
  EXPECT_EQ(text, to_text(convert(twin), twin.folder())) << "the same guest, other edits";
  expect_result(row, outcome);
  if (row.expects == "boots") {
    expect_nothing_left(machine, "run again");
    machine.see_installed_loader();
    expect_nothing_left(machine, "with the new loader in the disk");
  }
  expect_golden(rows_folder() / "expected" / (row.name + ".txt"), text);
}

std::string name_of(const testing::TestParamInfo<fs::path>& info) {
  std::string name = info.param.stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Matrix, Trees, testing::ValuesIn(all_rows()), name_of);

TEST(Guests, table_in_the_documentation) {
  const fs::path page = test::source_dir() / "docs" / "guests.md";
  std::string table = table_head();
  std::string sources;
  for (const fs::path& file : all_rows()) {
    const Row row = read_row(file);
    Machine machine(row);
    table += to_table_line(row, convert(machine));
    sources += "- `" + row.name + "`: ";
    for (std::size_t i = 0; i < row.sources.size(); ++i) {
      sources += (i == 0 ? "" : "; ") + row.sources[i];
    }
    sources += "\n";
  }
  // What stands above the mark is written by hand.
  const std::string mark = "<!-- Below this line written by tests/trees/trees_test.cpp. -->\n";
  const std::string before = content_of(page);
  const auto at = before.find(mark);
  ASSERT_NE(at, std::string::npos) << page << " has lost its mark";
  expect_golden(page, before.substr(0, at) + mark + "\n" + table +
                          "\n## Where the facts of the trees come from\n\n" + sources);
}

}  // namespace
}  // namespace vmconvert::trees
