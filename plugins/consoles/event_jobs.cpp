// Upstart: one job file a terminal, in /etc/init (Ubuntu 9.10 and later) or /etc/event.d (before).
#include "consoles.hpp"

namespace vmconvert::fixer::consoles {

namespace {

struct Jobs {
  std::string_view folder, ending;
};

// The job moves with its override file, which may say "manual".
void move_job(Host& guest, const Jobs& jobs, std::string_view console) {
  const std::string folder(jobs.folder);
  const std::string old_job = folder + std::string(console) + std::string(jobs.ending);
  const auto job = text_file(guest, old_job);
  if (!job) {
    return;
  }
  const std::string new_job = folder + std::string(k_serial) + std::string(jobs.ending);
  const std::string old_override = folder + std::string(console) + ".override";
  const auto extra = text_file(guest, old_override);
  if (!guest.exists(new_job)) {
    guest.write(new_job, with_serial(*job));
    const std::string new_override = folder + std::string(k_serial) + ".override";
    if (extra && !guest.exists(new_override)) {
      guest.write(new_override, with_serial(*extra));
    }
  }
  guest.remove(old_job);
  if (extra) {
    guest.remove(old_override);
  }
}

bool has_console_job(Host& guest, const Jobs& jobs) {
  const std::string folder(jobs.folder);
  for (const std::string_view console : {k_xen_consoles[0], k_xen_consoles[1], k_serial}) {
    if (guest.exists(folder + std::string(console) + std::string(jobs.ending))) {
      return true;
    }
  }
  // CentOS 6 starts one for each console= of the kernel's arguments.
  return guest.exists(folder + "serial" + std::string(jobs.ending));
}

// As in inittab: without one, nobody could log in on the serial line, nor see that the guest is up.
void add_job(Host& guest, const Jobs& jobs) {
  const std::string folder(jobs.folder);
  const std::string ending(jobs.ending);
  const auto job = text_file(guest, folder + "tty1" + ending);
  if (!job || has_console_job(guest, jobs)) {
    return;
  }
  const std::string serial = folder + std::string(k_serial) + ending;
  guest.write(serial, with_name(*job, "tty1", k_serial));
  report_added_getty(guest, folder + "tty1" + ending, "remove " + serial);
}

}  // namespace

void fix_event_jobs(Host& guest) {
  for (const Jobs& jobs : {Jobs{"/etc/init/", ".conf"}, Jobs{"/etc/event.d/", ""}}) {
    add_job(guest, jobs);
    for (const std::string_view console : k_xen_consoles) {
      move_job(guest, jobs, console);
    }
  }
}

}  // namespace vmconvert::fixer::consoles
