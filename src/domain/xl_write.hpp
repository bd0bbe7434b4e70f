// A Xen guest's libvirt description -> the configuration that xl starts. No Xen is needed.
#pragma once

#include <string>
#include <string_view>

namespace vmconvert::domain {

// What comes out is read again, and must tell of the very same guest (name, UUID, memory, boot,
// disks, cards). Throws bad_input: no description of a Xen guest; unsupported, naming it: what xl
// has no word for (a libvirt network, a disk that is neither file nor block device). `origin` names
// the description in messages.
std::string to_xl_config(std::string_view domain_xml, const std::string& origin);

}  // namespace vmconvert::domain
