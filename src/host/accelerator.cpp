#include "host/accelerator.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

constexpr const char* k_qemu = "qemu-system-x86_64";
constexpr const char* k_memory_file = "accelerator";
constexpr std::uint64_t k_memory_limit = 4096;
constexpr std::uint64_t k_console_limit = 4U << 20U;

// What a verdict holds for: another boot, kernel or QEMU may behave differently.
std::string host_key(CommandRunner& commands, const AcceleratorProbe& probe) {
  utsname kernel{};
  ::uname(&kernel);
  const std::string version =
      run_or_throw(commands, {.argv = {k_qemu, "--version"}, .timeout = std::chrono::seconds(10)});
  const std::vector<std::string> first = lines(version);
  return fmt::format("boot={}\nkernel={}\nqemu={}\n", trim(read_text_file(probe.boot_id, 4096)),
                     kernel.release, first.empty() ? "" : printable(first.front()));
}

std::optional<Accelerator> recall(const std::filesystem::path& file, const std::string& key) {
  try {
    const std::string text = read_text_file(file, k_memory_limit);
    if (!text.starts_with(key)) {
      return std::nullopt;
    }
    std::map<std::string, std::string> values;
    for (const std::string& line : lines(std::string_view(text).substr(key.size()))) {
      const auto equals = line.find('=');
      if (equals != std::string::npos) {
        values[line.substr(0, equals)] = printable(line.substr(equals + 1));
      }
    }
    if (values["accelerator"] == "kvm") {
      return Accelerator{AcceleratorKind::kvm, values["reason"]};
    }
    if (values["accelerator"] == "tcg") {
      return Accelerator{AcceleratorKind::tcg, values["reason"]};
    }
  } catch (const Error&) {  // absent or unreadable: as if never asked
  }
  return std::nullopt;
}

void remember(const std::filesystem::path& state_dir, const std::string& key,
              const Accelerator& verdict) {
  try {
    std::error_code ignored;
    std::filesystem::create_directories(state_dir, ignored);
    AtomicFile file(state_dir / k_memory_file);
    file.write(fmt::format("{}accelerator={}\nreason={}\n", key, to_string(verdict.kind),
                           replace_all(verdict.reason, "\n", " ")));
    file.commit(Overwrite::yes);
  } catch (const Error& error) {
    log_detail(fmt::format("not remembered: {}", error.message()));
  }
}

// Empty when it is; else why not.
std::string why_not_openable(const std::filesystem::path& device) {
  const Fd fd(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  return fd ? std::string() : fmt::format("{}: {}", device.string(), ::strerror(errno));
}

std::string read_console(const std::filesystem::path& file) {
  try {
    return read_text_file(file, k_console_limit);
  } catch (const Error&) {
    return {};
  }
}

// Without a root disk a kernel that works panics, and panic=-1 with -no-reboot ends QEMU.
Accelerator boot_kernel(const std::filesystem::path& kernel, CommandRunner& commands,
                        const AcceleratorProbe& probe) {
  const TempDir folder(std::filesystem::temp_directory_path(), "vmconvert-kvm");
  const std::filesystem::path console = folder.path() / "console";
  const auto begin = std::chrono::steady_clock::now();
  const CommandResult result = commands.run(
      {.argv = {k_qemu,
                "-machine",
                "pc",
                "-accel",
                "kvm",
                "-cpu",
                "host",
                "-m",
                "256",
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-no-reboot",
                "-chardev",
                fmt::format("file,id=console,path={}", replace_all(console.string(), ",", ",,")),
                "-serial",
                "chardev:console",
                "-kernel",
                kernel.string(),
                "-append",
                "console=ttyS0 panic=-1"},
       .timeout = probe.limit});
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const std::string said = read_console(console);
  const bool reached_the_end = said.find("Unable to mount root") != std::string::npos ||
                               said.find("Kernel panic") != std::string::npos;
  if (result.timed_out) {
    return {AcceleratorKind::tcg,
            fmt::format("KVM hangs on this host: the kernel {} did not run to its end within {} s",
                        kernel.string(), probe.limit.count() / 1000)};
  }
  if (result.exit_code == 0 && reached_the_end) {
    return {AcceleratorKind::kvm, fmt::format("{} ran to its end under KVM in {:.1f} s",
                                              kernel.filename().string(), seconds)};
  }
  const std::vector<std::string> last = lines(trim(result.err));
  return {AcceleratorKind::tcg,
          fmt::format("KVM does not run the kernel {} on this host: {} ended with exit code {}{}",
                      kernel.string(), k_qemu, result.exit_code,
                      last.empty() ? "" : ": " + printable(last.back()))};
}

}  // namespace

const char* to_string(AcceleratorKind kind) {
  return kind == AcceleratorKind::kvm ? "kvm" : "tcg";
}

std::filesystem::path newest_kernel(const std::filesystem::path& folder) {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("vmlinuz-") && ::access(entry.path().c_str(), R_OK) == 0) {
      found.push_back(name);
    }
  }
  const auto newest =
      std::max_element(found.begin(), found.end(), [](const std::string& a, const std::string& b) {
        return ::strverscmp(a.c_str(), b.c_str()) < 0;
      });
  return newest == found.end() ? std::filesystem::path() : folder / *newest;
}

Accelerator find_accelerator(const std::filesystem::path& state_dir, CommandRunner& commands,
                             const AcceleratorProbe& probe) {
  if (const std::string why = why_not_openable(probe.device); !why.empty()) {
    log_detail(fmt::format("no KVM: {}", why));
    return {AcceleratorKind::tcg, why};
  }
  const std::filesystem::path kernel = newest_kernel(probe.kernels);
  if (kernel.empty()) {
    const std::string why =
        fmt::format("no readable kernel in {} to try KVM with", probe.kernels.string());
    log_warning(fmt::format("{}: using emulation, which is slower", why));
    return {AcceleratorKind::tcg, why};
  }
  const std::string key = host_key(commands, probe);
  if (auto known = recall(state_dir / k_memory_file, key)) {
    return *known;
  }
  log_step("trying KVM once on this host");
  Accelerator verdict = boot_kernel(kernel, commands, probe);
  if (verdict.kind == AcceleratorKind::tcg) {
    log_warning(
        fmt::format("{}: using emulation, which is slower (remembered until the host "
                    "reboots)",
                    verdict.reason));
  }
  remember(state_dir, key, verdict);
  return verdict;
}

void remember_accelerator(const std::filesystem::path& state_dir, const Accelerator& verdict,
                          CommandRunner& commands, const AcceleratorProbe& probe) {
  remember(state_dir, host_key(commands, probe), verdict);
}

}  // namespace vmconvert::host
