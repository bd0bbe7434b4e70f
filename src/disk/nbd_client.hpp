// Connections to an NBD server on a Unix socket, shared by threads, and a reader over them.
#pragma once

#include <libnbd.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "base/owned.hpp"
#include "disk/block_reader.hpp"
#include "disk/nbd_server.hpp"

namespace vmconvert::disk {

using Nbd = Owned<nbd_handle, nbd_close>;

// Each request takes a connection of its own, made when first needed, up to a limit.
class NbdPool {
 public:
  NbdPool(std::filesystem::path socket, std::string what, unsigned limit = k_max_connections / 2);

  [[nodiscard]] ByteCount size() const noexcept { return m_size; }
  void read(std::span<std::byte> buffer, ByteCount offset);
  Run run_at(ByteCount offset);

 private:
  class Lease;
  Nbd connect() const;
  Nbd take();
  void give_back(Nbd connection);

  std::filesystem::path m_socket;
  std::string m_what;
  unsigned m_limit;
  std::mutex m_mutex;
  std::condition_variable m_returned;
  unsigned m_made = 0;
  std::vector<Nbd> m_idle;
  ByteCount m_size;
};

// Owns the server that it reads from, if it was given one.
class NbdReader final : public BlockReader {
 public:
  NbdReader(NbdServer server, std::string what);
  NbdReader(const std::filesystem::path& socket, std::string what);

  [[nodiscard]] ByteCount size() const override { return m_pool.size(); }
  void read(std::span<std::byte> buffer, ByteCount offset) override { m_pool.read(buffer, offset); }
  Run run_at(ByteCount offset) override { return m_pool.run_at(offset); }

 private:
  NbdServer m_server;
  NbdPool m_pool;
};

}  // namespace vmconvert::disk
