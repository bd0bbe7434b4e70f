// The two implementations of TargetWriter over image files, and what they share.
#pragma once

#include <atomic>
#include <filesystem>

#include "disk/nbd_client.hpp"
#include "disk/target.hpp"

namespace vmconvert::disk {

// A new sparse file: what is not written stays a hole.
class RawWriter final : public TargetWriter {
 public:
  RawWriter(std::filesystem::path path, ByteCount size);

  void write(std::span<const std::byte> bytes, ByteCount offset) override;
  void write_zeros(ByteCount, ByteCount) override {}
  void sync() override;
  void finish() override;

 private:
  std::size_t write_direct(std::span<const std::byte> bytes, ByteCount offset);

  std::filesystem::path m_path;
  ByteCount m_size;
  Fd m_buffered;
  Fd m_direct;
  std::atomic<bool> m_use_direct = false;
};

// A new image behind qemu-nbd: what is not written stays unallocated and reads as zeros.
class Qcow2Writer final : public TargetWriter {
 public:
  Qcow2Writer(std::filesystem::path path, ByteCount size, const std::filesystem::path& sockets);

  void write(std::span<const std::byte> bytes, ByteCount offset) override;
  void write_zeros(ByteCount, ByteCount) override {}
  void sync() override;
  void finish() override;

 private:
  std::filesystem::path m_path;
  ByteCount m_size;
  NbdServer m_server;
  NbdPool m_pool;
};

[[noreturn]] void throw_no_space(const std::filesystem::path& path, ByteCount offset,
                                 ByteCount size);
// Full disk, quota, or a limit on a file's size.
bool means_no_space(int code);
// fsync of the file and its folder, and its pages dropped from the cache.
void sync_path(const std::filesystem::path& path);

}  // namespace vmconvert::disk
