// Writes the pages that tests/report/in-chromium looks at: report-pages FOLDER.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "html_examples.hpp"

namespace vmconvert::report {
namespace {

constexpr std::uint64_t k_mebibyte = 1U << 20U;

model::ReportDisk web_disk() {
  model::ReportDisk disk;
  disk.name = "vda";
  disk.size = 1665 * k_mebibyte;
  disk.table = "mbr";
  disk.composed = true;
  disk.segments = {{"", k_mebibyte},
                   {"/dev/vg0/web01-swap", 128 * k_mebibyte},
                   {"/dev/vg0/web01-disk", 1536 * k_mebibyte}};
  disk.partitions = {
      {1, ByteCount{k_mebibyte}, ByteCount{128 * k_mebibyte}, 0x82, false, false},
      {2, ByteCount{129 * k_mebibyte}, ByteCount{1536 * k_mebibyte}, 0x83, true, false}};
  disk.allocation = {{ByteCount{k_mebibyte}, ByteCount{128 * k_mebibyte}, "swap", true, "",
                      ByteCount{127 * k_mebibyte}},
                     {ByteCount{129 * k_mebibyte}, ByteCount{1536 * k_mebibyte}, "ext4", true, "",
                      ByteCount{1050 * k_mebibyte}}};
  const std::uint64_t slice = disk.size / 480;
  for (std::uint64_t i = 0; i < 480; ++i) {
    const std::uint64_t used = i < 40                  ? 0
                               : i < 140               ? slice
                               : i < 180 || i % 29 < 3 ? slice * (i % 10) / 10
                                                       : 0;
    disk.cells.push_back({i % 37 == 0 ? 4096U : 0U, used, slice - used});
  }
  disk.read = disk.written = 478 * k_mebibyte;
  disk.skipped = disk.size - disk.read;
  disk.path = "/srv/images/web01-vda.raw";
  disk.checksum = "xxh3-128:9f3b2c77d1a04e5f8c6b1d2e3f405162";
  return disk;
}

model::Edits web_edits() {
  model::Edits edits = {
      {"fstab", "/etc/fstab",
       "--- /etc/fstab\n+++ /etc/fstab\n@@ -1,3 +1,3 @@\n proc            /proc   proc    defaults "
       "0 0\n-/dev/xvda1      none    swap    sw      0 0\n-/dev/xvda2      /       ext4    "
       "noatime,errors=remount-ro 0 1\n+UUID=0d8e4a0a-4d7f-5c5e-9a4a-7a2f5b1d6c11      none    "
       "swap    sw      0 0\n+UUID=b2a1c7de-95d0-5f0b-8f63-2f0f3f3b8e42      /       ext4    "
       "noatime,errors=remount-ro 0 1\n"},
      {"bootloader", "vda: bytes 0 to 440", "GRUB boot.img in the boot sector"},
      {"bootloader", "vda: bytes 512 to 27534", "GRUB core.img (biosdisk part_msdos ext2)"}};
  for (const char* module : {"acpi", "biosdisk", "boot", "ext2", "linux", "normal", "part_msdos"}) {
    edits.push_back({"bootloader", fmt::format("/boot/grub/i386-pc/{}.mod", module),
                     "binary, 3004 bytes, new"});
  }
  edits.push_back({"consoles", "/etc/securetty",
                   "--- /etc/securetty\n+++ /etc/securetty\n@@ -3,2 +3,3 @@\n tty1\n hvc0\n"
                   "+ttyS0\n"});
  return edits;
}

model::ReportRun web_run(std::string ended, double copied) {
  model::ReportRun run{k_night, 0, std::move(ended), {}, {}};
  const auto work = [&run](const char* stage, const char* what, double seconds) {
    run.spans.push_back({stage, what, run.seconds, run.seconds + seconds});
    run.seconds += seconds;
  };
  work("layout", "reading the description", 0.2);
  work("appliance", "starting", 17.5);
  work("appliance", "working out the edits", 8.1);
  work("appliance", "running update-initramfs", 31);
  work("trial", "", 74.2);
  const double copy_began = run.seconds;
  work("copy", "vda", 4.6 * copied);
  for (unsigned i = 0; i <= 18; ++i) {
    run.samples.push_back({"copy", "vda", copy_began + i * 0.25 * copied,
                           (i * 26 - i % 3 * 5) * k_mebibyte, 478 * k_mebibyte});
  }
  if (copied == 1) {
    work("verify", "vda", 2.5);
    work("define", "qemu:///system", 0.4);
  }
  return run;
}

ReportPage ordinary_job() {
  ReportPage page;
  model::JobReport& report = page.report;
  report.job = "20261128T164500-4f2a";
  report.guest = report.name = "web01";
  report.source = "/etc/xen/web01.cfg";
  report.program = "0.1.0";
  report.kind = "pv";
  report.to = "kvm";
  report.memory = 1024 * k_mebibyte;
  report.vcpus = 2;
  report.accelerator = "kvm";
  report.inside.os_name = "Debian GNU/Linux 12 (bookworm)";
  report.inside.hostname = "web01";
  report.inside.root_device = report.inside.boot_device = "vda2";
  report.inside.filesystems = {{"vda1", "swap", "", "", ByteCount{128 * k_mebibyte}, ""},
                               {"vda2", "ext4", "", "root", ByteCount{1536 * k_mebibyte}, "/"}};
  report.inside.kernels = {{"6.1.0-35-cloud-amd64", "/boot/vmlinuz-6.1.0-35-cloud-amd64",
                            "/boot/initrd.img-6.1.0-35-cloud-amd64", true}};
  report.inside.loader = "none";
  report.disks = {web_disk()};
  report.renames = {{"xvda1", "vda1"}, {"xvda2", "vda2"}};
  report.edits = web_edits();
  report.findings = {
      {"initramfs-no-virtio", model::Severity::warns,
       "the initramfs of 6.1.0-35-cloud-amd64 has no virtio_blk", "nothing: it is made anew",
       false},
      {"source-in-use", model::Severity::blocks, "/dev/vg0/web01-disk is open in process 811",
       "stop it, or take a snapshot", true},
      {"note", model::Severity::informs, "the guest asks for its address by DHCP", "", false}};
  report.boot_path = {{"boot sector", true, "GRUB boot.img, core at sector 1"},
                      {"menu", true, "/boot/grub/grub.cfg, entry 0"},
                      {"kernel", true, "/boot/vmlinuz-6.1.0-35-cloud-amd64"},
                      {"root filesystem", true, "UUID=b2a1c7de is vda2"},
                      {"init", true, "/sbin/init, x86_64"}};
  report.trial = model::TrialOutcome{true, 74.2, "web01 login:", {}, "/var/lib/x/console.log"};
  report.steps = {"boot the patched guest, at most 600 s", "create /srv/images/web01-vda.raw",
                  "copy vda: read 478 MiB", "verify vda", "define web01 on qemu:///system"};
  report.xml_diff =
      "--- source\n+++ web01.xml\n@@ -1,5 +1,6 @@\n-<domain type=\"xen\">\n+<domain "
      "type=\"kvm\">\n   <name>web01</name>\n-  <bootloader>/usr/lib/xen/bin/pygrub</bootloader>\n "
      "  <devices>\n+      <driver name=\"qemu\" type=\"raw\" cache=\"none\" io=\"native\" "
      "discard=\"unmap\" detect_zeroes=\"unmap\"/>\n   </devices>\n";
  report.xml_path = "/srv/images/web01.xml";
  report.defined_on = "qemu:///system";
  report.runs = {web_run("interrupted", 0.5), web_run("converted", 1)};
  report.runs[1].began += 3600;
  page.state = "done";
  page.console =
      "GRUB loading.\r\n[    0.000000] Linux version 6.1.0-35-cloud-amd64\r\n\x1b[0;1;32m[  OK  "
      "]\x1b[0m Reached target multi-user.target.\r\n\r\nweb01 login: \r\n";
  return page;
}

BatchPage ordinary_batch() {
  BatchPage page{"night", k_night + 4000, {}};
  for (const char* name : {"db01", "intranet-of-the-south-east-region", "ldap", "web01", "web02"}) {
    page.guests.push_back(converted_guest(name));
    BatchGuest& guest = page.guests.back();
    const auto later = std::int64_t{200} * static_cast<std::int64_t>(page.guests.size());
    guest.runs.front().run.began += later;
    guest.record.started += later;
    guest.record.ended += later;
  }
  BatchGuest killed = converted_guest("mail-relay");
  killed.record.standing = model::Standing::interrupted;
  killed.record.error = "killed by signal 9";
  killed.runs.front().run.ended = "interrupted";
  killed.seconds_left = 240;
  page.guests.push_back(killed);
  BatchGuest failed = waiting("old-fileserver");
  failed.record.standing = model::Standing::failed;
  failed.record.error = "refused: [no-kernel] no kernel in /boot, and none of the host is named";
  failed.record.started = k_night + 900;
  failed.record.ended = k_night + 1000;
  page.guests.push_back(failed);
  BatchGuest tried = waiting("git");
  reach(tried.record, model::Milestone::tried, k_night - 600000);
  page.guests.push_back(tried);
  page.guests.push_back(waiting("print"));
  page.guests.back().record.standing = model::Standing::running;
  page.guests.back().record.started = k_night + 3600;
  return page;
}

struct Text {
  const char* name;
  std::string text;
};

// Each is put wherever a text can come from a guest. What would run says so in `ran`.
std::vector<Text> hostile_texts() {
  return {
      {"script", "</pre></title></style><script>window.ran=1</script>"},
      {"attribute", "\" onload=\"window.ran=1\" onfocus='window.ran=1' autofocus x='"},
      {"picture", "<img src=x onerror=window.ran=1><svg><script>window.ran=1</script></svg>"},
      {"link",
       "<a href=\"javascript:window.ran=1\" autofocus>x</a><base href=\"http://192.0.2.1/\">"},
      {"elsewhere",
       "<link rel=stylesheet href=//192.0.2.1/x><iframe src=http://192.0.2.1/></iframe>"},
      {"comment", "<!-- ]]> <![CDATA[ <plaintext>"},
      {"refresh",
       "<meta http-equiv=refresh content='0;url=http://192.0.2.1/'><style>*{display:none}"},
      {"escapes", "\x1b[2J\x1b]0;title\x07 \x01\x7f \xff\xc0\xaf \xe2\x82 \xc2\x9b\r\n\t\u2028."},
      {"direction", "\u05d0\u05d1\u05d2 \u202e\u2066gpj.exe\u2069 \u0627\u0644\u0639\u0631 abc"},
      {"wide",
       "\u8cc7\u6599\u5eab\u4f3a\u670d\u5668\u8cc7\u6599\u5eab\u4f3a\u670d\u5668\u8cc7\u6599\u5eab"
       "\u4f3a"
       "\u670d\u5668\u8cc7\u6599\u5eab\u4f3a\u670d\u5668\u8cc7\u6599\u5eab\u4f3a\u670d\u5668"},
      {"long", std::string(4096, 'W')},
      {"long-words", std::string(2048, '<') + ' ' + std::string(2047, '&')},
      {"marks", "a" + replace_all(std::string(200, '.'), ".", "\u0300")},
  };
}

void write(const std::filesystem::path& path, const std::string& page) {
  std::ofstream file(path);
  file << page;
  if (!file.flush()) {
    throw Error(ErrorKind::io, "cannot write " + path.string());
  }
}

void write_all(const std::filesystem::path& folder) {
  write(folder / "job.html", job_to_html(ordinary_job()));
  write(folder / "batch.html", batch_to_html(ordinary_batch()));
  write(folder / "job-empty.html", job_to_html({}));
  write(folder / "batch-empty.html", batch_to_html({}));
  for (const Text& each : hostile_texts()) {
    write(folder / fmt::format("job-hostile-{}.html", each.name),
          job_to_html(hostile_job(each.text)));
    write(folder / fmt::format("batch-hostile-{}.html", each.name),
          batch_to_html(hostile_batch(each.text)));
  }
}

}  // namespace
}  // namespace vmconvert::report

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: report-pages FOLDER\n");
    return 2;
  }
  try {
    vmconvert::report::write_all(argv[1]);
  } catch (const vmconvert::Error& error) {
    fmt::print(stderr, "{}\n", vmconvert::to_text(error));
    return 1;
  }
  return 0;
}
