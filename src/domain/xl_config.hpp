// An xl or xm configuration -> the domain XML that libvirt makes of it. No Xen is needed.
#pragma once

#include <string>
#include <string_view>

namespace vmconvert::domain {

// In pretty() form, ready for read_domain_xml and rewrite_domain. Without a uuid in the
// configuration there is none in the XML. A disk is type='block' if its path is a block device, or
// does not exist here and begins with /dev/; else type='file'. Throws bad_input: larger than 1 MiB,
// a syntax error (with its line; Python code is one), a value of the wrong type, no name, no
// memory, a disk or vif line that cannot be understood (named). Throws unsupported, naming the
// disk: formats other than raw and qcow2, disks that a block script or another domain serves.
std::string xl_config_to_xml(std::string_view text, const std::string& origin);

}  // namespace vmconvert::domain
