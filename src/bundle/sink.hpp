// Where a bundle's files go: a folder, or a tar stream. Files come whole, the manifest last.
#pragma once

#include <filesystem>
#include <mutex>
#include <span>
#include <string>

struct archive;

namespace vmconvert::bundle {

class Sink {
 public:
  virtual ~Sink() = default;
  // From any thread.
  virtual void put(const std::string& path, std::span<const std::byte> bytes) = 0;
  virtual void finish() {}
};

// Each file is whole or absent.
class FolderSink final : public Sink {
 public:
  // Makes the folder where it is missing.
  explicit FolderSink(std::filesystem::path folder);
  void put(const std::string& path, std::span<const std::byte> bytes) override;

 private:
  std::filesystem::path m_folder;
};

// The same files, one after the other on a descriptor: `tar x` makes a bundle's folder of them.
class TarSink final : public Sink {
 public:
  explicit TarSink(int fd);
  ~TarSink() override;
  void put(const std::string& path, std::span<const std::byte> bytes) override;
  void finish() override;

 private:
  std::mutex m_mutex;
  archive* m_archive = nullptr;
};

}  // namespace vmconvert::bundle
