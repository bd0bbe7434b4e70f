#include "report/html.hpp"

#include <fmt/format.h>

#include <map>

#include "base/text.hpp"
#include "report/html_parts.hpp"

namespace vmconvert::report {
namespace {

std::string row(std::string_view name, const std::string& value) {
  return value.empty() ? ""
                       : fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", name,
                                     escape_html(value));
}

struct Verdict {
  const char* css;
  const char* symbol;
  std::string text;
};

Verdict verdict_of(const ReportPage& page) {
  const model::JobReport& report = page.report;
  if (page.state == "done") {
    if (report.trial && report.trial->booted) {
      return {"good", "✓", "Converted, and its boot was seen before a byte was copied"};
    }
    return {"good", "✓", "Converted; the boot path was walked, no boot was seen"};
  }
  if (page.state == "failed") {
    return {"bad", "✗", "Failed; what was made was taken back"};
  }
  if (page.state == "undone") {
    return {"calm", "↶", "Undone: what was made was taken back"};
  }
  if (page.state == "running") {
    return {"calm", "…", "At work"};
  }
  return {"warn", "!", "Unfinished: it can go on, or be taken back"};
}

std::string header(const ReportPage& page) {
  const model::JobReport& report = page.report;
  const Verdict verdict = verdict_of(page);
  std::uint64_t size = 0;
  std::uint64_t read = 0;
  std::uint64_t skipped = 0;
  for (const model::ReportDisk& disk : report.disks) {
    size += disk.size;
    read += disk.read;
    skipped += disk.skipped;
  }
  double seconds = 0;
  for (const model::ReportRun& run : report.runs) {
    seconds += run.seconds;
  }
  const std::string title = report.name == report.guest
                                ? headline(report.name)
                                : headline(report.guest + " → " + report.name);
  std::string text = fmt::format(
      "<header>\n<p class=\"over\">vmconvert report · job {}</p>\n<h1>{}</h1>\n"
      "<p class=\"verdict {}\"><span aria-hidden=\"true\">{}</span> {}</p>\n",
      escape_html(report.job), title, verdict.css, verdict.symbol, escape_html(verdict.text));
  if (!report.error.empty()) {
    text += fmt::format("<p class=\"error\">{}</p>\n", escape_html(report.error));
  }
  const double share =
      size == 0 ? 0 : 100.0 * static_cast<double>(skipped) / static_cast<double>(size);
  text += "<dl class=\"numbers\">\n";
  text += number_box(
      "Time", seconds_text(seconds),
      fmt::format("in {} run{}", report.runs.size(), report.runs.size() == 1 ? "" : "s"));
  text += number_box("Read", bytes_text(read), fmt::format("of {}", bytes_text(size)));
  text +=
      number_box("Never read", bytes_text(skipped), fmt::format("{:.0f}% is free or zero", share));
  text += number_box("Changes inside", std::to_string(report.edits.size()),
                     report.edits.size() == 1 ? "edit" : "edits");
  if (report.trial) {
    text +=
        number_box("Trial", report.trial->booted ? seconds_text(report.trial->seconds) : "failed",
                   report.trial->booted ? "to its prompt" : "see the console");
  }
  return text + "</dl>\n</header>\n";
}

std::string contents(const ReportPage& page) {
  std::string text =
      "<nav aria-label=\"Contents\"><ul>\n<li><a href=\"#decided\">Decided</a></li>\n"
      "<li><a href=\"#disks\">Disks</a></li>\n<li><a href=\"#findings\">Findings</a></li>\n"
      "<li><a href=\"#edits\">Edits</a></li>\n<li><a href=\"#xml\">Domain</a></li>\n"
      "<li><a href=\"#time\">Time</a></li>\n";
  if (page.report.trial || !page.console.empty()) {
    text += "<li><a href=\"#trial\">Trial</a></li>\n";
  }
  return text + "<li><a href=\"#checksums\">Checksums</a></li>\n</ul></nav>\n";
}

// pv, hvm and kvm are abbreviations; Xen is a name.
std::string as_people_write(const std::string& word) {
  static const std::map<std::string, std::string, std::less<>> k_words = {
      {"pv", "PV"}, {"pvh", "PVH"}, {"hvm", "HVM"}, {"kvm", "KVM"}, {"xen", "Xen"}};
  const auto found = k_words.find(word);
  return found == k_words.end() ? word : found->second;
}

std::string decided(const model::JobReport& report) {
  const model::GuestFacts& inside = report.inside;
  std::string text =
      "<section id=\"decided\" aria-labelledby=\"h-decided\">\n"
      "<h2 id=\"h-decided\">What was decided, and why</h2>\n" +
      open_wide("The guest and the conversion") +
      "<table class=\"facts\">\n<caption class=\"hidden\">The guest and the "
      "conversion</caption>\n<tbody>\n";
  text += row("Source", report.source);
  text +=
      row("Was", fmt::format("Xen {} guest, {} of memory, {} vCPU", as_people_write(report.kind),
                             bytes_text(report.memory), report.vcpus));
  const bool another = !report.new_kind.empty() && report.new_kind != report.kind;
  text +=
      row("Becomes", fmt::format("{}{}{} domain {}", as_people_write(report.to), another ? " " : "",
                                 another ? as_people_write(report.new_kind) : "", report.name));
  text += row("System", inside.os_name);
  text += row("Host name", inside.hostname);
  text += row("Root on", inside.root_device);
  text += row("/boot on", inside.boot_device == inside.root_device ? "" : inside.boot_device);
  for (const model::Kernel& kernel : inside.kernels) {
    text += row("Kernel", fmt::format("{}, image {}, initramfs {}", kernel.version,
                                      kernel.image.empty() ? "none" : kernel.image,
                                      kernel.initrd.empty() ? "none" : kernel.initrd));
  }
  text += row("Boot loader found", inside.loader);
  std::vector<std::string> renames;
  for (const model::DeviceRename& rename : report.renames) {
    renames.push_back(rename.from + " → " + rename.to);
  }
  text += row("Device names", join(renames, ", "));
  text += row("Domain XML in", report.xml_path);
  text += row("Defined on", report.defined_on);
  text += row("Appliance ran under", report.accelerator);
  text += row("Made by", "vmconvert " + report.program);
  text += "</tbody></table>" + close_wide();
  if (!report.boot_path.empty()) {
    text +=
        "<h3>The boot path, link by link</h3>\n" + open_wide("The boot path") +
        "<table>\n<caption>Walked in the "
        "patched image, from boot sector to init</caption>\n<thead><tr><th scope=\"col\">Link</th>"
        "<th scope=\"col\">Found</th><th scope=\"col\">Evidence</th></tr></thead><tbody>\n";
    for (const model::BootLink& link : report.boot_path) {
      text += fmt::format(
          "<tr><th scope=\"row\">{}</th><td><span class=\"tag "
          "{}\">{}</span></td><td>{}</td></tr>\n",
          escape_html(link.name), link.ok ? "good" : "bad", link.ok ? "yes" : "gap",
          escape_html(link.what));
    }
    text += "</tbody></table>" + close_wide();
  }
  if (!report.steps.empty()) {
    text += "<h3>The steps</h3>\n<ol class=\"steps\">\n";
    for (const std::string& step : report.steps) {
      text += fmt::format("<li>{}</li>\n", escape_html(step));
    }
    text += "</ol>\n";
  }
  return text + "</section>\n";
}

std::string findings(const model::JobReport& report) {
  std::string text =
      "<section id=\"findings\" aria-labelledby=\"h-findings\">\n"
      "<h2 id=\"h-findings\">Findings, and what became of them</h2>\n";
  if (report.findings.empty()) {
    return text + "<p>Nothing stood in the way.</p>\n</section>\n";
  }
  text += open_wide("Findings") +
          "<table>\n<caption class=\"hidden\">Findings</caption>\n<thead><tr>"
          "<th scope=\"col\">Finding</th><th scope=\"col\">Weight</th><th scope=\"col\">What</th>"
          "<th scope=\"col\">What became of it</th></tr></thead><tbody>\n";
  for (const model::Finding& finding : report.findings) {
    const bool blocks = finding.severity == model::Severity::blocks;
    const char* css = blocks ? "bad" : finding.severity == model::Severity::warns ? "warn" : "calm";
    const std::string became = finding.acknowledged ? "Accepted by the operator (--accept)."
                               : blocks             ? "It stopped the conversion."
                                                    : "It did not stand in the way.";
    text += fmt::format(
        "<tr><th scope=\"row\"><code>{}</code></th><td><span class=\"tag {}\">{}</span></td>"
        "<td>{}</td><td>{}{}</td></tr>\n",
        escape_html(finding.id), css, model::to_string(finding.severity),
        escape_html(finding.message), became,
        finding.remedy.empty() ? ""
                               : fmt::format("<br><span class=\"soft\">To do: {}</span>",
                                             escape_html(finding.remedy)));
  }
  return text + "</tbody></table>" + close_wide() + "</section>\n";
}

std::string checksums(const model::JobReport& report) {
  std::string text =
      "<section id=\"checksums\" aria-labelledby=\"h-checksums\">\n"
      "<h2 id=\"h-checksums\">Checksums</h2>\n<p>Over the whole content of each disk; holes count "
      "as "
      "zeros. <code>vmconvert verify</code> compares again.</p>\n" +
      open_wide("Checksums") +
      "<table>\n"
      "<caption class=\"hidden\">Checksums of the new disks</caption>\n<thead><tr>"
      "<th scope=\"col\">Disk</th><th scope=\"col\">Where</th><th scope=\"col\">Size</th>"
      "<th scope=\"col\">Checksum</th></tr></thead><tbody>\n";
  for (const model::ReportDisk& disk : report.disks) {
    text += fmt::format(
        "<tr><th scope=\"row\">{}</th><td><code>{}</code></td><td>{}</td><td><code>{}</code></td>"
        "</tr>\n",
        escape_html(disk.name), escape_html(disk.path.empty() ? "not there" : disk.path),
        bytes_text(disk.size), escape_html(disk.checksum.empty() ? "none" : disk.checksum));
  }
  return text + "</tbody></table>" + close_wide() + "</section>\n";
}

}  // namespace

