#include "domain/validate.hpp"

#include <fmt/format.h>
#include <libxml/relaxng.h>

#include "base/error.hpp"
#include "base/owned.hpp"
#include "domain/xml.hpp"

namespace vmconvert::domain {
namespace {

using Schema = Owned<xmlRelaxNG, xmlRelaxNGFree>;
using SchemaParser = Owned<xmlRelaxNGParserCtxt, xmlRelaxNGFreeParserCtxt>;
using Validator = Owned<xmlRelaxNGValidCtxt, xmlRelaxNGFreeValidCtxt>;

constexpr std::size_t k_shown_problems = 3;

// The reports go to the handler that XmlErrors has set for this thread.
Schema load_schema(const std::filesystem::path& path, const XmlErrors& errors) {
  const SchemaParser parser(xmlRelaxNGNewParserCtxt(path.c_str()));
  Schema schema(parser ? xmlRelaxNGParse(parser.get()) : nullptr);
  if (!schema) {
    throw Error(ErrorKind::tool_failed,
                fmt::format("reading libvirt's schema {}: {}", path.string(),
                            errors.first(k_shown_problems)),
                "reinstall the package libvirt0");
  }
  return schema;
}

}  // namespace

Validation validate_domain_xml(const std::string& xml, const std::filesystem::path& schema) {
  std::error_code ignored;
  if (!std::filesystem::exists(schema, ignored)) {
    return {false,
            fmt::format("not checked against libvirt's schema: {} is not there", schema.string())};
  }
  const XmlDoc document = parse_xml(xml, "the new guest's description");
  const XmlErrors errors;
  const Schema loaded = load_schema(schema, errors);
  const Validator validator(xmlRelaxNGNewValidCtxt(loaded.get()));
  const int result = validator ? xmlRelaxNGValidateDoc(validator.get(), document.get()) : -1;
  if (result != 0) {
    throw Error(ErrorKind::bad_input,
                fmt::format("libvirt's schema refuses the new guest's description: {}",
                            errors.first(k_shown_problems)),
                "look at the description with: vmconvert plan; a stylesheet given with --template "
                "is the usual cause");
  }
  return {true, {}};
}

}  // namespace vmconvert::domain
