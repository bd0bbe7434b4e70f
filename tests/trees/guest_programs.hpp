// A plain folder whose initramfs tools "run": they are played by what their manuals say that they
// put into an image. So a wrong version, a wrong file name or a driver that only the configuration
// of another tool names shows up as a boot path with a hole.
#pragma once

#include "guest/folder_root.hpp"

namespace vmconvert::trees {

class TreeRoot final : public guest::GuestRoot {
 public:
  TreeRoot(const std::filesystem::path& folder, guest::FolderRoot::Disks disks)
      : m_folder(folder, std::move(disks)) {}

  guest::FileStat stat(std::string_view path) override { return m_folder.stat(path); }
  guest::FileStat lstat(std::string_view path) override { return m_folder.lstat(path); }
  std::string read(std::string_view path, std::uint64_t limit) override {
    return m_folder.read(path, limit);
  }
  std::string read_link(std::string_view path) override { return m_folder.read_link(path); }
  std::vector<std::string> list(std::string_view folder) override { return m_folder.list(folder); }
  std::vector<std::string> glob(std::string_view pattern) override {
    return m_folder.glob(pattern);
  }
  void write(std::string_view path, std::string_view content, unsigned mode) override {
    m_folder.write(path, content, mode);
  }
  void symlink(std::string_view path, std::string_view target) override {
    m_folder.symlink(path, target);
  }
  void remove(std::string_view path) override { m_folder.remove(path); }
  void remove_tree(std::string_view path) override { m_folder.remove_tree(path); }
  guest::ProgramResult run(const std::vector<std::string>& argv) override;
  std::string read_disk(std::string_view disk, std::uint64_t offset,
                        std::uint64_t length) override {
    return m_folder.read_disk(disk, offset, length);
  }
  void write_disk(std::string_view disk, std::uint64_t offset, std::string_view content) override {
    m_folder.write_disk(disk, offset, content);
  }
  using GuestRoot::read;
  using GuestRoot::write;

 private:
  guest::FolderRoot m_folder;
};

}  // namespace vmconvert::trees
