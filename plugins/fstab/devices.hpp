// What a device is called from now on: the names that the guest's tables use, judged against the
// filesystems and disks of the target.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vmconvert/fixer.hpp>

namespace vmconvert::fixer::fstab {

enum class Verdict {
  keep,        // needs nothing: a stable name that resolves, or no name of a disk at all
  replace,     // Answer::name is what it should say
  unresolved,  // a UUID or label that no filesystem has
  unknown      // a disk or partition that the target does not have
};

struct Answer {
  Verdict verdict = Verdict::keep;
  std::string name;
};

// Content that is made anew at each boot (swap with a random key) must not be named by its UUID.
enum class Content { lasting, made_at_boot };

class Devices {
 public:
  explicit Devices(const Facts& facts) : m_facts(facts) {}

  // `spec` as in the first field of fstab: /dev/xvda1, UUID=..., /dev/disk/by-path/...
  [[nodiscard]] Answer judge(std::string_view spec, Content content = Content::lasting) const;

 private:
  [[nodiscard]] Answer judge_tag(std::string_view key, std::string_view value) const;
  [[nodiscard]] Answer stable_name(const std::string& spec, const std::string& source,
                                   Content content) const;
  [[nodiscard]] std::optional<std::string> target_of(const std::string& source) const;
  [[nodiscard]] std::optional<std::string> renamed(const std::string& source) const;
  [[nodiscard]] bool has_partition(std::string_view name) const;

  const Facts& m_facts;
};

// /dev/disk/by-path/xen-vbd-51713 -> xvda1; nothing if the link's name does not tell.
std::optional<std::string> disk_behind_link(std::string_view link);

}  // namespace vmconvert::fixer::fstab
