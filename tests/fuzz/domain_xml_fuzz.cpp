// libvirt's domain XML: what a person or another host wrote.
#include "domain/adjust.hpp"
#include "domain/make_pvh.hpp"
#include "domain/read.hpp"
#include "domain/xl_write.hpp"
#include "domain/xml.hpp"
#include "fuzz.hpp"

using namespace vmconvert;

FUZZ_TARGET(domain_xml) {
  const model::Domain domain = domain::read_domain_xml(input.text(), "input.xml");
  fuzz::require(domain.disks.size() <= domain::k_device_limit, "more disks than are allowed");
  const std::string pretty = domain::pretty(std::string(input.text()));
  fuzz::require(domain::pretty(pretty) == pretty, "pretty text changes when it is made pretty");
  model::Adjustments wanted;
  wanted.macs = model::MacPolicy::fresh;
  static_cast<void>(domain::adjusted(domain, wanted, "new"));
  if (domain.kind != model::VirtKind::hvm) {  // which is refused
    wanted.xen_type = model::XenType::pvh;
    const model::Domain pvh = domain::adjusted(domain, wanted, "new");
    fuzz::require(pvh.kind == model::VirtKind::pvh, "what was made PVH is something else");
    fuzz::require(pvh.disks.size() == domain.disks.size(), "a PVH guest lost a disk");
    static_cast<void>(domain::left_by_pvh(domain, "input.xml"));
  }
  if (domain.arch == "x86_64" || domain.arch == "i686") {  // others are refused
    wanted.xen_type = model::XenType::hvm;
    fuzz::require(domain::adjusted(domain, wanted, "new").kind == model::VirtKind::hvm,
                  "what was made HVM is something else");
  }
  static_cast<void>(domain::with_provenance(pretty, {"1", "input.xml", "now", "0"}));
  static_cast<void>(domain::to_xl_config(input.text(), "input.xml"));  // reads it again itself
}
