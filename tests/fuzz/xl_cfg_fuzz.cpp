// xl and xm configurations. libxlutil reads their syntax; what it yields is read here.
#include "domain/read.hpp"
#include "domain/xl_config.hpp"
#include "fuzz.hpp"

using namespace vmconvert;

FUZZ_TARGET(xl_cfg) {
  const std::string xml = domain::xl_config_to_xml(input.text(), "input.cfg");
  static_cast<void>(domain::read_domain_xml(xml, "input.cfg"));
}
