// The stylesheets over whatever description could be read.
#include "domain/read.hpp"
#include "domain/rewrite.hpp"
#include "fuzz.hpp"
#include "test_paths.hpp"

using namespace vmconvert;

FUZZ_TARGET(rewrite) {
  const model::Domain domain = domain::read_domain_xml(input.text(), "input.xml");
  for (const char* sheet : {"xen-to-kvm.xsl", "xen-to-xen.xsl"}) {
    domain::RewriteRequest request;
    request.source_xml = domain.xml;
    request.stylesheet = test::source_dir() / "templates" / "domain" / sheet;
    request.name = "new";
    request.disks.push_back({"vda", "/srv/new-vda.img"});
    fuzz::attempt([&] {
      // What comes out is a description again.
      static_cast<void>(domain::read_domain_xml(domain::rewrite_domain(request), "the new one"));
    });
  }
}
