#include "host/disk_health.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"

namespace vmconvert::host {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_most_disks = 64;
constexpr std::size_t k_longest_log = 16U << 20U;

fs::path whole_disk(const fs::path& sys) {
  std::error_code error;
  return fs::exists(sys / "partition", error) ? sys.parent_path() : sys;
}

void add_below(const fs::path& sys, std::vector<std::string>& names) {
  const fs::path disk = whole_disk(sys);
  const std::string name = disk.filename().string();
  if (names.size() >= k_most_disks || std::find(names.begin(), names.end(), name) != names.end()) {
    return;
  }
  names.push_back(name);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(sys / "slaves", error)) {
    const fs::path below = fs::canonical(entry.path(), error);
    if (!error) {
      add_below(below, names);
    }
  }
}

// The word after `key`, up to what cannot be in a device's name.
std::string word_after(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) {
    return {};
  }
  text.remove_prefix(at + key.size());
  return std::string(text.substr(0, text.find_first_of(", \t\n")));
}

}  // namespace

std::vector<std::string> disks_below(const fs::path& device, const fs::path& sysfs) {
  std::vector<std::string> names;
  struct stat status {};
  std::error_code error;
  if (::stat(device.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) {
    return names;
  }
  const fs::path sys = fs::canonical(
      sysfs / "dev/block" / fmt::format("{}:{}", ::major(status.st_rdev), ::minor(status.st_rdev)),
      error);
  if (!error) {
    add_below(sys, names);
  }
  return names;
}

// "blk_update_request: critical medium error, dev sda, sector 7 op 0x0:(READ) flags 0x0" (with its
// first words or without, by the kernel's age), "end_request: I/O error, dev cciss/c0d0, sector 7",
// "Buffer I/O error on dev dm-3, logical block 5, async page read". Sectors have 512 bytes.
std::map<std::string, LoggedErrors> parse_disk_errors(std::string_view log) {
  std::map<std::string, LoggedErrors> found;
  for (const std::string& line : lines(log)) {
    if (line.find("medium error, dev ") == std::string::npos &&
        line.find("I/O error, dev ") == std::string::npos &&
        line.find("critical target error, dev ") == std::string::npos) {
      continue;
    }
    const std::string name = word_after(line, " error, dev ");
    const auto sector = parse_number(word_after(line, ", sector "));
    if (name.empty() || !sector || line.find("(WRITE)") != std::string::npos ||
        line.find("(DISCARD)") != std::string::npos) {
      continue;  // what could not be written says nothing of what can be read
    }
    LoggedErrors& errors = found[name];
    if (errors.count++ == 0) {
      errors.first_sector = *sector;
    }
  }
  return found;
}

// One record a read(): "6,339,5140900,-;message", then lines of its own with more of it.
std::string kernel_log() {
  const Fd log(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::string text;
  std::array<char, 8192> record{};
  while (log && text.size() < k_longest_log) {
    const ssize_t got = ::read(log.get(), record.data(), record.size());
    if (got < 0 && (errno == EPIPE || errno == EINTR)) {
      continue;  // overwritten while we were reading: the next one is there
    }
    if (got <= 0) {
      break;
    }
    const std::string_view whole(record.data(), static_cast<std::size_t>(got));
    const auto semicolon = whole.find(';');
    text += semicolon == std::string_view::npos ? whole : whole.substr(semicolon + 1);
  }
  return text;
}

bool says_that_it_fails(const std::string& kernel_name, CommandRunner& commands) {
  using Json = nlohmann::json;
  if (!find_program("smartctl")) {
    return false;
  }
  std::string path = "/dev/" + kernel_name;
  std::replace(path.begin(), path.end(), '!', '/');  // sysfs: cciss!c0d0
  Command command{{"smartctl", "--json=c", "--health", path}};
  command.timeout = std::chrono::seconds(20);  // a disk that sleeps has to start
  command.output_limit = 1U << 20U;
  const CommandResult result = commands.run(command);
  const Json json = Json::parse(result.out, nullptr, false);
  const Json status = json.is_object() ? json.value("smart_status", Json()) : Json();
  const Json passed = status.is_object() ? status.value("passed", Json()) : Json();
  return passed.is_boolean() && !passed.get<bool>();
}

std::vector<model::DiskHealth> disk_health(const fs::path& device, const std::string& log,
                                           CommandRunner& commands) {
  const auto logged = parse_disk_errors(log);
  std::vector<model::DiskHealth> found;
  for (const std::string& name : disks_below(device)) {
    model::DiskHealth health{name};
    std::string as_logged = name;
    std::replace(as_logged.begin(), as_logged.end(), '!', '/');
    const auto errors = logged.find(as_logged);
    if (errors != logged.end()) {
      health.errors = errors->second.count;
      health.first_sector = errors->second.first_sector;
    }
    const bool physical = !name.starts_with("dm-") && !name.starts_with("loop") &&
                          !name.starts_with("md") && !name.starts_with("ram");
    health.failing = physical && says_that_it_fails(name, commands);
    if (health.errors != 0 || health.failing) {
      found.push_back(std::move(health));
    }
  }
  return found;
}

}  // namespace vmconvert::host
