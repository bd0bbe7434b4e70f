#include "job/target_disk.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "host/new_volume.hpp"

namespace vmconvert::job {
namespace {

void require_same(const Made& made, CommandRunner& commands) {
  const Presence presence = look_for(made, commands);
  if (presence != Presence::same) {
    throw Error(ErrorKind::refused,
                presence == Presence::gone
                    ? fmt::format("{} is gone", describe(made))
                    : fmt::format("{} is not the one that the job made", describe(made)),
                "take the job back (vmconvert undo JOB) and convert again");
  }
}

}  // namespace

TargetDisk TargetDisk::create(const model::CreateImage& step,
                              const std::function<void(const Made&)>& note) {
  MadeFile made;
  disk::TargetImage image(step.path, step.format, step.size, [&](int fd) {
    made = identify_file(fd, step.path);
    made.disk = step.disk;
    made.format = step.format;
    note(made);
  });
  TargetDisk disk(step.path, step.format, step.size, made);
  image.keep();
  return disk;
}

TargetDisk TargetDisk::create(const model::CreateVolume& step, disk::OldContent old_content,
                              const Origin& origin, CommandRunner& commands) {
  host::NewVolumeRequest request;
  request.name = {step.group, step.name};
  request.size = step.size;
  if (!step.thin_pool.empty()) {
    request.thin_pool = step.thin_pool;
  }
  request.from = {origin.job, origin.source};
  host::NewVolume volume(request, commands);
  TargetDisk disk(volume.path(), model::DiskFormat::raw, step.size,
                  MadeVolume{step.group, step.name, volume.uuid(), step.disk, origin.job});
  disk.m_device = true;
  disk.m_old_content = old_content;
  volume.keep();
  return disk;
}

TargetDisk TargetDisk::reopen(const model::CreateImage& step, const Made& made,
                              CommandRunner& commands) {
  require_same(made, commands);
  return {step.path, step.format, step.size, made};
}

TargetDisk TargetDisk::reopen(const model::CreateVolume& step, disk::OldContent old_content,
                              const Made& made, CommandRunner& commands) {
  require_same(made, commands);
  TargetDisk disk(host::device_path({step.group, step.name}), model::DiskFormat::raw, step.size,
                  made);
  disk.m_device = true;
  disk.m_old_content = old_content;
  return disk;
}

std::unique_ptr<disk::TargetWriter> TargetDisk::open_writer(
    const std::filesystem::path& state_file) const {
  if (m_device) {
    return std::make_unique<disk::DeviceWriter>(m_path, m_size, m_old_content);
  }
  return disk::open_image_writer(m_path, m_format, m_size, state_file);
}

}  // namespace vmconvert::job
