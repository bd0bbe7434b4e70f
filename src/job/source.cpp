#include "job/source.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "bundle/content.hpp"
#include "domain/read.hpp"
#include "domain/xl_config.hpp"
#include "host/libvirt.hpp"
#include "job/bundle_source.hpp"

namespace vmconvert::job {
namespace {

constexpr std::uint64_t k_description_limit = 1U << 20U;

OpenedSource open_file_source(const std::string& text) {
  const std::filesystem::path path(text);
  const std::string extension = path.extension().string();
  if (extension != ".xml" && extension != ".cfg") {
    throw Error(
        ErrorKind::usage,
        fmt::format("{} is neither a domain XML file (*.xml), nor an xl configuration (*.cfg), nor "
                    "the folder of a bundle",
                    text),
        "name such a file, or a domain together with its connection: -c URI NAME");
  }
  const auto read = [&] {
    try {
      return read_text_file(path, k_description_limit);
    } catch (const Error& error) {
      throw Error(
          error.kind(), error.message(),
          "name a readable description: virsh dumpxml --inactive NAME > NAME.xml makes one");
    }
  };
  const std::string content = read();
  const std::string xml =
      extension == ".cfg" ? domain::xl_config_to_xml(content, path.string()) : content;
  return {domain::read_domain_xml(xml, path.string()), false};
}

OpenedSource open_libvirt_source(const SourceSpec& spec) {
  const host::Connection connection = host::Connection::open(spec.uri, host::Access::read_only);
  const std::string xml = connection.domain_xml(spec.text);
  return {domain::read_domain_xml(xml, fmt::format("domain {} of {}", spec.text, spec.uri)),
          connection.is_active(spec.text)};
}

}  // namespace

OpenedSource open_source(const SourceSpec& spec) {
  if (spec.uri.empty() && bundle::is_bundle(spec.text)) {
    return {open_bundle(spec.text), false};
  }
  return spec.uri.empty() ? open_file_source(spec.text) : open_libvirt_source(spec);
}

}  // namespace vmconvert::job
