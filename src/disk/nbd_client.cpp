#include "disk/nbd_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "disk/read_error.hpp"

namespace vmconvert::disk {
namespace {

constexpr const char* k_allocation = "base:allocation";
constexpr std::size_t k_max_request = 16 * k_mib;  // servers refuse more than 32 MiB

[[noreturn]] void throw_nbd(const std::string& doing) {
  const char* text = nbd_get_error();
  throw Error(ErrorKind::io, fmt::format("{}: {}", doing, text == nullptr ? "unknown" : text));
}

int keep_first_extent(void* data, const char*, std::uint64_t, std::uint32_t* entries,
                      std::size_t count, int*) noexcept {
  auto& first = *static_cast<std::pair<std::uint32_t, std::uint32_t>*>(data);
  if (count >= 2) {
    first = {entries[0], entries[1]};
  }
  return 0;
}

}  // namespace

// Gives the connection back when the request is over, also a failed one.
class NbdPool::Lease {
 public:
  explicit Lease(NbdPool& pool) : m_pool(pool), m_connection(pool.take()) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { m_pool.give_back(std::move(m_connection)); }
  [[nodiscard]] nbd_handle* get() const { return m_connection.get(); }

 private:
  NbdPool& m_pool;
  Nbd m_connection;
};

NbdPool::NbdPool(std::filesystem::path socket, std::string what, unsigned limit)
    : m_socket(std::move(socket)), m_what(std::move(what)), m_limit(limit) {
  m_idle.reserve(limit);
  const Lease first(*this);
  const std::int64_t size = nbd_get_size(first.get());
  if (size < 0) {
    throw_nbd(fmt::format("asking for the size of {}", m_what));
  }
  m_size = ByteCount{static_cast<std::uint64_t>(size)};
}

Nbd NbdPool::connect() const {
  Nbd connection(nbd_create());
  if (!connection || nbd_add_meta_context(connection.get(), k_allocation) != 0 ||
      nbd_connect_unix(connection.get(), m_socket.c_str()) != 0) {
    throw_nbd(fmt::format("connecting to the NBD server for {}", m_what));
  }
  return connection;
}

Nbd NbdPool::take() {
  std::unique_lock lock(m_mutex);
  m_returned.wait(lock, [&] { return !m_idle.empty() || m_made < m_limit; });
  if (!m_idle.empty()) {
    Nbd connection = std::move(m_idle.back());
    m_idle.pop_back();
    return connection;
  }
  Nbd connection = connect();
  ++m_made;
  return connection;
}

void NbdPool::give_back(Nbd connection) {
  const std::lock_guard lock(m_mutex);
  m_idle.push_back(std::move(connection));
  m_returned.notify_one();
}

void NbdPool::read(std::span<std::byte> buffer, ByteCount offset) {
  const Lease lease(*this);
  while (!buffer.empty()) {
    const std::size_t length = std::min(buffer.size(), k_max_request);
    if (nbd_pread(lease.get(), buffer.data(), length, offset.value, 0) != 0) {
      const std::string doing = fmt::format("reading {} at byte {}", m_what, offset.value);
      if (nbd_get_errno() == EIO) {  // the server's answer: a connection that broke says others
        const char* text = nbd_get_error();
        throw ReadError(EIO, fmt::format("{}: {}", doing, text == nullptr ? "EIO" : text), "");
      }
      throw_nbd(doing);
    }
    buffer = buffer.subspan(length);
    offset = offset + ByteCount{length};
  }
}

Run NbdPool::run_at(ByteCount offset) {
  const Lease lease(*this);
  if (nbd_can_meta_context(lease.get(), k_allocation) != 1) {
    return {false, m_size};
  }
  const std::uint64_t length = std::min<std::uint64_t>((m_size - offset).value, k_gib);
  std::pair<std::uint32_t, std::uint32_t> first{};  // length, flags
  nbd_extent_callback callback{};
  callback.callback = keep_first_extent;
  callback.user_data = &first;
  if (nbd_block_status(lease.get(), length, offset.value, callback, 0) != 0) {
    throw_nbd(fmt::format("asking {} what is at byte {}", m_what, offset.value));
  }
  if (first.first == 0) {
    return {false, m_size};
  }
  return {(first.second & LIBNBD_STATE_ZERO) != 0,
          std::min(offset + ByteCount{first.first}, m_size)};
}

NbdReader::NbdReader(NbdServer server, std::string what)
    : m_server(std::move(server)), m_pool(m_server.socket(), std::move(what)) {}

NbdReader::NbdReader(const std::filesystem::path& socket, std::string what)
    : m_pool(socket, std::move(what)) {}

}  // namespace vmconvert::disk
