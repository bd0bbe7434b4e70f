// What the files of a mounted guest tell about it.
#include <array>
#include <map>

#include "base/error.hpp"
#include "base/text.hpp"
#include "guest/grub_config.hpp"
#include "guest/inspect.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::uint64_t k_small_text = 1U << 20U;
constexpr std::size_t k_longest_name = 200;

// One line that is fit for a terminal.
std::string short_line(std::string_view text) {
  return printable(trim(text.substr(0, text.find('\n')))).substr(0, k_longest_name);
}

// Content of a small text file; nothing if it is missing or no text file: a guest's oddities are
// not worth a failed conversion.
std::optional<std::string> small_text(GuestRoot& guest, std::string_view path) {
  const FileStat found = guest.stat(path);
  if (found.kind != FileKind::file || found.size > k_small_text) {
    return std::nullopt;
  }
  return guest.read(path, k_small_text);
}

// KEY=value lines, as os-release and sysconfig files have them.
std::map<std::string, std::string> read_assignments(std::string_view text) {
  std::map<std::string, std::string> values;
  for (const std::string& line : lines(text)) {
    const auto equals = line.find('=');
    if (equals == std::string::npos || trim(line).starts_with('#')) {
      continue;
    }
    std::string_view value = trim(std::string_view(line).substr(equals + 1));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    values[std::string(trim(line.substr(0, equals)))] = short_line(value);
  }
  return values;
}

// The files that guests before os-release have.
struct ReleaseFile {
  const char* path;
  const char* distribution;
};
constexpr std::array<ReleaseFile, 9> k_release_files = {{
    {"/etc/fedora-release", "fedora"},
    {"/etc/centos-release", "centos"},
    {"/etc/oracle-release", "ol"},
    {"/etc/redhat-release", "rhel"},
    {"/etc/SuSE-release", "suse"},
    {"/etc/gentoo-release", "gentoo"},
    {"/etc/alpine-release", "alpine"},
    {"/etc/slackware-version", "slackware"},
    {"/etc/arch-release", "arch"},
}};

std::string red_hat_family(const std::string& text, const char* otherwise) {
  constexpr std::array<std::array<const char*, 2>, 4> k_names = {{{"CentOS", "centos"},
                                                                  {"Scientific", "scientific"},
                                                                  {"Fedora", "fedora"},
                                                                  {"Rocky", "rocky"}}};
  for (const auto& [word, id] : k_names) {
    if (text.find(word) != std::string::npos) {
      return id;
    }
  }
  return otherwise;
}

void read_old_release(GuestRoot& guest, model::GuestFacts& facts) {
  if (const auto lsb = small_text(guest, "/etc/lsb-release")) {
    auto values = read_assignments(*lsb);
    facts.os_name = values["DISTRIB_DESCRIPTION"];
    facts.distribution = lower_case(values["DISTRIB_ID"]);
    if (!facts.distribution.empty()) {
      return;
    }
  }
  for (const ReleaseFile& file : k_release_files) {
    if (const auto text = small_text(guest, file.path)) {
      facts.os_name = short_line(*text);
      facts.distribution = red_hat_family(*text, file.distribution);
      return;
    }
  }
  if (const auto version = small_text(guest, "/etc/debian_version")) {
    facts.os_name = "Debian GNU/Linux " + short_line(*version);
    facts.distribution = "debian";
  }
}

void read_release(GuestRoot& guest, model::GuestFacts& facts) {
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
    if (const auto text = small_text(guest, path)) {
      auto values = read_assignments(*text);
      facts.os_name = values["PRETTY_NAME"].empty() ? values["NAME"] : values["PRETTY_NAME"];
      facts.distribution = values["ID"];
      return;
    }
  }
  read_old_release(guest, facts);
  if (facts.os_name.empty()) {
    if (const auto issue = small_text(guest, "/etc/issue")) {
      facts.os_name = short_line(*issue);
    }
  }
}

std::string read_hostname(GuestRoot& guest) {
  for (const char* path : {"/etc/hostname", "/etc/HOSTNAME"}) {
    if (const auto text = small_text(guest, path)) {
      for (const std::string& line : lines(*text)) {
        if (!trim(line).empty() && !trim(line).starts_with('#')) {
          return short_line(line);
        }
      }
    }
  }
  for (const char* path : {"/etc/sysconfig/network", "/etc/conf.d/hostname"}) {
    if (const auto text = small_text(guest, path)) {
      auto values = read_assignments(*text);
      const std::string& name =
          values["HOSTNAME"].empty() ? values["hostname"] : values["HOSTNAME"];
      if (!name.empty()) {
        return name;
      }
    }
  }
  return {};
}

// Where a chain of links ends, in words: "/sbin/init" "../lib/systemd/systemd". Loops end it.
std::string link_words(GuestRoot& guest, std::string path) {
  std::string words_seen = path;
  for (int hops = 0; hops < 8 && guest.lstat(path).kind == FileKind::symlink; ++hops) {
    const std::string target = guest.read_link(path);
    words_seen += " " + target;
    path.resize(target.starts_with('/') ? 0 : path.rfind('/') + 1);
    path += target;
  }
  return words_seen;
}

