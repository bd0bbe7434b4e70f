#include "host/embed.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <map>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

constexpr std::uint64_t k_longest_holder = 4096;
constexpr std::string_view k_embed_prefix = "qemu:///embed?";

constexpr std::string_view k_qemu_conf =
    "# Written by vmconvert once; change it as you like.\n"
    "user = \"root\"\n"
    "group = \"root\"\n"
    "dynamic_ownership = 0\n"
    "remember_owner = 0\n"
    "security_driver = \"none\"\n"
    "namespaces = []\n"
    "cgroup_controllers = []\n"
    "stdio_handler = \"file\"\n";

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    if (text[at] == '%' && at + 2 < text.size()) {
      const char* digits = text.data() + at + 1;
      if (std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
        decoded += static_cast<char>(byte);
        at += 2;
        continue;
      }
    }
    decoded += text[at];
  }
  return decoded;
}

class EventLoop {
 public:
  EventLoop() {
    // libvirt offers no way to unregister: the implementation stays, only our thread ends.
    if (virEventRegisterDefaultImpl() != 0) {
      throw Error(ErrorKind::tool_failed, "libvirt's event loop could not be set up");
    }
    // Wakes the loop now and then, so that it sees m_stop.
    m_timer = virEventAddTimeout(
        k_wake_ms, [](int, void*) {}, nullptr, nullptr);
    m_thread = std::thread([this] {
      while (!m_stop && virEventRunDefaultImpl() == 0) {
      }
    });
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop() {
    m_stop = true;
    virEventUpdateTimeout(m_timer, 0);
    m_thread.join();
  }

 private:
  static constexpr int k_wake_ms = 500;

  std::atomic<bool> m_stop = false;
  int m_timer = -1;
  std::thread m_thread;
};

}  // namespace

std::optional<std::filesystem::path> embed_root(std::string_view uri) {
  if (!uri.starts_with(k_embed_prefix)) {
    return std::nullopt;
  }
  uri.remove_prefix(k_embed_prefix.size());
  for (const std::string& parameter : split(uri, '&')) {
    if (parameter.starts_with("root=/")) {
      return percent_decoded(std::string_view(parameter).substr(5));
    }
  }
  return std::nullopt;
}

std::string embed_uri(const std::filesystem::path& root) {
  std::string encoded;
  for (const char c : root.string()) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return fmt::format("{}root={}", k_embed_prefix, encoded);
}

void prepare_embed_root(const std::filesystem::path& root) {
  const std::filesystem::path conf = root / "etc" / "qemu.conf";
  std::error_code error;
  if (std::filesystem::exists(conf, error)) {
    return;
  }
  std::filesystem::create_directories(conf.parent_path(), error);
  if (error) {
    throw Error(ErrorKind::io,
                fmt::format("making {}: {}", conf.parent_path().string(), error.message()),
                "name a folder that you may write to, or another connection URI");
  }
  AtomicFile file(conf);
  file.write(k_qemu_conf);
  file.commit(Overwrite::yes);
}

void hold_embed_root(const std::filesystem::path& root, std::chrono::seconds patience) {
  static std::mutex mutex;
  static std::map<std::filesystem::path, Fd> held;  // let go by the kernel when the process ends
  const std::lock_guard guard(mutex);
  if (held.contains(root)) {
    return;
  }
  const std::filesystem::path path = root / "vmconvert.lock";
  Fd fd = open_file(path, O_RDWR | O_CREAT);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (bool said = false; ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; said = true) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      throw_errno(errno, fmt::format("locking {}", path.string()));
    }
    const std::string holder = printable(trim(read_text_file(path, k_longest_holder)));
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error(ErrorKind::busy,
                  fmt::format("the embedded libvirt in {} is in use by another vmconvert ({})",
                              root.string(), holder.empty() ? "just started" : holder),
                  "wait until it has ended; or run libvirtd, which serves many at a time; or name "
                  "another folder: --target 'qemu:///embed?root=DIR'");
    }
    if (!said) {
      log_step(fmt::format("waiting for another vmconvert ({}), which uses the libvirt in {}",
                           holder, root.string()));
    }
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const std::string holder = fmt::format("process {}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0) {
    throw_errno(errno, fmt::format("writing {}", path.string()));
  }
  pwrite_exactly(fd.get(), std::as_bytes(std::span(holder)), 0, path.string());
  held.emplace(root, std::move(fd));
}

void start_event_loop() {
  static const EventLoop loop;
}

}  // namespace vmconvert::host
