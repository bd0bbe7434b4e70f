// Jobs for the tests on real LVM, as they stand when the appliance has ended: the plan is saved, no
// step is begun. Conversion::reopen() takes them up, as `vmconvert resume` does, so that all that
// follows is the program's own, in seconds and without an appliance.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "disk/bad_sectors.hpp"
#include "job/job_control.hpp"
#include "job/request.hpp"
#include "model/extent.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace vmconvert::job {

inline constexpr const char* k_group = "vg-a";  // on the first disk, 4 MiB extents
inline constexpr const char* k_spare_disk = "/dev/ubdb";
inline constexpr unsigned char k_rubbish = 0xa5;  // what the group's extents hold when they are new

RealCommandRunner& commands();
std::string run(const std::vector<std::string>& argv);  // stdout, or Error

// Kind and uuid of every group and volume, and every device-mapper device.
std::string lvm_state();

std::vector<std::byte> read_device(const std::filesystem::path& device, std::uint64_t offset,
                                   std::uint64_t length);
void write_device(const std::filesystem::path& device, std::uint64_t offset,
                  const std::vector<std::byte>& bytes);
std::vector<std::byte> noise(std::uint64_t length, unsigned seed);
bool is_all(const std::vector<std::byte>& bytes, unsigned char value);

// A description of the guest, and what the program works with.
std::string description(const std::filesystem::path& source, const std::string& attributes = {});
Tools tools(CommandRunner& runner);

// Dies when LVM has made a volume.
class DyingRunner final : public CommandRunner {
 public:
  CommandResult run(const Command& command) override;
};

class PreparedJob {
 public:
  // A guest named "web" with the disk /dev/xvda, of which all is needed but `free`.
  PreparedJob(const std::filesystem::path& source, const model::VolumeGroupTarget& target,
              const std::vector<model::ByteRange>& free = {},
              disk::OnBadSector on_bad_sector = disk::OnBadSector::stop,
              const std::optional<model::SnapshotSize>& snapshot = {});

  // Goes on with it to its end. The error that ended it, if one did.
  std::optional<Error> carry_out(const model::ProgressSink& progress = {});
  // The same in a process that dies when LVM has made the volume and nobody wrote that down yet.
  void die_when_the_volume_is_made();

  void undo() { undo_job(state(), m_id, commands()); }
  [[nodiscard]] JobView view() const { return find_job(m_state.path(), m_id); }
  [[nodiscard]] const std::string& id() const { return m_id; }
  [[nodiscard]] const std::filesystem::path& state() const { return m_state.path(); }
  [[nodiscard]] const model::RunResult& result() const { return m_result; }

 private:
  TempDir m_state{std::filesystem::temp_directory_path(), "vmconvert-job"};
  std::string m_id;
  model::RunResult m_result;
};

}  // namespace vmconvert::job
