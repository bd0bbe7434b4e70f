#include "trees/outcome_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace vmconvert::trees {
namespace {

constexpr std::size_t k_long_file = 60;  // the script of the bootloader fixer has a test of its own

bool is_of_this_host(const model::Edit& edit) {
  return edit.path.find("/i386-pc/") != std::string::npos;
}

std::string edit_text(const model::Edit& edit) {
  if (edit.path.find(": bytes ") != std::string::npos) {
    return fmt::format("{} {}: {}\n", edit.fixer, edit.path.substr(0, edit.path.find(':')),
                       edit.diff.substr(0, edit.diff.find(',')));
  }
  const auto count = static_cast<std::size_t>(std::count(edit.diff.begin(), edit.diff.end(), '\n'));
  if (edit.diff.starts_with("--- /dev/null") && count > k_long_file) {
    return fmt::format("{} {}: a new file of {} lines\n", edit.fixer, edit.path, count - 3);
  }
  return fmt::format("{} {}\n{}{}", edit.fixer, edit.path, edit.diff,
                     edit.diff.ends_with('\n') ? "" : "\n");
}

std::string link_text(const guest::BootLink& link) {
  const bool measured = link.name == "loader core" || link.name == "kernel";
  return fmt::format("{} {}{}\n", link.ok ? "ok" : "BROKEN", link.name,
                     measured ? "" : ": " + printable(link.what));
}

}  // namespace

std::string to_text(const Outcome& outcome, const std::string& temp_folder) {
  std::string text = "== findings\n";
  for (const model::Finding& finding : outcome.findings) {
    text += fmt::format("{} {}: {}\n  {}\n", finding.id, model::to_string(finding.severity),
                        finding.message, finding.remedy);
  }
  text += "\n== edits\n";
  bool modules = false;
  for (const model::Edit& edit : outcome.edits) {
    if (!is_of_this_host(edit)) {
      text += edit_text(edit);
    } else if (!modules) {
      text += edit.fixer + " " + edit.path.substr(0, edit.path.find("/i386-pc/")) +
              "/i386-pc: modules of GRUB\n";
      modules = true;
    }
  }
  text += "\n== programs of the guest\n";
  for (const guest::DeferredRun& run : outcome.runs) {
    text += fmt::format("{} ({})\n", join(run.argv, " "), run.why);
  }
  text += "\n== boot path\n";
  for (const guest::BootLink& link : outcome.boot_path.links) {
    text += link_text(link);
  }
  return replace_all(std::move(text), temp_folder, "/TEMP");
}

std::string table_head() {
  return "| row | guest | starts by | what is edited | what is found | expected |\n"
         "|---|---|---|---|---|---|\n";
}

std::string to_table_line(const Row& row, const Outcome& outcome) {
  std::vector<std::string> edits, findings;
  std::set<std::string> seen;
  for (const model::Edit& edit : outcome.edits) {
    if (!is_of_this_host(edit) && edit.path.starts_with('/') && seen.insert(edit.path).second) {
      edits.push_back("`" + edit.path + "`");
    }
  }
  for (const guest::DeferredRun& run : outcome.runs) {
    edits.push_back("runs `" + run.argv.at(0).substr(run.argv[0].rfind('/') + 1) + "`");
  }
  for (const model::Finding& finding : outcome.findings) {
    const std::string name = fmt::format("`{}`", finding.id);
    if (std::find(findings.begin(), findings.end(), name) == findings.end()) {
      findings.push_back(name);
    }
  }
  const bool refused = row.expects.starts_with("refused");
  return fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", row.name, row.guest,
                     row.uefi                           ? "UEFI"
                     : row.kind == model::VirtKind::hvm ? "its own loader (HVM)"
                     : row.boots == "direct"            ? "a kernel on the Xen host"
                                                        : row.boots,
                     refused ? "nothing" : join(edits, ", "), join(findings, ", "),
                     refused ? "refused" : "boot path complete");
}

}  // namespace vmconvert::trees
