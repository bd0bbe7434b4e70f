// When each guest was worked on. A batch works in several windows with days in between: each time
// that it worked gets a picture of its own, or all bars would be hairs.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "report/html.hpp"
#include "report/html_batch_parts.hpp"
#include "report/html_parts.hpp"

namespace vmconvert::report {
namespace {

using model::Standing;

constexpr double k_bars_left = 250;
constexpr double k_bars_width = 660;
constexpr double k_picture = 1000;        // its whole width: the rest is for a last bar's label
constexpr double k_pause = 2 * 3600;      // without work: then a new picture begins
constexpr std::size_t k_most_rows = 400;  // of a picture; the table has all

struct Bar {
  const BatchGuest* guest = nullptr;
  const BatchRun* run = nullptr;  // null: only its beginning and end are known
  double from = 0;                // seconds since 1970
  double to = 0;
  bool trial_only = false;  // a point in time: when a trial saw it boot
};

struct Sitting {
  double from = 0;
  double to = 0;
  std::vector<Bar> bars;
};

void add_bars(const BatchGuest& guest, std::int64_t now, std::vector<Bar>& bars) {
  const model::GuestRecord& record = guest.record;
  const std::size_t first = bars.size();
  for (const BatchRun& run : guest.runs) {
    const auto began = static_cast<double>(run.run.began);
    bars.push_back({&guest, &run, began, began + std::max(run.run.seconds, 0.0), false});
  }
  const auto covered = [&](double at) {
    return std::any_of(bars.begin() + static_cast<std::ptrdiff_t>(first), bars.end(),
                       [at](const Bar& bar) { return at >= bar.from - 5 && at <= bar.to + 5; });
  };
  // Processes of which no job is left: trials, what a check refused, what was taken back.
  const auto started = static_cast<double>(record.started);
  if (record.started > 0 && !covered(started)) {
    const bool running = record.standing == Standing::running;
    const auto ended = static_cast<double>(record.ended > 0 ? record.ended
                                           : running        ? now
                                                            : record.started);
    bars.push_back({&guest, nullptr, started, std::max(started, ended), false});
  }
  const auto tried = static_cast<double>(record.time_of(model::Milestone::tried));
  if (tried > 0 && !covered(tried)) {
    bars.push_back({&guest, nullptr, tried, tried, true});
  }
}

std::vector<Sitting> sittings_of(const BatchPage& page) {
  std::vector<Bar> bars;
  for (const BatchGuest& guest : page.guests) {
    add_bars(guest, page.now, bars);
  }
  std::stable_sort(bars.begin(), bars.end(),
                   [](const Bar& a, const Bar& b) { return a.from < b.from; });
  std::vector<Sitting> sittings;
  for (const Bar& bar : bars) {
    if (sittings.empty() || bar.from > sittings.back().to + k_pause) {
      sittings.push_back({bar.from, bar.to, {}});
    }
    sittings.back().to = std::max(sittings.back().to, bar.to);
    sittings.back().bars.push_back(bar);
  }
  return sittings;
}

std::tm local(double seconds) {
  return fmt::localtime(static_cast<std::time_t>(seconds));
}

// Steps of a clock, about six in the picture, on its full minutes, hours and days.
double clock_step(double seconds) {
  constexpr std::array<double, 19> k_steps = {1,     2,     5,     10,    15,    30,   60,
                                              120,   300,   600,   900,   1800,  3600, 7200,
                                              14400, 21600, 43200, 86400, 604800};
  const auto* step = std::find_if(k_steps.begin(), k_steps.end(),
                                  [seconds](double each) { return each * 7 >= seconds; });
  return step == k_steps.end() ? seconds / 6 : *step;
}

std::string clock_axis(const Sitting& sitting, double seconds, double bottom) {
  const double step = clock_step(seconds);
  const auto zone = static_cast<double>(local(sitting.from).tm_gmtoff);
  const auto first = static_cast<std::int64_t>((sitting.from + zone) / step);
  std::string text;
  for (std::int64_t i = first; i < first + 16; ++i) {
    const double at = static_cast<double>(i) * step - zone;
    if (at < sitting.from - 0.001 || at > sitting.from + seconds) {
      continue;
    }
    const std::tm tm = local(at);
    const std::string label = step >= 86400 ? fmt::format("{:%m-%d}", tm)
                              : step >= 60  ? fmt::format("{:%H:%M}", tm)
                                            : fmt::format("{:%H:%M:%S}", tm);
    text += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" y2=\"{1:.0f}\" class=\"grid\"/>"
        "<text x=\"{0:.1f}\" y=\"{2:.0f}\" class=\"s\" text-anchor=\"middle\">{3}</text>\n",
        k_bars_left + k_bars_width * (at - sitting.from) / seconds, bottom, bottom + 16, label);
  }
  return text;
}

std::string bar_picture(const Bar& bar, const Sitting& sitting, double seconds, double y) {
  const double scale = k_bars_width / seconds;
  const double x = k_bars_left + scale * (bar.from - sitting.from);
  if (bar.trial_only) {
    return fmt::format(
        "<path d=\"M{0:.1f} {1:.0f}l7 7l-7 7l-7 -7z\" class=\"st st-trial\"><title>its trial ended "
        "{2}</title></path>\n",
        x, y + 1, time_text(static_cast<std::int64_t>(bar.from)));
  }
  const double width = std::max(1.5, scale * (bar.to - bar.from));
  // The whole run below, so that what lies between the stages is seen, too.
  std::string text = fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"16\" rx=\"2\" "
      "class=\"{}\"/>\n",
      x, y, width, bar.run == nullptr ? "st" : "skip");
  if (bar.run != nullptr) {
    for (const model::ReportSpan& span : bar.run->run.spans) {
      text += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"16\" class=\"{}\"><title>{}: "
          "{}</title></rect>\n",
          x + scale * span.from, y, std::max(0.5, scale * (span.to - span.from)),
          stage_class(span.stage), escape_html(span.stage), seconds_text(span.to - span.from));
    }
  }
  return text;
}

