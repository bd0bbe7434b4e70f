// A disk of the new guest while it is made: an image file or a logical volume behind one door.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "base/subprocess.hpp"
#include "disk/device_writer.hpp"
#include "disk/target.hpp"
#include "job/made.hpp"
#include "model/plan.hpp"

namespace vmconvert::job {

// Nothing here removes a disk: what was made is taken back by its Made, from the journal.
class TargetDisk {
 public:
  struct Origin {
    std::string job;
    std::string source;
  };

  // `note` is told of the file before it can be seen.
  static TargetDisk create(const model::CreateImage& step,
                           const std::function<void(const Made&)>& note);
  static TargetDisk create(const model::CreateVolume& step, disk::OldContent old_content,
                           const Origin& origin, CommandRunner& commands);
  // One that an earlier process made. Error(refused) if it is gone or another's by now.
  static TargetDisk reopen(const model::CreateImage& step, const Made& made,
                           CommandRunner& commands);
  static TargetDisk reopen(const model::CreateVolume& step, disk::OldContent old_content,
                           const Made& made, CommandRunner& commands);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return m_path; }
  [[nodiscard]] model::DiskFormat format() const noexcept { return m_format; }
  [[nodiscard]] const Made& made() const noexcept { return m_made; }
  // `state_file`: what the writer has to remember to go on after an interruption; read when it is
  // there, so it has to be absent for a copy from the beginning.
  [[nodiscard]] std::unique_ptr<disk::TargetWriter> open_writer(
      const std::filesystem::path& state_file) const;

 private:
  TargetDisk(std::filesystem::path path, model::DiskFormat format, ByteCount size, Made made)
      : m_path(std::move(path)), m_format(format), m_size(size), m_made(std::move(made)) {}

  std::filesystem::path m_path;
  model::DiskFormat m_format;
  ByteCount m_size;
  Made m_made;
  bool m_device = false;
  disk::OldContent m_old_content = disk::OldContent::rubbish;
};

}  // namespace vmconvert::job
