// vmconvert import: convert, from a bundle. A stream or an encrypted bundle becomes a plain folder
// first.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "base/error.hpp"
#include "base/log.hpp"
#include "bundle/content.hpp"
#include "bundle/receive.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/paths.hpp"
#include "cli/run.hpp"

namespace vmconvert::cli {
namespace {

namespace fs = std::filesystem;

// STATE/bundles/NAME: goes with the object, unless somebody may still need it.
class Arrival {
 public:
  Arrival(const fs::path& state_dir, const char* name)
      : m_folder(state_dir / "bundles" /
                 fmt::format("{}-{}-{}", name, ::getpid(),
                             std::chrono::system_clock::now().time_since_epoch().count())) {
    fs::create_directories(m_folder);
    fs::permissions(m_folder, fs::perms::owner_all);
  }
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;
  ~Arrival() {
    std::error_code ignored;
    if (!m_folder.empty()) {
      fs::remove_all(m_folder, ignored);
    }
  }
  [[nodiscard]] const fs::path& folder() const { return m_folder; }
  void keep() { m_folder.clear(); }

 private:
  fs::path m_folder;
};

}  // namespace

int run_import(const Options& options, ProgressView& view) {
  Options found = options;
  const fs::path state_dir = state_dir_of(options.state_dir);
  std::optional<Arrival> received;
  std::optional<Arrival> opened;
  found.source = options.bundle;
  if (options.bundle == "-") {
    received.emplace(state_dir, "received");
    log_step("receiving the bundle");
    static_cast<void>(bundle::receive_stream(STDIN_FILENO, received->folder()));
    found.source = received->folder();
  } else if (!bundle::is_bundle(found.source)) {
    throw Error(ErrorKind::usage, fmt::format("{} is not the folder of a bundle", found.source),
                "vmconvert export writes one; other sources are for vmconvert convert");
  }
  const bundle::Manifest manifest = bundle::read_manifest(found.source);
  bundle::require_root(manifest, options.expected_root);
  if (manifest.encrypted) {
    if (options.key.empty()) {
      throw Error(ErrorKind::usage, "the bundle is encrypted",
                  "name the file with the secret key: --key FILE");
    }
    RealCommandRunner commands;
    opened.emplace(state_dir, "opened");
    log_step("opening the encrypted bundle");
    bundle::unseal_bundle(found.source, opened->folder(), options.key, commands);
    received.reset();
    found.source = opened->folder();
  }
  try {
    return run_convert(found, view);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted && (received || opened)) {
      Arrival& needed = opened ? *opened : *received;
      log_warning(fmt::format("{} is kept for vmconvert resume: remove it when that is done",
                              needed.folder().string()));
      needed.keep();
    }
    throw;
  }
}

}  // namespace vmconvert::cli
