// A batch as one HTML file: for who asks how far along it is. As html.hpp: no script, nothing from
// elsewhere, everything escaped at the last moment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/guest_record.hpp"
#include "model/job_report.hpp"

namespace vmconvert::report {

// What one process did for a guest, as its job kept it. Samples are not looked at.
struct BatchRun {
  std::string job;
  model::ReportRun run;
};

struct BatchGuest {
  model::GuestRecord record;
  std::vector<BatchRun> runs;  // in the order in which they began
  double seconds_left = 0;     // by the batch's estimate; of a guest that is not done
};

struct BatchPage {
  std::string batch;
  std::int64_t now = 0;  // seconds since 1970
  std::vector<BatchGuest> guests;
};

std::string batch_to_html(const BatchPage& page);

}  // namespace vmconvert::report
