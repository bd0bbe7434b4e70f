// Pages to check: what can be as bad as it likes, and what is as it should be. For the unit tests,
// and for the browser (tests/report).
#pragma once

#include <cstdint>
#include <string>

#include "report/html.hpp"
#include "report/html_batch.hpp"

namespace vmconvert::report {

// Whatever a guest, a description or a console can bring into a report.
inline ReportPage hostile_job(const std::string& text) {
  ReportPage page;
  model::JobReport& report = page.report;
  report.job = report.guest = report.name = report.source = report.error = text;
  report.kind = report.to = report.program = report.accelerator = text;
  report.new_kind = text + text;  // another one, so that it is shown
  report.inside.os_name = report.inside.hostname = report.inside.root_device = text;
  report.inside.kernels = {{text, text, text, true}};
  report.inside.filesystems = {{"vda1", text, text, text, ByteCount{1}, text}};
  report.renames = {{text, text}};
  model::ReportDisk disk;
  disk.name = disk.table = text;
  disk.size = 1U << 30U;
  disk.composed = true;
  disk.segments = {{"", 1048576}, {text, (1U << 30U) - 1048576}};
  disk.partitions = {{1, ByteCount{1048576}, ByteCount{(1U << 30U) - 1048576}, 0x83, true, false}};
  disk.allocation = {{ByteCount{1048576}, ByteCount{1}, text, false, text, {}}};
  disk.cells = std::vector<model::ReportCell>(480, {1, 100, 900});
  disk.path = disk.checksum = text;
  report.disks = {disk};
  report.edits = {{text, text, "--- a\n+++ b\n@@ -1 +1 @@\n-x" + text}, {"fstab", text, text}};
  report.findings = {{text, model::Severity::warns, text, text, true}};
  report.boot_path = {{text, true, text}};
  report.trial = model::TrialOutcome{true, 5, text, {text}, text};
  report.steps = {text};
  report.xml_diff = "--- a\n+++ b\n+" + text;
  report.runs = {{0,
                  10,
                  text,
                  {{text, text, 0, 5}, {"copy", "vda", 5, 10}},
                  {{"copy", text, 1, 0, 9}, {"copy", text, 2, 9, 9}}}};
  page.state = "done";
  page.console = "booting\r\n" + text + "\n";
  return page;
}

inline constexpr std::int64_t k_night = 1795910400;
inline constexpr std::uint64_t k_gibibyte = 1ULL << 30U;

inline void reach(model::GuestRecord& record, model::Milestone milestone, std::int64_t at) {
  record.reached.at(static_cast<std::size_t>(milestone)) = at;
}

inline BatchGuest converted_guest(const std::string& name) {
  BatchGuest guest;
  guest.record.guest = name;
  guest.record.source = "/srv/" + name + ".xml";
  guest.record.standing = model::Standing::done;
  guest.record.job = "j-" + name;
  reach(guest.record, model::Milestone::discovered, k_night);
  reach(guest.record, model::Milestone::copied, k_night + 300);
  guest.record.started = k_night;
  guest.record.ended = k_night + 300;
  // 2 GiB in 100 s; six more were never read: 300 s saved.
  guest.record.measure = {ByteCount{2 * k_gibibyte}, 100, 40, ByteCount{8 * k_gibibyte},
                          ByteCount{6 * k_gibibyte}};
  guest.runs = {{"j-" + name,
                 {k_night,
                  300,
                  "converted",
                  {{"appliance", "", 0, 40}, {"copy", "vda", 60, 160}, {"verify", "vda", 160, 300}},
                  {}}}};
  return guest;
}

inline BatchGuest waiting(const std::string& name) {
  BatchGuest guest;
  guest.record.guest = name;
  guest.record.measure.size = ByteCount{4 * k_gibibyte};
  guest.seconds_left = 240;
  reach(guest.record, model::Milestone::discovered, k_night);
  return guest;
}

// Whatever a blueprint, a guest's error or a tampered record can bring in.
inline BatchPage hostile_batch(const std::string& text) {
  BatchPage page;
  page.batch = text;
  page.now = k_night + 1000;
  for (const model::Standing standing :
       {model::Standing::waiting, model::Standing::running, model::Standing::failed,
        model::Standing::interrupted, model::Standing::done, model::Standing::closed}) {
    BatchGuest guest = converted_guest(text);
    guest.record.standing = standing;
    guest.record.batch = guest.record.group = guest.record.error = guest.record.source = text;
    guest.record.job = guest.record.progress.stage = guest.record.progress.what = text;
    guest.runs.front().job = guest.runs.front().run.ended = text;
    guest.runs.front().run.spans.push_back({text, text, 250, 260});
    page.guests.push_back(guest);
    guest.runs.clear();
    reach(guest.record, model::Milestone::tried, k_night - 600000);
    page.guests.push_back(guest);
  }
  return page;
}

}  // namespace vmconvert::report
