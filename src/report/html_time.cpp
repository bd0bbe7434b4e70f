// When what happened, and how fast the bytes went: one picture a run.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.hpp"
#include "report/html_parts.hpp"

namespace vmconvert::report {
namespace {

constexpr double k_left = 250;
constexpr double k_right = 700;  // width of the drawing area

// The numbers come from a file: a clock may go from -1e308 to 1e308, and a rate be anything.
std::string rate_text(double bytes) {
  constexpr double k_most = 9e18;
  return bytes_text(bytes > 0 ? static_cast<std::uint64_t>(std::min(bytes, k_most)) : 0);
}

// 1, 2 or 5 times a power of ten, such that about five fit.
double step_for(double whole) {
  const double rough = std::max(whole, 1e-9) / 5;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      return factor * power;
    }
  }
  return 10 * power;
}

std::string time_axis(double seconds, double left, double width, double top, double bottom) {
  std::string text;
  if (!std::isfinite(seconds)) {
    return text;
  }
  const double step = step_for(seconds);
  for (double at = 0; at <= seconds + step / 100; at += step) {
    const double x = left + width * at / std::max(seconds, 1e-9);
    text += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.0f}\" y2=\"{2:.0f}\" class=\"grid\"/>"
        "<text x=\"{0:.1f}\" y=\"{3:.0f}\" class=\"s\" text-anchor=\"middle\">{4}</text>\n",
        x, top, bottom, bottom + 16, at == 0 ? "0" : seconds_text(at));
  }
  return text;
}

std::string name_of(const model::ReportSpan& span) {
  return span.what.empty() ? span.stage : span.stage + ": " + span.what;
}

std::string run_picture(const model::ReportRun& run, std::size_t number) {
  // What took no time to speak of would only make the picture longer.
  std::vector<const model::ReportSpan*> shown;
  for (const model::ReportSpan& span : run.spans) {
    if (span.to - span.from >= run.seconds / 400) {
      shown.push_back(&span);
    }
  }
  if (shown.empty()) {
    return "<p>No stage of this run was recorded.</p>\n";
  }
  shown.resize(std::min<std::size_t>(shown.size(), 60));
  const double bottom = 6 + 24.0 * static_cast<double>(shown.size());
  std::string text = fmt::format(
      "<figure>{3}<svg class=\"time\" viewBox=\"0 0 1000 {0:.0f}\" role=\"img\" "
      "aria-labelledby=\"tt-{1} td-{1}\">\n<title id=\"tt-{1}\">Time line of run {1}</title>\n"
      "<desc id=\"td-{1}\">One bar a stage, from its beginning to its end on a clock of {2}. The "
      "table below has the numbers.</desc>\n",
      bottom + 24, number, seconds_text(run.seconds),
      open_wide(fmt::format("Time line of run {}", number)));
  text += time_axis(run.seconds, k_left, k_right, 0, bottom);
  double y = 4;
  for (const model::ReportSpan* span : shown) {
    const double x = k_left + k_right * span->from / std::max(run.seconds, 1e-9);
    const double width =
        std::max(1.5, k_right * (span->to - span->from) / std::max(run.seconds, 1e-9));
    const std::string name = fit_label(name_of(*span), k_left - 10, 12, Cut::back);
    text += fmt::format(
        "<text x=\"{:.0f}\" y=\"{:.0f}\" class=\"s\" text-anchor=\"end\">{}</text>\n"
        "<rect x=\"{:.1f}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"16\" rx=\"2\" "
        "class=\"{}\"><title>{}: {}</title></rect>\n",
        k_left - 8, y + 13, escape_html(name), x, y, width, stage_class(span->stage),
        escape_html(name_of(*span)), seconds_text(span->to - span->from));
    if (x + width < k_left + k_right - 70) {
      text += fmt::format("<text x=\"{:.1f}\" y=\"{:.0f}\" class=\"s\">{}</text>\n", x + width + 5,
                          y + 13, seconds_text(span->to - span->from));
    }
    y += 24;
  }
  return text + "</svg>" + close_wide() + "</figure>\n";
}

std::string run_table(const model::ReportRun& run, std::size_t number) {
  std::string text =
      "<details><summary>The same as a table</summary>" +
      open_wide(fmt::format("Time line of run {} as a table", number)) +
      "<table>\n<caption "
      "class=\"hidden\">Stages of the run</caption><thead><tr><th scope=\"col\">Stage</th>"
      "<th scope=\"col\">What</th><th scope=\"col\">From</th><th "
      "scope=\"col\">Took</th></tr></thead>"
      "<tbody>\n";
  for (const model::ReportSpan& span : run.spans) {
    text += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                        escape_html(span.stage), escape_html(span.what), seconds_text(span.from),
                        seconds_text(span.to - span.from));
  }
  return text + "</tbody></table>" + close_wide() + "</details>\n";
}

