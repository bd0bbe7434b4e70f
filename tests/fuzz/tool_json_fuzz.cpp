// JSON that other programs print: qemu-img, rules of a site, the process that converts one guest of
// a batch.
#include "batch/process.hpp"
#include "disk/probe.hpp"
#include "fuzz.hpp"
#include "job/site_checks.hpp"

using namespace vmconvert;

FUZZ_TARGET(tool_json) {
  const std::string json(input.text());
  fuzz::attempt([&] { disk::parse_qcow2_info(json, "disk vda"); });
  fuzz::attempt([&] { job::parse_site_findings(json, "/etc/vmconvert/checks.d/rule"); });
  fuzz::attempt([&] { batch::parse_outcome(json); });
}
