// The journal and the store of guests: SQLite files that a state folder brings along.
#include "job/journal.hpp"

#include "batch/store.hpp"
#include "fuzz.hpp"
#include "job/made.hpp"

using namespace vmconvert;

namespace {

// Nothing of the last input may stay, SQLite's own files least of all.
std::filesystem::path fresh_folder() {
  const auto folder = fuzz::scratch_folder() / "state";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  return folder;
}

void read_journal(const std::filesystem::path& folder) {
  const job::Journal journal(folder);
  for (const job::JobRecord& found : journal.jobs()) {
    fuzz::attempt([&] {
      for (const job::StepRecord& step : journal.steps(found.id)) {
        fuzz::attempt([&] { job::made_from_json(step.made); });
      }
    });
  }
}

}  // namespace

FUZZ_TARGET(journal) {
  const auto folder = fresh_folder();
  fuzz::scratch_file("state/jobs.sqlite", input.text());
  fuzz::attempt([&] { read_journal(folder); });
  fuzz::scratch_file("state/guests.sqlite", input.text());
  fuzz::attempt([&] { static_cast<void>(batch::GuestStore(folder).watch()); });
}
