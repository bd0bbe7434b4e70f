// The disk before and after, as a picture. Numbers stand in a table below it as well: a picture is
// for a first glance.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/html.hpp"
#include "report/html_parts.hpp"

namespace vmconvert::report {
namespace {

constexpr double k_width = 960;
constexpr double k_bar = 46;

double along(std::uint64_t offset, std::uint64_t size) {
  return size == 0 ? 0 : k_width * static_cast<double>(offset) / static_cast<double>(size);
}

std::string rect(double x, double y, double width, double height, std::string_view css,
                 const std::string& title) {
  return fmt::format(
      "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\" class=\"{}\">"
      "<title>{}</title></rect>\n",
      x, y, std::max(width, 0.6), height, css, escape_html(title));
}

// On a bar of that width: what it is, and how large. A size that is cut short would be another
// size.
std::string labels(double x, double y, double width, std::string_view text, Cut cut,
                   const std::string& size) {
  const std::string fits = fit_label(text, width - 8, 13, cut);
  std::string out;
  if (!fits.empty()) {
    out = fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x + 5, y + 20,
                      escape_html(fits));
  }
  if (fit_label(size, width - 7, 12, Cut::back) == size) {
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"small\">{}</text>\n", x + 5, y + 37,
                       size);
  }
  return out;
}

std::string content_of(const model::JobReport& report, const model::ReportDisk& disk,
                       const model::Partition& part) {
  const std::string device = model::partition_name(disk.name, part.number);
  for (const model::Filesystem& fs : report.inside.filesystems) {
    if (fs.device == device) {
      return fs.type + (fs.mountpoint.empty() ? "" : " on " + fs.mountpoint) +
             (fs.label.empty() ? "" : ", label " + fs.label);
    }
  }
  for (const model::AllocationNote& note : disk.allocation) {
    if (note.offset == part.start) {
      return note.content;
    }
  }
  return "";
}

std::string before(const model::ReportDisk& disk, double y) {
  std::string text =
      fmt::format("<text x=\"0\" y=\"{:.0f}\" class=\"h\">Before: {}</text>\n", y,
                  disk.composed ? "separate volumes, and what is added" : "one disk");
  y += 10;
  std::uint64_t at = 0;
  for (const model::ReportSegment& segment : disk.segments) {
    const double x = along(at, disk.size);
    const double width = along(segment.length, disk.size);
    const bool ours = segment.source.empty();
    text +=
        rect(x, y, width, k_bar, ours ? "made" : "src",
             fmt::format("{}: {}", ours ? "made by vmconvert (table, gap, end)" : segment.source,
                         bytes_text(segment.length)));
    if (!ours) {
      text += labels(x, y, width, segment.source, Cut::front, bytes_text(segment.length));
    }
    at += segment.length;
  }
  return text;
}

std::string after(const model::JobReport& report, const model::ReportDisk& disk, double y) {
  std::string text = fmt::format(
      "<text x=\"0\" y=\"{:.0f}\" class=\"h\">After: {}, {}</text>\n", y,
      escape_html(fit_label(disk.name, k_width / 2, 13, Cut::back)),
      disk.table == "none"
          ? "no partition table"
          : escape_html(fit_label(disk.table, k_width / 4, 13, Cut::back)) + " partition table");
  y += 10;
  text += rect(0, y, k_width, k_bar, "made", "not in a partition: table, gap for the boot loader");
  for (const model::Partition& part : disk.partitions) {
    const double x = along(part.start.value, disk.size);
    const double width = along(part.length.value, disk.size);
    const std::string name = model::partition_name(disk.name, part.number);
    const std::string content = content_of(report, disk, part);
    text += rect(x, y, width, k_bar, "part",
                 fmt::format("{}: {}, {}{}", name, bytes_text(part.length.value),
                             content.empty() ? "content not known" : content,
                             part.bootable ? ", active" : ""));
    text += labels(x, y, width, name + (content.empty() ? "" : ": " + content), Cut::back,
                   bytes_text(part.length.value));
  }
  if (disk.partitions.empty()) {
    text += rect(0, y, k_width, k_bar, "part", disk.name);
  }
  return text;
}