std::string how_it_went(const Bar& bar) {
  const model::GuestRecord& record = bar.guest->record;
  if (bar.trial_only) {
    return "its trial saw it boot";
  }
  if (bar.run == nullptr) {
    return model::to_string(record.standing);
  }
  if (!bar.run->run.ended.empty()) {
    return bar.run->run.ended;
  }
  const bool last = bar.run == &bar.guest->runs.back();
  return last && record.standing == Standing::running ? "at work" : "ended without a word";
}

// How each ended that was not the last word on its guest, as far as there is room before the next.
std::string endings(const Sitting& sitting, const BatchGuest& guest, double seconds, double y) {
  const auto place = [&](double at) {
    return k_bars_left + k_bars_width * (at - sitting.from) / seconds;
  };
  std::string text;
  for (const Bar& bar : sitting.bars) {
    const std::string ended = how_it_went(bar);
    if (bar.guest != &guest || bar.trial_only || ended == "converted" || ended == "done") {
      continue;
    }
    const double end = std::max(place(bar.to), place(bar.from) + 1.5) + 5;
    double next = k_picture;
    for (const Bar& other : sitting.bars) {
      if (other.guest == &guest && &other != &bar && other.to > bar.to) {
        next = std::min(next, place(other.from) - (other.trial_only ? 8 : 2));
      }
    }
    const std::string fits = fit_label(ended, next - end, 12, Cut::back);
    if (!fits.empty()) {
      text += fmt::format("<text x=\"{:.1f}\" y=\"{:.0f}\" class=\"s\">{}</text>\n", end, y + 13,
                          escape_html(fits));
    }
  }
  return text;
}

