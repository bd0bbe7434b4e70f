#include "disk/nbd_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert::disk {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto k_start_limit = std::chrono::seconds(60);

std::filesystem::path log_path(const std::filesystem::path& socket) {
  return socket.string() + ".log";
}

bool accepts_connections(const std::filesystem::path& path) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return fd &&
         ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool allows_direct_io(const std::filesystem::path& path) {
  return static_cast<bool>(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT)));
}

NbdServer start_qemu_nbd(const ImageExport& image, const std::string& cache) {
  std::filesystem::path socket = new_socket_path(image.folder, "image");
  const std::vector<std::string> argv = {"qemu-nbd",
                                         "--persistent",
                                         "--read-only",
                                         fmt::format("--shared={}", k_max_connections),
                                         fmt::format("--format={}", model::to_string(image.format)),
                                         fmt::format("--socket={}", socket.string()),
                                         cache,
                                         "--",
                                         std::filesystem::absolute(image.image).string()};
  return {argv, std::move(socket), image.image.string()};
}

}  // namespace

NbdServer::NbdServer(const std::vector<std::string>& argv, std::filesystem::path socket,
                     std::string what)
    : m_socket(std::move(socket)),
      m_what(std::move(what)),
      m_child(argv, {.output = log_path(m_socket)}) {
  try {
    wait_until_ready();
  } catch (...) {
    m_child.kill();
    ::unlink(m_socket.c_str());
    throw;
  }
}

NbdServer::NbdServer(NbdServer&& other) noexcept
    : m_socket(std::exchange(other.m_socket, {})),
      m_what(std::move(other.m_what)),
      m_child(std::move(other.m_child)) {}

NbdServer& NbdServer::operator=(NbdServer&& other) noexcept {
  if (this != &other) {
    m_child = std::move(other.m_child);
    m_socket = std::exchange(other.m_socket, {});
    m_what = std::move(other.m_what);
  }
  return *this;
}

NbdServer::~NbdServer() {
  m_child.kill();
  if (!m_socket.empty()) {
    ::unlink(m_socket.c_str());
  }
}

void NbdServer::wait_until_ready() {
  const auto deadline = Clock::now() + k_start_limit;
  while (!accepts_connections(m_socket)) {
    throw_if_interrupted();
    if (const auto code = m_child.poll()) {
      throw Error(ErrorKind::tool_failed,
                  fmt::format("the NBD server for {} ended with exit code {}: {}", m_what, *code,
                              last_words()));
    }
    if (Clock::now() > deadline) {
      throw Error(ErrorKind::tool_failed,
                  fmt::format("the NBD server for {} did not start within {} s", m_what,
                              k_start_limit.count()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::string NbdServer::last_words() const {
  try {
    const std::vector<std::string> said = lines(read_text_file(log_path(m_socket), k_mib));
    const std::size_t from = said.size() > 3 ? said.size() - 3 : 0;
    return printable(join({said.begin() + static_cast<long>(from), said.end()}, "; "));
  } catch (const Error& error) {
    return error.message();
  }
}

std::filesystem::path new_socket_path(const std::filesystem::path& folder,
                                      const std::string& name) {
  static std::atomic<unsigned> counter = 0;
  std::filesystem::path path = folder / fmt::format("{}-{}.sock", name, ++counter);
  if (path.native().size() >= sizeof(sockaddr_un::sun_path)) {
    throw Error(
        ErrorKind::bad_input,
        fmt::format("the path {} is too long for a Unix socket: {} characters of at most {}",
                    path.string(), path.native().size(), sizeof(sockaddr_un::sun_path) - 1),
        "use a state or temporary folder with a shorter path");
  }
  // A killed process's server may take a moment to follow it, and would answer under this name.
  ::unlink(path.c_str());
  return path;
}

NbdServer serve_image(const ImageExport& image) {
  // cache=none is refused where a layer of the image lies on a filesystem without direct I/O.
  if (allows_direct_io(image.image)) {
    try {
      return start_qemu_nbd(image, "--cache=none");
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::tool_failed) {
        throw;
      }
      log_detail(fmt::format("{}; trying it with the page cache", error.message()));
    }
  }
  return start_qemu_nbd(image, "--cache=writeback");
}

}  // namespace vmconvert::disk
