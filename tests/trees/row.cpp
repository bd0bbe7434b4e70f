#include "trees/row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/text.hpp"
#include "boot_files.hpp"
#include "test_paths.hpp"

namespace vmconvert::trees {
namespace {

namespace fs = std::filesystem;

std::string or_empty(const std::vector<std::string>& parts, std::size_t at) {
  return at < parts.size() && parts[at] != "-" ? parts[at] : "";
}

// "kernel: 2.6.18-8.el5 initrd=/boot/x modules=ext3,virtio_blk"
RowKernel read_kernel(const std::vector<std::string>& parts) {
  RowKernel kernel;
  kernel.version = parts.at(0);
  kernel.image = "/boot/vmlinuz-" + kernel.version;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto equals = parts[i].find('=');
    const std::string key = parts[i].substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : parts[i].substr(equals + 1);
    if (key == "image") {
      kernel.image = value == "-" ? "" : value;
    } else if (key == "initrd") {
      kernel.initrd = value;
    } else if (key == "xen-only") {
      kernel.xen_only = true;
    } else if (key == "ending") {
      kernel.ending = value;
    } else if (key == "modules") {
      kernel.modules = split(value, ',');
    } else if (key == "builtin") {
      kernel.builtin = split(value, ',');
    } else if (key == "initramfs") {
      kernel.initramfs = split(value, ',');
    } else {
      throw Error(ErrorKind::bad_input, fmt::format("a kernel has no {}", key));
    }
  }
  return kernel;
}

void read_boot(Row& row, const std::string& value) {
  const std::vector<std::string> parts = words(value);
  row.boots = parts.at(0);
  if (row.boots == "hvm" || row.boots == "uefi") {
    row.uefi = row.boots == "uefi";
    row.kind = model::VirtKind::hvm;
    row.boots = "disk";
  } else if (row.boots == "direct") {
    row.host_kernel = or_empty(parts, 1);
    row.host_initrd = or_empty(parts, 2);
    row.cmdline =
        join({parts.begin() + std::min<std::ptrdiff_t>(3, std::ssize(parts)), parts.end()}, " ");
  }
}

void take(Row& row, const std::string& key, const std::string& value) {
  const std::vector<std::string> parts = words(value);
  if (key == "guest") {
    row.guest = value;
  } else if (key == "source") {
    row.sources.push_back(value);
  } else if (key == "boots") {
    read_boot(row, value);
  } else if (key == "becomes" && value == "hvm") {
    row.becomes_hvm = true;
  } else if (key == "arch") {
    row.arch = value;
  } else if (key == "init") {
    row.init = value;
  } else if (key == "nic") {
    row.macs.push_back(value);
  } else if (key == "expect") {
    row.expects = value;
  } else if (key == "disk") {
    row.disks.push_back({parts.at(0), parts.at(1), parts.at(2), or_empty(parts, 3)});
  } else if (key == "fs") {
    row.filesystems.push_back(
        {parts.at(0), parts.at(1), or_empty(parts, 2), or_empty(parts, 3), or_empty(parts, 4)});
  } else if (key == "array") {
    row.arrays.push_back(
        {parts.at(0), parts.at(1), parts.at(2), parts.at(3), {parts.begin() + 4, parts.end()}});
  } else if (key == "kernel") {
    row.kernels.push_back(read_kernel(parts));
  } else if (key == "file") {
    row.files.push_back({parts.at(0), "", 0644, ""});
  } else if (key == "grubenv") {
    row.files.push_back({parts.at(0), "", 0644, "", 1024});
  } else if (key == "efi-grub") {
    row.files.push_back({parts.at(0), boot_files::make_efi_core(parts.at(1)), 0644, ""});
  } else if (key == "efi-systemd") {
    row.files.push_back({parts.at(0), boot_files::systemd_boot(parts.at(1)), 0644, ""});
  } else if (key == "uki") {
    row.files.push_back(
        {parts.at(0), "", 0644, "", 0, parts.at(1), or_empty(parts, 2) == "signed"});
  } else if (key == "program") {
    row.files.push_back({parts.at(0), "", 0755, ""});
  } else if (key == "link") {
    row.files.push_back({parts.at(0), "", 0777, parts.at(1)});
  } else {
    throw Error(ErrorKind::bad_input, fmt::format("a row has no {}", key));
  }
}

void check(const Row& row) {
  if (row.guest.empty() || row.sources.empty() || row.expects.empty() || row.disks.empty()) {
    throw Error(ErrorKind::bad_input, "a row needs guest, source, expect, disk");
  }
}

}  // namespace

Row read_row(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  Row row;
  row.name = file.stem().string();
  std::size_t number = 0;
  for (const std::string& line : lines(text)) {
    ++number;
    try {
      if (line.starts_with('|')) {
        if (row.files.empty()) {
          throw Error(ErrorKind::bad_input, "content without a file");
        }
        row.files.back().content += line.substr(std::min<std::size_t>(2, line.size())) + "\n";
      } else if (!trim(line).empty() && !line.starts_with('#')) {
        const auto colon = line.find(": ");
        if (colon == std::string::npos) {
          throw Error(ErrorKind::bad_input, "no \"key: value\"");
        }
        take(row, line.substr(0, colon), std::string(trim(line.substr(colon + 2))));
      }
    } catch (const std::exception& error) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{} line {}: {}", file.filename().string(), number, error.what()));
    }
  }
  for (RowFile& each : row.files) {
    each.content.resize(std::max(each.content.size(), each.filled_to), '#');
  }
  check(row);
  return row;
}

fs::path rows_folder() {
  return test::source_dir() / "tests" / "guests" / "trees";
}

std::vector<fs::path> all_rows() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(rows_folder())) {
    if (entry.path().extension() == ".row") {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace vmconvert::trees