struct InitProgram {
  std::string path;
  std::string content;
};

InitProgram read_init_program(GuestRoot& guest) {
  for (const char* path : {"/sbin/init", "/usr/lib/systemd/systemd", "/lib/systemd/systemd",
                           "/bin/init", "/etc/init", "/bin/sh"}) {
    const FileStat found = guest.stat(path);
    if (found.kind == FileKind::file && found.size <= GuestRoot::k_text_limit) {
      std::string content = guest.read(path);
      if (!elf_arch(content).empty()) {
        return {path, std::move(content)};
      }
    }
  }
  return {};
}

std::string init_kind(GuestRoot& guest, const InitProgram& init) {
  if (init.path.empty() || init.path == "/bin/sh") {
    return guest.exists("/sbin/init") ? "other" : "";
  }
  const std::string chain = link_words(guest, init.path);
  if (chain.find("systemd") != std::string::npos) {
    return "systemd";
  }
  if (chain.find("busybox") != std::string::npos || chain.find("openrc") != std::string::npos) {
    return "other";
  }
  // Upstart is a file of the same name; its own name is in its messages.
  if (init.content.find("upstart") != std::string::npos) {
    return "upstart";
  }
  return guest.is_file("/etc/inittab") ? "sysvinit" : "other";
}

// Things that exist once in the world: a copy that runs beside its source would fight it for them.
std::vector<std::string> find_identities(GuestRoot& guest) {
  constexpr std::array<const char*, 12> k_patterns = {
      "/var/lib/zerotier-one/identity.secret",
      "/var/lib/tailscale/tailscaled.state",
      "/etc/wireguard/*.conf",
      "/etc/openvpn/*.conf",
      "/etc/tinc/*/rsa_key.priv",
      "/etc/nebula/*.key",
      "/etc/salt/pki/minion/minion.pem",
      "/etc/puppetlabs/puppet/ssl/private_keys/*.pem",
      "/var/lib/puppet/ssl/private_keys/*.pem",
      "/etc/chef/client.pem",
      "/etc/sysconfig/rhn/systemid",
      "/etc/pki/consumer/cert.pem",
  };
  std::vector<std::string> found;
  for (const char* pattern : k_patterns) {
    for (const std::string& path : guest.glob(pattern)) {
      found.push_back(printable(path));
    }
  }
  return found;
}

// pygrub's order: GRUB 2's files before GRUB legacy's.
constexpr std::array<const char*, 2> k_grub2_menus = {"/boot/grub/grub.cfg",
                                                      "/boot/grub2/grub.cfg"};
constexpr std::array<const char*, 2> k_legacy_menus = {"/boot/grub/menu.lst",
                                                       "/boot/grub/grub.conf"};

constexpr std::array<const char*, 4> k_extlinux_menus = {
    "/boot/extlinux.conf", "/boot/extlinux/extlinux.conf", "/boot/syslinux/syslinux.cfg",
    "/boot/syslinux/extlinux.conf"};

template <std::size_t N>
std::string first_there(GuestRoot& guest, const std::array<const char*, N>& paths) {
  for (const char* path : paths) {
    if (guest.is_file(path)) {
      return path;
    }
  }
  return {};
}

}  // namespace

std::string find_menu(GuestRoot& guest, std::string_view loader) {
  std::string grub2 = first_there(guest, k_grub2_menus);
  std::string legacy = first_there(guest, k_legacy_menus);
  if (loader == "grub2") {
    return grub2;
  }
  if (loader == "grub-legacy") {
    return legacy;
  }
  const std::string extlinux = first_there(guest, k_extlinux_menus);
  if (!extlinux.empty() && (loader == "extlinux" || loader == "unknown")) {
    return extlinux;
  }
  // A grub.cfg without entries is what packages leave behind on a guest that never ran GRUB.
  if (!grub2.empty()) {
    const auto text = small_text(guest, grub2);
    if (legacy.empty() || (text && !read_grub2_menu(*text).entries.empty())) {
      return grub2;
    }
  }
  return legacy.empty() ? extlinux : legacy;
}

std::string elf_arch(std::string_view content) {
  if (content.size() < 20 || !content.starts_with("\x7f"
                                                  "ELF")) {
    return {};
  }
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(content[at]); };
  const bool little = byte(5) == 1;
  const unsigned machine = little ? byte(18) | byte(19) << 8U : byte(19) | byte(18) << 8U;
  switch (machine) {
    case 3: return "i386";
    case 20: return "ppc";
    case 21: return little ? "ppc64le" : "ppc64";
    case 22: return "s390x";
    case 40: return "arm";
    case 62: return "x86_64";
    case 183: return "aarch64";
    case 243: return "riscv64";
    default: return "unknown";
  }
}

void read_tree_facts(GuestRoot& guest, model::GuestFacts& facts) {
  read_release(guest, facts);
  const InitProgram init = read_init_program(guest);
  facts.arch = elf_arch(init.content);
  facts.init = init_kind(guest, init);
  facts.hostname = read_hostname(guest);
  facts.kernels = read_kernels(guest);
  facts.menu = find_menu(guest, facts.loader);
  facts.identities = find_identities(guest);
}

}  // namespace vmconvert::guest
