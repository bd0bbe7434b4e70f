// The inside of a guest whose filesystems are mounted in the appliance.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "guest/appliance_handle.hpp"
#include "guest/guest_root.hpp"

namespace vmconvert::guest {

class ApplianceRoot final : public GuestRoot {
 public:
  // `disks`: their names in the order in which the appliance has them.
  ApplianceRoot(ApplianceHandle& appliance, std::vector<std::string> disks)
      : m_appliance(appliance), m_disks(std::move(disks)) {}

  FileStat stat(std::string_view path) override;
  FileStat lstat(std::string_view path) override;
  std::string read(std::string_view path, std::uint64_t limit = k_text_limit) override;
  std::string read_link(std::string_view path) override;
  std::vector<std::string> list(std::string_view folder) override;
  std::vector<std::string> glob(std::string_view pattern) override;
  void write(std::string_view path, std::string_view content, unsigned mode = 0644) override;
  void symlink(std::string_view path, std::string_view target) override;
  void remove(std::string_view path) override;
  void remove_tree(std::string_view path) override;
  ProgramResult run(const std::vector<std::string>& argv) override;
  std::string read_disk(std::string_view disk, std::uint64_t offset, std::uint64_t length) override;
  void write_disk(std::string_view disk, std::uint64_t offset, std::string_view content) override;

  // Other names of the disks, in the same order.
  void also_call_disks(std::vector<std::string> names) { m_also = std::move(names); }

  // vda1 -> /dev/sda1, vg/lv -> /dev/vg/lv, md127 -> /dev/md127, and back.
  [[nodiscard]] std::string to_appliance(std::string_view device) const;
  [[nodiscard]] std::string from_appliance(std::string_view device) const;

 private:
  std::string make_folder_of(const std::string& path);
  std::string follow_to_new(std::string path, std::string_view doing);
  void check_path(int result, std::string_view doing);
  void label_like_folder(const std::string& path, const std::string& folder);
  void label_what_is_new(const std::vector<std::string>& paths);
  void change(const std::vector<std::string>& places, std::string_view doing,
              const std::function<int()>& body);

  ApplianceHandle& m_appliance;
  std::vector<std::string> m_disks;
  std::vector<std::string> m_also;
};

}  // namespace vmconvert::guest
