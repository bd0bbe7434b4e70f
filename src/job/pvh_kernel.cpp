// The kernel of a guest that becomes PVH: read where it is kept, judged in plan/.
#include <filesystem>

#include "base/ask_or.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "domain/read.hpp"
#include "guest/appliance.hpp"
#include "guest/boot_path.hpp"
#include "guest/kernel_pvh.hpp"
#include "guest/linux_kernel.hpp"
#include "job/conversion.hpp"
#include "job/state.hpp"
#include "plan/check_fit.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t k_kernel_limit = 256U << 20U;
constexpr std::uint64_t k_config_limit = 8U << 20U;

// "vmlinuz-6.1.0-56-amd64" -> "6.1.0-56-amd64"
std::string version_in_name(const std::string& name) {
  const auto dash = name.find('-');
  return dash == std::string::npos ? "" : name.substr(dash + 1);
}

// One that the Xen host keeps. It may not be on this host.
model::PvhKernel judge_host_kernel(const fs::path& path) {
  const auto read = [](const fs::path& file, std::uint64_t limit) {
    std::error_code ignored;
    return fs::is_regular_file(file, ignored) ? ask_or(std::string(), "the kernel on the host",
                                                       [&] { return read_text_file(file, limit); })
                                              : std::string();
  };
  const std::string image = read(path, k_kernel_limit);
  const auto header = guest::read_kernel_header(image);
  const std::string in_name = version_in_name(path.filename().string());
  const std::string version = header && !header->version.empty() ? header->version : in_name;
  const std::string config =
      in_name.empty() ? "" : read(path.parent_path() / ("config-" + in_name), k_config_limit);
  const guest::PvhVerdict verdict = guest::can_run_as_pvh(image, config, version);
  return {printable(path.string()), printable(version), verdict.can, verdict.how};
}

model::PvhKernel judge_own_kernel(guest::GuestRoot& root, const guest::BootPath& path) {
  const std::string image = root.read(path.kernel, guest::GuestRoot::k_binary_limit);
  // A version is the guest's word: it must not lead out of /boot.
  const bool plain = !path.version.empty() && path.version.find('/') == std::string::npos;
  const std::string config =
      plain ? root.read_if_there("/boot/config-" + path.version).value_or("") : "";
  const guest::PvhVerdict verdict = guest::can_run_as_pvh(image, config, path.version);
  return {printable(path.kernel), printable(path.version), verdict.can, verdict.how};
}

}  // namespace

model::VirtKind Conversion::State::source_kind() const {
  return original_xml.empty() ? source.domain.kind
                              : domain::read_domain_xml(original_xml, "the source").kind;
}

bool Conversion::State::becomes_hvm() const {
  return request.to == model::TargetHypervisor::xen && source.domain.kind == model::VirtKind::hvm &&
         source_kind() != model::VirtKind::hvm;
}

// One that was PVH already starts it every day.
void Conversion::check_pvh_kernel(guest::Appliance& appliance, const guest::BootPath& path) {
  State& state = *m_state;
  const model::Domain& domain = state.source.domain;
  if (state.request.to != model::TargetHypervisor::xen || domain.kind != model::VirtKind::pvh ||
      state.source_kind() == model::VirtKind::pvh) {
    return;
  }
  if (domain.direct_boot) {
    state.add_findings(plan::check_pvh_kernel(judge_host_kernel(domain.direct_boot->kernel)));
  } else if (!path.kernel.empty()) {  // else the boot path says what is missing
    state.add_findings(plan::check_pvh_kernel(judge_own_kernel(appliance.root(), path)));
  }
}

}  // namespace vmconvert::job
