#include <algorithm>
#include <vmconvert/xen_pvhvm.hpp>

#include "initramfs.hpp"

namespace vmconvert::fixer::initramfs {
namespace {

constexpr std::uint64_t k_list_limit = 32U << 20U;

std::vector<std::string> paths_in(Host& guest, const std::string& path) {
  std::vector<std::string> found;
  if (!guest.is_file(path)) {
    return found;
  }
  // modules.dep: "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko"; the part before the colon counts.
  for (const Line& line : lines_of(guest.read(path, k_list_limit))) {
    found.push_back(line.text.substr(0, line.text.find(':')));
  }
  return found;
}

// Without modules.dep: the folders where these drivers have always been.
std::vector<std::string> files_under(Host& guest, const std::string& folder) {
  std::vector<std::string> found;
  for (const char* place :
       {"/kernel/drivers/block/", "/kernel/drivers/virtio/", "/kernel/drivers/xen/",
        "/kernel/fs/ext2/", "/kernel/fs/ext3/", "/kernel/fs/ext4/", "/kernel/fs/xfs/",
        "/kernel/fs/btrfs/", "/kernel/fs/jfs/", "/kernel/fs/reiserfs/"}) {
    for (const std::string& path : guest.glob(folder + place + "*.ko*")) {
      found.push_back(path);
    }
  }
  return found;
}

}  // namespace

std::set<std::string> module_names(const std::vector<std::string>& paths) {
  std::set<std::string> names;
  for (const std::string& path : paths) {
    const std::string_view file = base_name(path);
    const std::size_t dot = file.find(".ko");
    if (dot == std::string_view::npos || dot == 0) {
      continue;
    }
    const std::string_view ending = file.substr(dot + 3);
    if (ending.empty() || ending == ".gz" || ending == ".xz" || ending == ".zst") {
      std::string name(file.substr(0, dot));
      std::replace(name.begin(), name.end(), '-', '_');
      names.insert(name);
    }
  }
  return names;
}

bool fills(const std::set<std::string>& modules, const Need& need) {
  return std::any_of(need.names.begin(), need.names.end(),
                     [&](const std::string& name) { return modules.contains(name); });
}

Drivers::Drivers(Host& guest, const std::string& version) {
  const std::string folder = "/lib/modules/" + version;
  m_builtin = module_names(paths_in(guest, folder + "/modules.builtin"));
  std::vector<std::string> modules = paths_in(guest, folder + "/modules.dep");
  m_modules = module_names(modules.empty() ? files_under(guest, folder) : modules);
  const auto config = guest.read_if_there("/boot/config-" + version);
  m_config = "\n" + config.value_or("");
  const std::string xen = "xen_platform_pci";  // in no list of what is built in: it was no module
  if (!m_modules.contains(xen) && pvhvm::platform_built_in(config, version)) {
    m_builtin.insert(xen);
  }
}

bool Drivers::built_in(const Need& need) const {
  return fills(m_builtin, need) ||
         std::any_of(need.options.begin(), need.options.end(), [&](const std::string& option) {
           return m_config.find("\n" + option + "=y\n") != std::string::npos;
         });
}

std::string Drivers::module_for(const Need& need) const {
  const auto name = std::find_if(need.names.begin(), need.names.end(),
                                 [&](const auto& each) { return m_modules.contains(each); });
  return name == need.names.end() ? "" : *name;
}

// All that the target needs and this kernel has as modules: the next image must have them too,
// also when the guest builds only what it is told (MODULES=list, host-only).
std::vector<std::string> all_modules(const Facts& facts, const Drivers& drivers) {
  std::vector<std::string> names;
  std::vector<Need> needs = disk_needs(facts);
  for (const Need& need : root_needs(facts)) {
    needs.push_back(need);
  }
  for (const Need& need : needs) {
    const std::string name = drivers.module_for(need);
    if (!name.empty() && !drivers.built_in(need)) {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace vmconvert::fixer::initramfs
