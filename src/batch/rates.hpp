// One limit over several copies: each has its share, written where its job looks for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace vmconvert::batch {

class RateSharer {
 public:
  explicit RateSharer(std::filesystem::path state_dir) : m_state_dir(std::move(state_dir)) {}

  struct Copy {
    std::string job;        // empty: not known yet; it keeps its first share
    bool copies = false;    // now; others do not read fast
    std::uint64_t own = 0;  // the guest's own limit; 0: none
  };

  // Bytes a second for one that begins, so that `jobs` of them stay within the total. 0: no limit.
  static std::uint64_t first_share(std::uint64_t total, unsigned jobs, std::uint64_t own);
  // Before a job is resumed: it looks there when it begins to copy. What somebody wrote there for
  // the process before is gone.
  void prepare(const std::string& job, std::uint64_t total, unsigned jobs, std::uint64_t own);
  // Those that copy share what is there; the rest get the share of one that begins.
  void share(std::uint64_t total, unsigned jobs, const std::vector<Copy>& copies);

 private:
  void write(const std::string& job, std::uint64_t rate);  // if it is another than before
  void tell(const std::string& job, std::uint64_t rate);

  std::filesystem::path m_state_dir;
  std::map<std::string, std::uint64_t> m_written;  // by job
};

}  // namespace vmconvert::batch