// Bytes a second between two samples of the same work.
struct Rate {
  double from = 0;
  double to = 0;
  double bytes = 0;
  bool verify = false;
};

std::vector<Rate> rates_of(const model::ReportRun& run) {
  std::vector<Rate> rates;
  for (std::size_t i = 1; i < run.samples.size(); ++i) {
    const model::ReportSample& a = run.samples[i - 1];
    const model::ReportSample& b = run.samples[i];
    if (a.stage == b.stage && a.what == b.what && b.done >= a.done && b.at - a.at > 0.001) {
      rates.push_back(
          {a.at, b.at, static_cast<double>(b.done - a.done) / (b.at - a.at), b.stage == "verify"});
    }
  }
  return rates;
}

std::string rate_picture(const std::vector<Rate>& rates, std::size_t number) {
  const double begin = rates.front().from;
  const double seconds = std::max(rates.back().to - begin, 0.001);
  double most = 0;
  double moved = 0;
  double worked = 0;
  for (const Rate& rate : rates) {
    most = std::max(most, rate.bytes);
    moved += rate.bytes * (rate.to - rate.from);
    worked += rate.to - rate.from;
  }
  constexpr double k_top = 10;
  constexpr double k_bottom = 190;
  constexpr double k_from = 90;
  constexpr double k_wide = 880;
  const double middle = moved / worked;
  std::string text = fmt::format(
      "<figure>{3}<svg class=\"rate\" viewBox=\"0 0 1000 216\" role=\"img\" "
      "aria-labelledby=\"rt-{0} rd-{0}\">\n<title id=\"rt-{0}\">Throughput of run {0}</title>\n"
      "<desc id=\"rd-{0}\">Bytes a second over time, of the copy and of reading it back. On the "
      "average {1} a second, at most {2} a second.</desc>\n",
      number, rate_text(middle), rate_text(most),
      open_wide(fmt::format("Throughput of run {}", number)));
  text += time_axis(seconds, k_from, k_wide, k_top, k_bottom);
  constexpr double k_mib = 1048576;
  const double step = std::max(step_for(most / k_mib), 0.001);
  for (double at = 0; at * k_mib <= most; at += step) {
    const double y = k_bottom - (k_bottom - k_top) * at * k_mib / std::max(most, 1.0);
    text += fmt::format(
        "<line x1=\"{0:.0f}\" x2=\"{1:.0f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" class=\"grid\"/>"
        "<text x=\"{3:.0f}\" y=\"{4:.1f}\" class=\"s\" text-anchor=\"end\">{5:.4g} MiB/s</text>\n",
        k_from, k_from + k_wide, y, k_from - 6, y + 4, at);
  }
  for (const Rate& rate : rates) {
    const double x = k_from + k_wide * (rate.from - begin) / seconds;
    const double width = std::max(0.8, k_wide * (rate.to - rate.from) / seconds);
    const double height = (k_bottom - k_top) * rate.bytes / std::max(most, 1.0);
    text += fmt::format(
        "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\" class=\"st "
        "st-{}\"/>\n",
        x, k_bottom - height, width, height, rate.verify ? "verify" : "copy");
  }
  text += fmt::format(
      "</svg>{}<figcaption><ul class=\"legend\"><li><svg width=\"16\" height=\"16\" "
      "aria-hidden=\"true\"><rect width=\"16\" height=\"16\" class=\"st st-copy\"/></svg> copy</li>"
      "<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><rect width=\"16\" height=\"16\" "
      "class=\"st st-verify\"/></svg> reading it back</li></ul>{} in {}: on the average {}/s, at "
      "most {}/s.</figcaption></figure>\n",
      close_wide(), rate_text(moved), seconds_text(worked), rate_text(middle), rate_text(most));
  return text;
}

}  // namespace

std::string time_section(const model::JobReport& report) {
  std::string text =
      "<section id=\"time\" aria-labelledby=\"h-time\">\n<h2 id=\"h-time\">Where the time "
      "went</h2>\n";
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    const model::ReportRun& run = report.runs[i];
    if (report.runs.size() > 1) {
      text +=
          fmt::format("<h3>Run {}{}</h3>\n", i + 1,
                      run.ended.empty() ? ": ended without a word" : ": " + escape_html(run.ended));
    }
    text += run_picture(run, i + 1) + run_table(run, i + 1);
  }
  return text + "</section>\n";
}

std::string throughput_section(const model::JobReport& report) {
  std::string pictures;
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    const auto rates = rates_of(report.runs[i]);
    if (!rates.empty()) {
      pictures += rate_picture(rates, i + 1);
    }
  }
  return "<section id=\"rate\" aria-labelledby=\"h-rate\">\n<h2 id=\"h-rate\">Throughput</h2>\n" +
         (pictures.empty() ? "<p>The copy was over before its rate could be measured.</p>\n"
                           : pictures) +
         "</section>\n";
}

}  // namespace vmconvert::report