std::string job_to_html(const ReportPage& page) {
  const model::JobReport& report = page.report;
  std::string text = page_head(report.name + " · vmconvert report");
  text += header(page) + contents(page) + "<main id=\"main\">\n" + decided(report);
  text +=
      "<section id=\"disks\" aria-labelledby=\"h-disks\">\n<h2 id=\"h-disks\">The disks, before "
      "and "
      "after</h2>\n";
  for (std::size_t i = 0; i < report.disks.size(); ++i) {
    text += disk_section(report, report.disks[i], i + 1);
  }
  text += "</section>\n" + findings(report) + edits_section(report);
  text +=
      "<section id=\"xml\" aria-labelledby=\"h-xml\">\n<h2 id=\"h-xml\">The domain, before and "
      "after</h2>\n" +
      diff_block(report.xml_diff, "Difference of the domain XML") + "</section>\n";
  text += time_section(report) + throughput_section(report) +
          console_section(report, page.console) + checksums(report);
  text += "</main>\n<footer><p>";
  for (const model::ReportRun& run : report.runs) {
    text += fmt::format("Run of {}, {}{}. ", time_text(run.began), seconds_text(run.seconds),
                        run.ended.empty() ? "" : ", " + escape_html(run.ended));
  }
  return text + "</p></footer>\n</body>\n</html>\n";
}

}  // namespace vmconvert::report
