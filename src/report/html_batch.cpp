#include "report/html_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/html.hpp"
#include "report/html_batch_parts.hpp"
#include "report/html_parts.hpp"
#include "report/list.hpp"

namespace vmconvert::report {
namespace {

using model::GuestRecord;
using model::Standing;

struct Totals {
  std::size_t guests = 0;
  std::array<std::size_t, 6> standing = {};  // by Standing
  std::uint64_t size = 0;                    // of the guests that were copied
  std::uint64_t moved = 0;
  std::uint64_t skipped = 0;
  double move_seconds = 0;
  double worked = 0;
  std::uint64_t left_bytes = 0;
  double left_seconds = 0;

  [[nodiscard]] std::size_t of(Standing which) const {
    return standing.at(static_cast<std::size_t>(which));
  }
  [[nodiscard]] std::size_t left() const {
    return guests - of(Standing::done) - of(Standing::closed);
  }
  // Bytes a second; 0 where no copy was measured.
  [[nodiscard]] double rate() const {
    return move_seconds > 0 ? static_cast<double>(moved) / move_seconds : 0;
  }
  [[nodiscard]] double seconds_saved() const {
    return rate() > 0 ? static_cast<double>(skipped) / rate() : 0;
  }
};

bool is_left(const GuestRecord& record) {
  return record.standing != Standing::done && record.standing != Standing::closed;
}

std::uint64_t bytes_left(const GuestRecord& record) {
  return record.measure.to_move.value > 0 ? record.measure.to_move.value
                                          : record.measure.size.value;
}

Totals totals_of(const BatchPage& page) {
  Totals totals;
  totals.guests = page.guests.size();
  for (const BatchGuest& guest : page.guests) {
    const model::GuestMeasure& measure = guest.record.measure;
    ++totals.standing.at(static_cast<std::size_t>(guest.record.standing));
    if (measure.move_seconds > 0) {
      totals.size += measure.size.value;
      totals.moved += measure.to_move.value;
      totals.skipped += measure.skipped.value;
      totals.move_seconds += measure.move_seconds;
      totals.worked += measure.move_seconds + measure.other_seconds;
    }
    if (is_left(guest.record)) {
      totals.left_bytes += bytes_left(guest.record);
      totals.left_seconds += guest.seconds_left;
    }
  }
  return totals;
}

const char* css_of(Standing standing) {
  switch (standing) {
    case Standing::done: return "good";
    case Standing::failed: return "bad";
    case Standing::interrupted: return "warn";
    case Standing::waiting:
    case Standing::running:
    case Standing::closed: break;
  }
  return "calm";
}

std::string tag_of(const GuestRecord& record) {
  return fmt::format("<span class=\"tag {}\">{}</span>", css_of(record.standing),
                     model::to_string(record.standing));
}

std::string verdict(const Totals& totals) {
  const auto line = [](const char* css, const char* symbol, const std::string& text) {
    return fmt::format("<p class=\"verdict {}\"><span aria-hidden=\"true\">{}</span> {}</p>\n", css,
                       symbol, text);
  };
  const std::string far = fmt::format("{} of {} done", totals.of(Standing::done), totals.guests);
  if (totals.left() == 0) {
    return line("good", "✓",
                totals.of(Standing::closed) == 0
                    ? fmt::format("All done: {} of {} converted", totals.guests, totals.guests)
                    : fmt::format("{}, the others were closed", far));
  }
  if (totals.of(Standing::failed) > 0) {
    return line("bad", "✗", fmt::format("{} failed; {}", totals.of(Standing::failed), far));
  }
  if (totals.of(Standing::interrupted) > 0) {
    return line("warn", "!",
                fmt::format("{} stopped in the middle and can go on; {}",
                            totals.of(Standing::interrupted), far));
  }
  return totals.of(Standing::running) > 0 ? line("calm", "…", "At work: " + far)
                                          : line("calm", "…", far + "; the others wait");
}

std::string batch_header(const BatchPage& page, const Totals& totals) {
  std::string text = fmt::format(
      "<header>\n<p class=\"over\">vmconvert report · batch, as of {}</p>\n<h1>{}</h1>\n",
      time_text(page.now), headline(page.batch));
  text += verdict(totals) + "<dl class=\"numbers\">\n";
  text += number_box("Done", fmt::format("{} of {}", totals.of(Standing::done), totals.guests),
                     totals.of(Standing::closed) == 0
                         ? "guests"
                         : fmt::format("guests; {} closed", totals.of(Standing::closed)));
  text += number_box("Left", std::to_string(totals.left()),
                     totals.left() == 0 ? "guests"
                                        : fmt::format("guests, {}; about {} one after another",
                                                      bytes_text(totals.left_bytes),
                                                      seconds_text(totals.left_seconds)));
  text += number_box("Moved", bytes_text(totals.moved),
                     fmt::format("of disks of {}", bytes_text(totals.size)));
  text += number_box("Never read", bytes_text(totals.skipped), "free or zero");
  text += number_box("Saved", totals.rate() > 0 ? seconds_text(totals.seconds_saved()) : "–",
                     "of copying, by not reading that");
  return text + "</dl>\n</header>\n";
}

constexpr const char* k_contents =
    "<nav aria-label=\"Contents\"><ul>\n<li><a href=\"#left\">What is left</a></li>\n"
    "<li><a href=\"#guests\">All guests</a></li>\n<li><a href=\"#way\">How far they are</a></li>\n"
    "<li><a href=\"#time\">Time line</a></li>\n<li><a href=\"#saved\">Saved</a></li>\n"
    "</ul></nav>\n";

// What needs somebody is first.
int urgency(Standing standing) {
  switch (standing) {
    case Standing::failed: return 0;
    case Standing::interrupted: return 1;
    case Standing::running: return 2;
    case Standing::waiting:
    case Standing::done:
    case Standing::closed: break;
  }
  return 3;
}

std::string advice(const GuestRecord& record) {
  switch (record.standing) {
    case Standing::failed:
      return "Mend what is named; the next run tries it again. Or leave it: vmconvert batch close "
             "NAME.";
    case Standing::interrupted: return "The next run of the batch goes on with it.";
    case Standing::running:
      return record.progress.stage.empty()
                 ? "It is at work."
                 : fmt::format("It is at work: {} {}.", record.progress.stage,
                               record.progress.what);
    case Standing::waiting:
    case Standing::done:
    case Standing::closed: break;
  }
  return record.time_of(model::Milestone::tried) != 0
             ? "It was tried; its cutover is still to come."
             : "Its turn comes.";
}

std::string left(const BatchPage& page) {
  std::vector<const BatchGuest*> open;
  for (const BatchGuest& guest : page.guests) {
    if (is_left(guest.record)) {
      open.push_back(&guest);
    }
  }
  std::stable_sort(open.begin(), open.end(), [](const BatchGuest* a, const BatchGuest* b) {
    return urgency(a->record.standing) < urgency(b->record.standing);
  });
  std::string text =
      "<section id=\"left\" aria-labelledby=\"h-left\">\n<h2 id=\"h-left\">What is left</h2>\n";
  if (open.empty()) {
    return text + "<p>Nothing: no guest of this batch waits for anything.</p>\n</section>\n";
  }
  text += open_wide("What is left") +
          // What to do stands beside the name: on a phone the rest is scrolled to.
          "<table class=\"many todo\">\n<caption>Those that need somebody come "
          "first</caption>\n<thead><tr>"
          "<th scope=\"col\">Guest</th><th scope=\"col\">Why, and what to do</th>"
          "<th scope=\"col\">To move</th><th scope=\"col\">Takes about</th></tr></thead><tbody>\n";
  for (const BatchGuest* guest : open) {
    const GuestRecord& record = guest->record;
    text += fmt::format(
        "<tr><th scope=\"row\">{}<br>{}</th><td class=\"why\">{}{}<span "
        "class=\"soft\">{}</span></td>"
        "<td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
        escape_html(record.guest), tag_of(record), escape_html(record.error),
        record.error.empty() ? "" : "<br>", escape_html(advice(record)),
        bytes_left(record) > 0 ? bytes_text(bytes_left(record)) : "not known yet",
        guest->seconds_left > 0 ? seconds_text(guest->seconds_left) : "–");
  }
  return text + "</tbody></table>" + close_wide() + "</section>\n";
}

std::string bytes_or_dash(std::uint64_t bytes) {
  return bytes == 0 ? "–" : bytes_text(bytes);
}

std::string guests(const BatchPage& page, const Totals& totals) {
  std::string text =
      "<section id=\"guests\" aria-labelledby=\"h-guests\">\n<h2 id=\"h-guests\">All guests</h2>\n";
  text +=
      open_wide("All guests") +
      "<table class=\"many\">\n<caption class=\"hidden\">All guests of the "
      "batch</caption>\n<thead><tr>"
      "<th scope=\"col\">Guest</th><th scope=\"col\">State</th><th scope=\"col\">Reached</th>"
      "<th scope=\"col\">Disks</th><th scope=\"col\">Moved</th><th scope=\"col\">Never read</th>"
      "<th scope=\"col\">Took</th><th scope=\"col\">Job</th></tr></thead><tbody>\n";
  for (const BatchGuest& guest : page.guests) {
    const GuestRecord& record = guest.record;
    const model::GuestMeasure& measure = record.measure;
    const bool copied = measure.move_seconds > 0;
    text += fmt::format(
        "<tr><th scope=\"row\">{}<br><small>{}{}{}</small></th><td>{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td "
        "class=\"n\">{}</td>"
        "<td class=\"id\">{}</td></tr>\n",
        escape_html(record.guest), escape_html(record.group), record.group.empty() ? "" : " · ",
        escape_html(record.source), tag_of(record), escape_html(milestone_text(record)),
        bytes_or_dash(measure.size.value), copied ? bytes_text(measure.to_move.value) : "–",
        copied ? bytes_text(measure.skipped.value) : "–",
        copied ? seconds_text(measure.move_seconds + measure.other_seconds) : "–",
        record.job.empty() ? "–" : "<code>" + escape_html(record.job) + "</code>");
  }
  text += fmt::format(
      "</tbody><tfoot><tr><th scope=\"row\">All that were copied</th><td></td><td></td><td "
      "class=\"n\">{}</td>"
      "<td class=\"n\">{}</td><td class=\"n\">{}</td><td "
      "class=\"n\">{}</td><td></td></tr></tfoot></table>",
      bytes_text(totals.size), bytes_text(totals.moved), bytes_text(totals.skipped),
      seconds_text(totals.worked));
  return text + close_wide() + "</section>\n";
}

// How many have passed each milestone.
std::string way(const BatchPage& page) {
  std::string text =
      "<section id=\"way\" aria-labelledby=\"h-way\">\n<h2 id=\"h-way\">How far they are</h2>\n";
  text += open_wide("How far they are") +
          "<table class=\"facts\">\n<caption>Guests that have passed each milestone</caption>\n"
          "<thead><tr><th scope=\"col\">Milestone</th><th scope=\"col\">Guests</th></tr></thead>"
          "<tbody>\n";
  const auto all = std::max<std::size_t>(page.guests.size(), 1);
  for (std::size_t i = 0; i < model::k_milestones; ++i) {
    const auto passed = static_cast<std::size_t>(
        std::count_if(page.guests.begin(), page.guests.end(),
                      [&](const BatchGuest& guest) { return guest.record.reached.at(i) != 0; }));
    text += fmt::format(
        "<tr><th scope=\"row\">{0}</th><td><svg class=\"way\" viewBox=\"0 0 400 14\" "
        "aria-hidden=\"true\" preserveAspectRatio=\"none\"><rect width=\"400\" height=\"14\" "
        "class=\"skip\"/><rect width=\"{1}\" height=\"14\" class=\"need\"/></svg>{2}</td></tr>\n",
        model::to_string(static_cast<model::Milestone>(i)), 400 * passed / all, passed);
  }
  return text + "</tbody></table>" + close_wide() + "</section>\n";
}

std::string saved(const Totals& totals) {
  std::string text =
      "<section id=\"saved\" aria-labelledby=\"h-saved\">\n<h2 id=\"h-saved\">What skipping "
      "saved</h2>\n";
  if (totals.rate() <= 0 || totals.size == 0) {
    return text + "<p>No guest was copied yet, so there is nothing to count.</p>\n</section>\n";
  }
  const double share = static_cast<double>(totals.moved) / static_cast<double>(totals.size);
  const double width = std::clamp(1000 * share, 0.0, 1000.0);
  text += fmt::format(
      "<p>The disks that were copied hold {}. {} of them were never read: the guests' own "
      "filesystems say that they are free, or they are zero. What was moved went at {}/s on the "
      "average, comparing included; the rest would have taken <strong>{}</strong> more.</p>\n"
      "<figure><svg class=\"saved\" viewBox=\"0 0 1000 40\" preserveAspectRatio=\"none\" "
      "aria-hidden=\"true\"><rect width=\"1000\" height=\"40\" class=\"skip\"/>"
      "<rect width=\"{:.1f}\" height=\"40\" class=\"need\"/></svg>\n<figcaption><ul "
      "class=\"legend\"><li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><rect "
      "width=\"16\" height=\"16\" class=\"need\"/></svg> moved: {} in {}</li><li><svg width=\"16\" "
      "height=\"16\" aria-hidden=\"true\"><rect width=\"16\" height=\"16\" class=\"skip\"/></svg> "
      "never read: {}</li></ul></figcaption></figure>\n",
      bytes_text(totals.size), bytes_text(totals.skipped),
      bytes_text(static_cast<std::uint64_t>(totals.rate())), seconds_text(totals.seconds_saved()),
      width, bytes_text(totals.moved), seconds_text(totals.move_seconds),
      bytes_text(totals.skipped));
  return text + "</section>\n";
}

}  // namespace

std::string batch_to_html(const BatchPage& page) {
  const Totals totals = totals_of(page);
  return page_head(page.batch + " · vmconvert batch report") + batch_header(page, totals) +
         k_contents + "<main id=\"main\">\n" + left(page) + guests(page, totals) + way(page) +
         batch_time_section(page) + saved(totals) +
         "</main>\n<footer><p>What a guest's own report shows (its edits, its console, its disks) "
         "is written by <code>vmconvert report JOB</code>.</p></footer>\n</body>\n</html>\n";
}

}  // namespace vmconvert::report
