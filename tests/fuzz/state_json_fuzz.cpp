// What a job keeps in JSON: itself, its report (with the page that is made of it), what a step
// made.
#include "fuzz.hpp"
#include "job/made.hpp"
#include "job/saved_job.hpp"
#include "job/saved_report.hpp"
#include "report/html.hpp"

using namespace vmconvert;

FUZZ_TARGET(state_json) {
  fuzz::attempt([&] {
    const job::Made made = job::made_from_json(std::string(input.text()));
    fuzz::require(job::made_from_json(job::to_json(made)) == made, "a mark that reads otherwise");
    static_cast<void>(job::describe(made));
  });
  fuzz::scratch_file("job.json", input.text());
  fuzz::attempt([&] { job::load_job(fuzz::scratch_folder()); });
  fuzz::scratch_file("report.json", input.text());
  fuzz::attempt([&] {
    if (auto report = job::load_report(fuzz::scratch_folder())) {
      const std::string page = report::job_to_html({*std::move(report), "done", {}});
      fuzz::require(page.find("<script") == std::string::npos, "a page with a script");
    }
  });
}
