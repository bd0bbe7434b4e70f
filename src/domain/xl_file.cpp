#include "domain/xl_file.hpp"

#include <fmt/format.h>
#include <libxml/xmlstring.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>

#include "base/error.hpp"
#include "base/text.hpp"
#include "domain/values.hpp"
#include "domain/xml.hpp"

namespace vmconvert::domain {
namespace {

bool is_stray_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f;
}

class XlDisk {
 public:
  XlDisk() { libxl_device_disk_init(&m_disk); }
  XlDisk(const XlDisk&) = delete;
  XlDisk& operator=(const XlDisk&) = delete;
  ~XlDisk() { libxl_device_disk_dispose(&m_disk); }

  libxl_device_disk* get() noexcept { return &m_disk; }
  libxl_device_disk* operator->() noexcept { return &m_disk; }

 private:
  libxl_device_disk m_disk;
};

std::string or_empty(const char* text) {
  return text == nullptr ? "" : text;
}

void check_text(std::string_view text, const std::string& origin) {
  if (text.size() > k_xml_limit) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {} bytes of configuration are more than the limit of {}", origin,
                            text.size(), k_xml_limit),
                "give an xl configuration of one guest");
  }
  const std::string copy(text);
  if (std::any_of(text.begin(), text.end(), is_stray_control) ||
      xmlCheckUTF8(reinterpret_cast<const unsigned char*>(copy.c_str())) == 0) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: it is not a text file: it has bytes that are neither UTF-8 nor "
                            "printable",
                            origin),
                "give an xl configuration of one guest");
  }
}

// The name that libxlutil puts before its messages; ours replaces it.
constexpr const char* k_report_name = "xl";

// "xl:3: config parsing error near `=': ..." -> "line 3: config parsing error near `=': ...". For
// an error at a line's end libxlutil names the line before.
std::string with_line(const std::string& report) {
  std::string_view rest(report);
  rest.remove_prefix(std::min(rest.size(), std::string_view(k_report_name).size() + 1));
  const auto colon = rest.find(':');
  const auto line = parse_number(rest.substr(0, colon));
  if (colon == std::string_view::npos || !line) {
    return std::string(trim(rest));
  }
  const bool at_end = rest.find("near <newline>") != std::string_view::npos;
  return fmt::format("line {}: {}", *line + (at_end ? 1 : 0), trim(rest.substr(colon + 1)));
}

}  // namespace

ReportStream::ReportStream() : m_file(open_memstream(&m_text, &m_size)) {
  if (m_file == nullptr) {
    throw_errno(errno, "making room for libxlutil's messages");
  }
}

ReportStream::~ReportStream() {
  static_cast<void>(std::fclose(m_file));
  std::free(m_text);
}

std::string ReportStream::take() {
  static_cast<void>(std::fflush(m_file));
  constexpr std::size_t k_longest = 500;
  const std::string_view fresh = std::string_view(m_text, m_size).substr(m_taken);
  m_taken = m_size;
  return printable(fresh.substr(0, std::min(fresh.find('\n'), k_longest)));
}

XlFile::XlFile(std::string_view text, std::string origin) : m_origin(std::move(origin)) {
  check_text(text, m_origin);
  m_config.reset(xlu_cfg_init(m_report.file(), k_report_name));
  if (!m_config) {
    throw std::bad_alloc();
  }
  // A last line without its newline is fine for xl, too.
  const std::string whole = std::string(text) + "\n";
  if (xlu_cfg_readdata(m_config.get(), whole.data(), static_cast<int>(whole.size())) != 0) {
    throw Error(ErrorKind::bad_input, fmt::format("{}: {}", m_origin, with_line(m_report.take())),
                "correct the line; Python code of old xm configurations must be written out as "
                "plain values");
  }
}

void XlFile::wrong_type(const char* key, const char* expected) const {
  throw Error(ErrorKind::bad_input, fmt::format("{}: {} is not {}", m_origin, key, expected),
              "see xl.cfg(5) for how it is written");
}

std::string XlFile::checked(const char* key, const char* value) const {
  // Escapes within the quotes can make any byte.
  std::string text = or_empty(value);
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return is_stray_control(c) || c == '\n'; }) ||
      xmlCheckUTF8(reinterpret_cast<const unsigned char*>(text.c_str())) == 0) {
    wrong_type(key, "printable text");
  }
  return text;
}

std::optional<std::string> XlFile::text(const char* key) const {
  const char* value = nullptr;
  const int result = xlu_cfg_get_string(m_config.get(), key, &value, 1);
  if (result == ESRCH) {
    return std::nullopt;
  }
  if (result != 0 || value == nullptr) {
    wrong_type(key, "a single text");
  }
  return checked(key, value);
}

std::optional<long> XlFile::number(const char* key) const {
  long value = 0;
  const int result = xlu_cfg_get_long(m_config.get(), key, &value, 1);
  if (result == ESRCH) {
    return std::nullopt;
  }
  if (result != 0) {
    wrong_type(key, "a number");
  }
  return value;
}

bool XlFile::flag(const char* key, bool when_absent) const {
  const auto value = number(key);
  return value ? *value != 0 : when_absent;
}

std::vector<std::string> XlFile::list(const char* key, std::size_t limit) const {
  XLU_ConfigList* items = nullptr;
  int count = 0;
  const int result = xlu_cfg_get_list(m_config.get(), key, &items, &count, 1);
  if (result == ESRCH) {
    return {};
  }
  if (result != 0) {
    return {text(key).value_or("")};
  }
  if (count < 0 || static_cast<std::size_t>(count) > limit) {
    throw Error(
        ErrorKind::bad_input,
        fmt::format("{}: {} has {} items, more than the limit of {}", m_origin, key, count, limit),
        "remove some of them from a copy of the configuration");
  }
  std::vector<std::string> found;
  for (int i = 0; i < count; ++i) {
    const char* const item = xlu_cfg_get_listitem(items, i);
    if (item == nullptr) {
      wrong_type(key, "a list of texts");
    }
    found.push_back(checked(key, item));
  }
  return found;
}

XlFile::Disk XlFile::parse_disk(const std::string& spec) const {
  XlDisk disk;
  const char* const specs[] = {spec.c_str()};
  m_report.take();
  if (xlu_disk_parse(m_config.get(), 1, specs, disk.get()) != 0) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: the disk {} cannot be understood: {}", m_origin, in_quotes(spec),
                            with_line(m_report.take())),
                "see xl-disk-configuration(5) for how it is written");
  }
  return Disk{spec,
              or_empty(disk->vdev),
              or_empty(disk->pdev_path),
              disk->format,
              or_empty(disk->script),
              or_empty(disk->backend_domname),
              disk->readwrite == 0,
              disk->is_cdrom != 0};
}

}  // namespace vmconvert::domain