// Neighbours of one kind become one bar; in a mixed slice each kind has its share of the height.
std::string moved(const model::ReportDisk& disk, double y) {
  std::string text =
      fmt::format("<text x=\"0\" y=\"{:.0f}\" class=\"h\">What was moved</text>\n", y);
  y += 10;
  text += rect(0, y, k_width, k_bar, "skip", "free or zero: never read");
  if (disk.cells.empty()) {
    return text;
  }
  const double step = k_width / static_cast<double>(disk.cells.size());
  const auto share = [](const model::ReportCell& cell) {
    const double all = static_cast<double>(cell.patched + cell.needed + cell.skipped);
    return all == 0 ? 0 : static_cast<double>(cell.needed + cell.patched) / all;
  };
  std::size_t i = 0;
  while (i < disk.cells.size()) {
    const double used = share(disk.cells[i]);
    std::size_t end = i + 1;
    while (end < disk.cells.size() && std::abs(share(disk.cells[end]) - used) < 0.02) {
      ++end;
    }
    if (used > 0) {
      const double height = std::max(3.0, k_bar * used);
      text += fmt::format(
          "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\" class=\"need\"/>\n",
          step * static_cast<double>(i), y + k_bar - height, step * static_cast<double>(end - i),
          height);
    }
    i = end;
  }
  for (i = 0; i < disk.cells.size(); ++i) {
    if (disk.cells[i].patched > 0) {
      text += fmt::format(
          "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"7\" class=\"patch\"/>\n",
          step * static_cast<double>(i), y - 1, std::max(step, 2.4));
    }
  }
  return text;
}

std::string scale(const model::ReportDisk& disk, double y) {
  std::string text;
  for (int i = 0; i <= 4; ++i) {
    const double x = k_width * i / 4;
    text += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.0f}\" y2=\"{2:.0f}\" class=\"tick\"/>"
        "<text x=\"{0:.1f}\" y=\"{3:.0f}\" class=\"s\" text-anchor=\"{4}\">{5}</text>\n",
        x, y, y + 5, y + 20,
        i == 0   ? "start"
        : i == 4 ? "end"
                 : "middle",
        bytes_text(disk.size / 4 * static_cast<unsigned>(i)));
  }
  return text;
}

std::string legend() {
  std::string text = "<ul class=\"legend\">\n";
  for (const auto& [css, name] :
       {std::pair{"src", "source volume"}, std::pair{"made", "table and gap, made by vmconvert"},
        std::pair{"part", "partition"}, std::pair{"need", "used: copied from the source"},
        std::pair{"patch", "patched: written from the overlay"},
        std::pair{"skip", "free or zero: skipped"}}) {
    text += fmt::format(
        "<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><rect width=\"16\" height=\"16\" "
        "class=\"{}\"/></svg> {}</li>\n",
        css, name);
  }
  return text + "</ul>\n";
}

std::string table(const model::JobReport& report, const model::ReportDisk& disk) {
  std::string text =
      open_wide("Partitions of the new disk") +
      "<table>\n<caption class=\"hidden\">Partitions of the new "
      "disk</caption>\n"
      "<thead><tr><th scope=\"col\">Partition</th><th scope=\"col\">Begins at</th>"
      "<th scope=\"col\">Size</th><th scope=\"col\">Content</th><th scope=\"col\">Free space known "
      "by</th></tr></thead><tbody>\n";
  for (const model::Partition& part : disk.partitions) {
    std::string how = "the trim alone";
    for (const model::AllocationNote& note : disk.allocation) {
      if (note.offset == part.start) {
        how = note.by_map ? fmt::format("its own map, {} left out", bytes_text(note.free.value))
                          : "the trim alone: " + note.why;
      }
    }
    text += fmt::format(
        "<tr><th scope=\"row\">{}{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escape_html(model::partition_name(disk.name, part.number)), part.bootable ? ", active" : "",
        bytes_text(part.start.value), bytes_text(part.length.value),
        escape_html(content_of(report, disk, part)), escape_html(how));
  }
  return text + "</tbody></table>" + close_wide();
}

}  // namespace

std::string disk_section(const model::JobReport& report, const model::ReportDisk& disk,
                         std::size_t number) {
  std::uint64_t patched = 0;
  std::uint64_t needed = 0;
  std::uint64_t skipped = 0;
  for (const model::ReportCell& cell : disk.cells) {
    patched += cell.patched;
    needed += cell.needed;
    skipped += cell.skipped;
  }
  const std::string sum =
      fmt::format("{} of {} were copied, {} patched, {} skipped", bytes_text(needed),
                  bytes_text(disk.size), bytes_text(patched), bytes_text(skipped));
  const std::string name = escape_html(disk.name);
  std::string text = fmt::format(
      "<h3>{0}</h3>\n<p>{1}.</p>\n<figure>{2}\n<svg class=\"disk\" viewBox=\"0 0 960 "
      "262\" role=\"img\" aria-labelledby=\"t-{3} d-{3}\">\n<title id=\"t-{3}\">Disk {0} before "
      "and after</title>\n<desc id=\"d-{3}\">Three bars, one above the other, along the disk: the "
      "source "
      "volumes, the partitions of the new disk, and what was moved. {1}. The table below has the "
      "numbers.</desc>\n",
      name, sum, open_wide("Disk " + disk.name + " before and after"), number);
  text += before(disk, 14) + after(report, disk, 90) + moved(disk, 166) + scale(disk, 226);
  text += "</svg>" + close_wide() + "<figcaption>" + legend() + "</figcaption></figure>\n";
  return disk.partitions.empty() ? text : text + table(report, disk);
}

}  // namespace vmconvert::report