std::string picture(const BatchPage& page, const Sitting& sitting, std::size_t number) {
  std::vector<const BatchGuest*> rows;
  for (const BatchGuest& guest : page.guests) {
    if (std::any_of(sitting.bars.begin(), sitting.bars.end(),
                    [&](const Bar& bar) { return bar.guest == &guest; })) {
      rows.push_back(&guest);
    }
  }
  const std::size_t more = rows.size() > k_most_rows ? rows.size() - k_most_rows : 0;
  rows.resize(rows.size() - more);
  const double seconds = std::max(sitting.to - sitting.from, 1.0);
  const double bottom = 6 + 24.0 * static_cast<double>(rows.size());
  std::string text = fmt::format(
      "<figure>{5}<svg "
      "class=\"time\" viewBox=\"0 0 1000 {0:.0f}\" role=\"img\" aria-labelledby=\"bt-{1} "
      "bd-{1}\">\n"
      "<title id=\"bt-{1}\">Time line {1}: {2} guest(s)</title>\n<desc id=\"bd-{1}\">One row a "
      "guest, from "
      "{3} "
      "to {4}, coloured by stage. The table below has the numbers.</desc>\n",
      bottom + 24, number, rows.size(), time_text(static_cast<std::int64_t>(sitting.from)),
      time_text(static_cast<std::int64_t>(sitting.to)),
      open_wide(fmt::format("Time line {}", number)));
  text += clock_axis(sitting, seconds, bottom);
  double y = 4;
  for (const BatchGuest* guest : rows) {
    text +=
        fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" class=\"s\" text-anchor=\"end\">{}</text>\n",
                    k_bars_left - 10, y + 13,
                    escape_html(fit_label(guest->record.guest, k_bars_left - 12, 12, Cut::back)));
    for (const Bar& bar : sitting.bars) {
      if (bar.guest == guest) {
        text += bar_picture(bar, sitting, seconds, y);
      }
    }
    text += endings(sitting, *guest, seconds, y);
    y += 24;
  }
  text += "</svg>" + close_wide();
  if (more > 0) {
    text += fmt::format("<p>{} more are in the table.</p>\n", more);
  }
  return text + "</figure>\n";
}

constexpr const char* k_legend_entry =
    "<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><rect width=\"16\" height=\"16\" "
    "class=\"{}\"/></svg> {}</li>";

std::string stage_legend() {
  std::string text = "<ul class=\"legend\">";
  for (const char* stage : {"layout", "appliance", "trial", "copy", "verify", "define"}) {
    text += fmt::format(fmt::runtime(k_legend_entry), stage_class(stage), stage);
  }
  return text + fmt::format(fmt::runtime(k_legend_entry), "skip", "between stages") +
         fmt::format(fmt::runtime(k_legend_entry), "st", "a process that left no record") +
         "</ul>\n";
}

std::string work_table(const Sitting& sitting, std::size_t number) {
  std::string text = fmt::format(
      "<details><summary>The same as a table</summary>{}<table>\n<caption class=\"hidden\">Work of "
      "time line {}</caption><thead><tr><th scope=\"col\">Guest</th><th scope=\"col\">From</th>"
      "<th scope=\"col\">Took</th><th scope=\"col\">How it went</th><th scope=\"col\">Job</th></tr>"
      "</thead><tbody>\n",
      open_wide(fmt::format("Time line {} as a table", number)), number);
  for (const Bar& bar : sitting.bars) {
    text += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escape_html(bar.guest->record.guest), time_text(static_cast<std::int64_t>(bar.from)),
        bar.trial_only ? "–" : seconds_text(bar.to - bar.from), escape_html(how_it_went(bar)),
        bar.run == nullptr ? "–" : "<code>" + escape_html(bar.run->job) + "</code>");
  }
  return text + "</tbody></table>" + close_wide() + "</details>\n";
}

}  // namespace

std::string batch_time_section(const BatchPage& page) {
  std::string text =
      "<section id=\"time\" aria-labelledby=\"h-time\">\n<h2 id=\"h-time\">When each was worked "
      "on</h2>\n";
  const std::vector<Sitting> sittings = sittings_of(page);
  if (sittings.empty()) {
    return text + "<p>No work has begun.</p>\n</section>\n";
  }
  text += stage_legend();
  for (std::size_t i = 0; i < sittings.size(); ++i) {
    const Sitting& sitting = sittings[i];
    const double took = sitting.to - sitting.from;
    text += fmt::format("<h3>{}{}</h3>\n", time_text(static_cast<std::int64_t>(sitting.from)),
                        took < 1 ? "" : ", " + seconds_text(took)) +
            picture(page, sitting, i + 1) + work_table(sitting, i + 1);
  }
  return text + "</section>\n";
}

}  // namespace vmconvert::report
