// The settings of an xl configuration, read by libxlutil.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/owned.hpp"

extern "C" {  // Xen's headers do not say so themselves
#include <libxlutil.h>
}

namespace vmconvert::domain {

// What libxlutil reports, kept in memory.
class ReportStream {
 public:
  ReportStream();
  ReportStream(const ReportStream&) = delete;
  ReportStream& operator=(const ReportStream&) = delete;
  ~ReportStream();

  [[nodiscard]] FILE* file() const noexcept { return m_file; }
  // The first line of what was reported since the last call, made printable.
  std::string take();

 private:
  char* m_text = nullptr;
  std::size_t m_size = 0;
  std::size_t m_taken = 0;
  FILE* m_file = nullptr;
};

class XlFile {
 public:
  // Throws bad_input: too large, not UTF-8, control characters, syntax errors.
  XlFile(std::string_view text, std::string origin);

  // Nothing when the setting is absent. All throw bad_input for a value of another type.
  [[nodiscard]] std::optional<std::string> text(const char* key) const;
  [[nodiscard]] std::optional<long> number(const char* key) const;
  [[nodiscard]] bool flag(const char* key, bool when_absent) const;
  // A single string counts as a list of one; absent is empty. Throws bad_input above `limit`.
  [[nodiscard]] std::vector<std::string> list(const char* key, std::size_t limit) const;

  // One item of `disk`. Throws bad_input naming it.
  struct Disk {
    std::string spec;    // as written
    std::string target;  // xvda
    std::string path;    // empty: an empty drive
    libxl_disk_format format = LIBXL_DISK_FORMAT_RAW;
    std::string script;  // block-iscsi: not a path of this host
    std::string backend_domain;
    bool readonly = false;
    bool cdrom = false;
  };
  [[nodiscard]] Disk parse_disk(const std::string& spec) const;

  [[nodiscard]] const std::string& origin() const noexcept { return m_origin; }

 private:
  [[noreturn]] void wrong_type(const char* key, const char* expected) const;
  [[nodiscard]] std::string checked(const char* key, const char* value) const;

  std::string m_origin;
  mutable ReportStream m_report;  // before m_config, which writes to it until its end
  Owned<XLU_Config, xlu_cfg_destroy> m_config;
};

}  // namespace vmconvert::domain
