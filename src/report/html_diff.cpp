// Edits as people read them: what was taken away, what was added, and in which file.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "report/edit_runs.hpp"
#include "report/html.hpp"
#include "report/html_parts.hpp"

namespace vmconvert::report {
namespace {

constexpr std::size_t k_lines = 4000;  // of one diff; a page must stay one that a browser opens

std::string line_html(const std::string& line) {
  if (line.starts_with("+++") || line.starts_with("---")) {
    return fmt::format("<span class=\"meta\">{}</span>\n", escape_html(line));
  }
  if (line.starts_with("@@")) {
    return fmt::format("<span class=\"hunk\">{}</span>\n", escape_html(line));
  }
  // <ins> and <del> mean what they say, for those who hear the page, too.
  if (line.starts_with("+")) {
    return fmt::format("<ins>{}</ins>\n", escape_html(line));
  }
  if (line.starts_with("-")) {
    return fmt::format("<del>{}</del>\n", escape_html(line));
  }
  return escape_html(line) + "\n";
}

std::string counts(std::string_view diff) {
  std::size_t added = 0;
  std::size_t removed = 0;
  for (const std::string& line : lines(diff)) {
    added += line.starts_with("+") && !line.starts_with("+++") ? 1U : 0U;
    removed += line.starts_with("-") && !line.starts_with("---") ? 1U : 0U;
  }
  return fmt::format("<span class=\"plus\">+{}</span> <span class=\"minus\">−{}</span>", added,
                     removed);
}

std::string edit_html(const model::Edit& edit) {
  if (!is_diff(edit.diff)) {
    return fmt::format("<p class=\"one\"><code>{}</code> <span class=\"soft\">{}</span></p>\n",
                       escape_html(edit.path), escape_html(edit.diff));
  }
  return fmt::format("<details open><summary><code>{}</code> {}</summary>\n{}</details>\n",
                     escape_html(edit.path), counts(edit.diff),
                     diff_block(edit.diff, "Difference of " + edit.path));
}

}  // namespace

std::string diff_block(std::string_view diff, std::string_view label) {
  if (diff.empty()) {
    return "<p>Nothing changes.</p>\n";
  }
  // Scrolled by keyboard where it is wider than the page.
  std::string text =
      fmt::format("<div class=\"diff\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><pre>",
                  escape_html(label));
  const auto all = lines(diff);
  for (std::size_t i = 0; i < std::min(all.size(), k_lines); ++i) {
    text += line_html(all[i]);
  }
  text += "</pre></div>\n";
  if (all.size() > k_lines) {
    text +=
        fmt::format("<p class=\"soft\">{} more lines are not shown.</p>\n", all.size() - k_lines);
  }
  return text;
}

std::string edits_section(const model::JobReport& report) {
  std::string text = fmt::format(
      "<section id=\"edits\" aria-labelledby=\"h-edits\">\n<h2 id=\"h-edits\">Edits inside the "
      "guest "
      "<span class=\"count\">{}</span></h2>\n",
      report.edits.size());
  std::string fixer;
  for (std::size_t i = 0; i < report.edits.size(); ++i) {
    const model::Edit& edit = report.edits[i];
    if (edit.fixer != fixer) {
      fixer = edit.fixer;
      text += fmt::format("<h3>{}</h3>\n", escape_html(fixer));
    }
    if (const std::size_t count = run_of_binaries(report.edits, i); count > 4) {
      text += fmt::format("<details><summary><code>{}</code> {} binary files</summary>\n<ul>\n",
                          escape_html(folder_of(edit.path)), count);
      for (std::size_t j = i; j < i + count; ++j) {
        text += fmt::format("<li><code>{}</code></li>\n", escape_html(report.edits[j].path));
      }
      text += "</ul></details>\n";
      i += count - 1;
      continue;
    }
    text += edit_html(edit);
  }
  if (report.edits.empty()) {
    text += "<p>Nothing had to change.</p>\n";
  }
  return text + "</section>\n";
}

std::string console_section(const model::JobReport& report, std::string_view console) {
  constexpr std::size_t k_shown = 600;
  if (!report.trial && console.empty()) {
    return "";
  }
  std::string text =
      "<section id=\"trial\" aria-labelledby=\"h-trial\">\n<h2 id=\"h-trial\">The trial's "
      "console</h2>\n";
  const bool booted = report.trial && report.trial->booted;
  const std::string evidence = report.trial ? report.trial->evidence : "";
  if (report.trial) {
    text += fmt::format("<p>{} <q>{}</q></p>\n",
                        booted ? fmt::format("The guest reached its prompt after {}. The line that "
                                             "proves it:",
                                             seconds_text(report.trial->seconds))
                               : "The guest did not reach its prompt. Likely cause:",
                        escape_html(evidence));
  }
  std::vector<std::string> all = lines(console);
  if (all.empty() && report.trial) {
    all = report.trial->last_lines;
  }
  // The last line that has the proof in it.
  std::size_t proof = all.size();
  const std::string_view wanted = trim(evidence);
  for (std::size_t i = 0; booted && !wanted.empty() && i < all.size(); ++i) {
    if (all[i].find(wanted) != std::string::npos) {
      proof = i;
    }
  }
  const std::size_t first = all.size() > k_shown ? all.size() - k_shown : 0;
  if (first > 0) {
    text += fmt::format("<p class=\"soft\">The last {} of {} lines.</p>\n", k_shown, all.size());
  }
  text +=
      "<div class=\"console\" role=\"region\" tabindex=\"0\" aria-label=\"Console of the "
      "trial\"><pre>";
  for (std::size_t i = first; i < all.size(); ++i) {
    std::string line = all[i];
    while (!line.empty() && line.back() == '\r') {
      line.pop_back();
    }
    text +=
        i == proof ? fmt::format("<mark>{}</mark>\n", escape_html(line)) : escape_html(line) + "\n";
  }
  return text + "</pre></div>\n</section>\n";
}

}  // namespace vmconvert::report
