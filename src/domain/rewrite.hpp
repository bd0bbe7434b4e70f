// The new domain's description, made from the source's by an XSLT stylesheet: one of
// templates/domain/, or a site's own. What the stylesheet is given is in
// templates/domain/README.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/domain.hpp"

namespace vmconvert::domain {

// A finished disk of the new guest.
struct RewriteDisk {
  std::string target;  // vda, with IDE hda; xvda for a Xen guest
  std::filesystem::path path;
  model::DiskFormat format = model::DiskFormat::raw;
  bool is_block = false;
  bool readonly = false;
  std::string bus = "virtio";  // or ide; means nothing to a Xen guest
};

// What a Xen guest boots from. A KVM guest always boots from its own disk.
enum class XenBoot {
  keep,    // as the source
  pygrub,  // its own disk: kernel and initrd of the host are dropped
  direct,  // kernel and initrd of the host: a bootloader is dropped
};

struct RewriteRequest {
  std::string source_xml;
  std::filesystem::path stylesheet;
  std::string name;
  std::string uuid;               // empty: the source's, if it has one
  std::vector<std::string> macs;  // of the source's interfaces, in order; empty: as they are
  std::string virt_type = "kvm";  // kvm, qemu, xen
  std::string emulator;           // empty: the hypervisor's own choice
  std::vector<RewriteDisk> disks;
  bool keep_cdroms = true;  // as empty drives
  std::string machine = "pc";
  std::string arch = "x86_64";
  std::string nic_model = "virtio";
  XenBoot boot = XenBoot::keep;
};

// Returns the text in pretty() form. The stylesheet runs without access to files or the network,
// but may import others that lie beside or below it.
// Throws not_found: no stylesheet; bad_input: source or stylesheet cannot be right, the stylesheet
// stopped with a message, or its result is not one <domain> with the name that was asked for.
std::string rewrite_domain(const RewriteRequest& request);

}  // namespace vmconvert::domain
