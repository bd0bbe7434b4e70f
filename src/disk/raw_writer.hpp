// TargetWriter over a raw image file.
#pragma once

#include <filesystem>

#include "disk/direct_file.hpp"
#include "disk/target.hpp"

namespace vmconvert::disk {

// A new sparse file: what is not written stays a hole.
class RawWriter final : public TargetWriter {
 public:
  RawWriter(std::filesystem::path path, ByteCount size) : m_file(std::move(path), size) {}

  void write(std::span<const std::byte> bytes, ByteCount offset) override {
    m_file.write(bytes, offset);
  }
  void write_zeros(ByteCount, ByteCount) override {}
  void sync() override { m_file.sync(); }
  void finish() override { m_file.finish(); }

 private:
  DirectFile m_file;
};

}  // namespace vmconvert::disk
