// A child process that serves one image over NBD on a Unix socket of ours: qemu-nbd or nbdkit.
// Start it from a thread that lives as long as the server does: the kernel ends a child whose
// starting thread ends.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/subprocess.hpp"
#include "model/domain.hpp"

namespace vmconvert::disk {

class NbdServer {
 public:
  NbdServer() = default;
  // `argv` listens on `socket`; returns when it accepts connections. `what` is for messages. What
  // the program prints goes to a file beside the socket.
  NbdServer(const std::vector<std::string>& argv, std::filesystem::path socket, std::string what);
  NbdServer(NbdServer&& other) noexcept;
  NbdServer& operator=(NbdServer&& other) noexcept;
  ~NbdServer();  // kills it

  [[nodiscard]] const std::filesystem::path& socket() const noexcept { return m_socket; }

 private:
  void wait_until_ready();
  [[nodiscard]] std::string last_words() const;

  std::filesystem::path m_socket;
  std::string m_what;
  ChildProcess m_child;
};

struct ImageExport {
  std::filesystem::path image;
  model::DiskFormat format = model::DiskFormat::raw;
  std::filesystem::path folder;  // where the socket goes: private, with a short path
};

// qemu-nbd over one image, read-only; the host's page cache is left alone where the filesystem
// allows that.
NbdServer serve_image(const ImageExport& image);

// FOLDER/NAME-N.sock, never used before. Error(bad_input) if no socket can have so long a path.
std::filesystem::path new_socket_path(const std::filesystem::path& folder, const std::string& name);

// How many connections a server of ours accepts at the same time.
inline constexpr unsigned k_max_connections = 16;

}  // namespace vmconvert::disk
