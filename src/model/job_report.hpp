// All that is kept of a job for people who ask later: what was decided, what was done, how long it
// took. Written beside the job as report.json, drawn by report/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/extent.hpp"
#include "model/guest_facts.hpp"
#include "model/layout.hpp"
#include "model/result.hpp"

namespace vmconvert::model {

// A stretch of work, on the clock of its run.
struct ReportSpan {
  std::string stage;  // layout, appliance, trial, copy, verify, define
  std::string what;
  double from = 0;  // seconds since the run began
  double to = 0;
};

// How far a copy or a verification was.
struct ReportSample {
  std::string stage;
  std::string what;
  double at = 0;  // seconds since the run began
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

// One process that worked on the job: the first, and each that resumed it.
struct ReportRun {
  std::int64_t began = 0;  // seconds since 1970
  double seconds = 0;
  std::string ended;  // converted, failed, interrupted; empty while it works, or if it was killed
  std::vector<ReportSpan> spans;
  std::vector<ReportSample> samples;
};

struct ReportCell {  // a slice of a disk
  std::uint64_t patched = 0;
  std::uint64_t needed = 0;
  std::uint64_t skipped = 0;
};

struct ReportSegment {
  std::string source;  // path; empty: made by us
  std::uint64_t length = 0;
};

struct ReportDisk {
  std::string name;
  std::uint64_t size = 0;
  std::string table;  // none, mbr, gpt
  bool composed = false;
  std::vector<ReportSegment> segments;
  std::vector<Partition> partitions;
  std::vector<AllocationNote> allocation;
  std::vector<ReportCell> cells;  // equal slices of the disk
  std::string path;
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  std::uint64_t skipped = 0;
  std::string checksum;
};

struct JobReport {
  std::string job;
  std::string guest;
  std::string name;
  std::string source;  // as the operator named it
  std::string program;
  std::string state;
  std::string error;
  std::string kind;  // pv, hvm, pvh
  std::string to;
  std::string new_kind = {};  // of a Xen guest; empty: not told
  std::uint64_t memory = 0;
  unsigned vcpus = 0;
  std::string accelerator;
  GuestFacts inside;
  std::vector<ReportDisk> disks;
  std::vector<DeviceRename> renames;
  Edits edits;
  Findings findings;
  std::vector<BootLink> boot_path;
  std::optional<TrialOutcome> trial;
  std::vector<std::string> steps;
  std::string xml_diff;
  std::string xml_path;
  std::string defined_on;
  std::vector<ReportRun> runs;
};

}  // namespace vmconvert::model
