#include "guest/kernel_packages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "base/units.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;

constexpr const char* k_package_folder = "/var/tmp/vmconvert-packages";

enum class PackageKind { rpm, deb };

model::Finding package_finding(std::string message, std::string remedy) {
  return {"kernel-package", model::Severity::blocks, std::move(message), std::move(remedy)};
}

// Empty where it cannot be read.
std::string first_bytes(const std::string& file) {
  std::string head(32, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  return head;
}

// The first bytes: lib/rpmlead.c of RPM; deb(5).
std::optional<PackageKind> kind_of_package(const std::string& file) {
  const std::string head = first_bytes(file);
  if (head.starts_with("\xed\xab\xee\xdb")) {
    return PackageKind::rpm;
  }
  if (head.starts_with("!<arch>\ndebian-binary")) {
    return PackageKind::deb;
  }
  return std::nullopt;
}

// It becomes a word of the tool's arguments, and of a path in the guest.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.front() != '-' && name.front() != '.' &&
         name.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
             "._+~:-") == std::string::npos;
}

// Empty: nothing is.
std::string fault_of(const std::string& file) {
  std::error_code error;
  const fs::path path(file);
  const std::uintmax_t size = fs::is_regular_file(path, error) ? fs::file_size(path, error) : 0;
  if (error || size == 0) {
    return "is no file that can be read, or is empty";
  }
  if (size > GuestRoot::k_binary_limit) {
    return fmt::format("has {}, more than a kernel's package", to_text(ByteCount{size}));
  }
  if (!is_plain_name(path.filename().string())) {
    return "has a name that no package has";
  }
  return kind_of_package(file) ? "" : "is neither an RPM nor a Debian package";
}

std::string first_program(GuestRoot& guest, const std::vector<std::string>& paths) {
  const auto found = std::find_if(paths.begin(), paths.end(),
                                  [&](const std::string& path) { return guest.is_file(path); });
  return found == paths.end() ? std::string() : *found;
}

bool has_selinux(GuestRoot& guest) {
  for (const std::string& line : lines(guest.read_if_there("/etc/selinux/config").value_or(""))) {
    const std::string_view plain = trim(line);
    if (plain == "SELINUX=enforcing" || plain == "SELINUX=permissive") {
      return true;
    }
  }
  return false;
}

std::string last_of(const std::string& output) {
  constexpr std::size_t k_most = 600;
  const std::string text = printable(trim(output));
  return text.size() > k_most ? "..." + text.substr(text.size() - k_most) : text;
}

}  // namespace

model::Findings check_kernel_packages(const std::vector<std::string>& files) {
  model::Findings found;
  std::set<PackageKind> kinds;
  for (const std::string& file : files) {
    const std::string fault = fault_of(file);
    if (!fault.empty()) {
      found.push_back(package_finding(fmt::format("{} {}", printable(file), fault),
                                      "correct kernel_packages in the blueprint"));
    } else {
      kinds.insert(*kind_of_package(file));
    }
  }
  if (kinds.size() > 1) {
    found.push_back(package_finding("RPMs and Debian packages are mixed",
                                    "name packages of one kind: the guest's own"));
  }
  return found;
}

InstalledPackages install_kernel_packages(GuestRoot& guest, const std::vector<std::string>& files) {
  InstalledPackages result;
  if (files.empty() || !(result.findings = check_kernel_packages(files)).empty()) {
    return result;
  }
  const bool rpm = kind_of_package(files.front()) == PackageKind::rpm;
  const std::string tool = rpm ? first_program(guest, {"/bin/rpm", "/usr/bin/rpm"})
                               : first_program(guest, {"/usr/bin/dpkg", "/bin/dpkg"});
  const std::string environment = first_program(guest, {"/usr/bin/env", "/bin/env"});
  if (tool.empty() || environment.empty()) {
    result.findings.push_back(
        package_finding(fmt::format("{} cannot be installed: the guest has no {}",
                                    printable(files.front()), rpm ? "rpm" : "dpkg"),
                        "name a package of the kind that the guest has"));
    return result;
  }
  std::vector<std::string> argv = {environment, "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                   "DEBIAN_FRONTEND=noninteractive", tool,
                                   rpm ? "-i" : "--install"};
  for (const std::string& file : files) {
    const std::string name = fs::path(file).filename().string();
    argv.push_back(fmt::format("{}/{}", k_package_folder, name));
    guest.write(argv.back(), read_text_file(file, GuestRoot::k_binary_limit));
    result.edits.push_back({"kernel-package", fmt::format("{} {} {}", tool, argv[4], name),
                            "installed by the guest's own tool; what is in it is not shown"});
  }
  const ProgramResult said = guest.run(argv);
  guest.remove_tree(k_package_folder);
  if (said.exit_code != 0 && said.output.find("is already installed") == std::string::npos) {
    result.findings.push_back(
        package_finding(fmt::format("{} refused a package: {}", tool, last_of(said.output)),
                        "supply what it asks for in kernel_packages, too, or another version"));
  } else if (has_selinux(guest)) {
    guest.write("/.autorelabel", "");
    result.edits.push_back(
        {"kernel-package", "/.autorelabel", "files of the package get their SELinux labels"});
  }
  return result;
}

}  // namespace vmconvert::guest
