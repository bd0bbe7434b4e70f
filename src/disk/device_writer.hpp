// TargetWriter over a block device: a logical volume, as a rule.
#pragma once

#include <filesystem>

#include "base/fd.hpp"
#include "disk/direct_file.hpp"
#include "disk/target.hpp"

namespace vmconvert::disk {

// What a device reads as before anything is written.
enum class OldContent {
  rubbish,  // whatever lay there before: zeros have to be written
  zeros,    // a fresh volume of a thin pool that zeroes
};

class DeviceWriter final : public TargetWriter {
 public:
  // Nobody else may have the device mounted or claimed: Error(busy). Error(bad_input) if it is no
  // block device, read-only, or smaller than `size`; it may be larger, and its rest is zeroed.
  DeviceWriter(const std::filesystem::path& path, ByteCount size, OldContent old_content);

  void write(std::span<const std::byte> bytes, ByteCount offset) override;
  void write_zeros(ByteCount offset, ByteCount length) override;
  [[nodiscard]] ByteCount shortest_zeros() const override;
  void sync() override { m_file.sync(); }
  void finish() override;

 private:
  DeviceWriter(const std::filesystem::path& path, ByteCount size, OldContent old_content, Fd claim);
  void zero_out(ByteCount offset, ByteCount length);

  Fd m_claim;  // open exclusively while we write
  DirectFile m_file;
  ByteCount m_size;
  ByteCount m_device_size;
  bool m_zero;
};

}  // namespace vmconvert::disk
