// The devices and the firmware that the new machine shows its guest, in libvirt's words.
#pragma once

#include <string>
#include <vector>

#include "model/guest_facts.hpp"
#include "model/id_change.hpp"
#include "model/layout.hpp"

namespace vmconvert::model {

struct Hardware {
  std::string disk_bus = "virtio";   // virtio, ide; xen for a Xen guest
  std::string nic_model = "virtio";  // virtio, e1000, rtl8139; xen for a Xen guest
  bool uefi = false;                 // of a KVM machine; else a PC's BIOS
  // Parallel to Layout::disks; empty where the layout's own names (vda) are right.
  std::vector<std::string> places = {};    // on the bus, as <target dev=...> has it: hda
  std::vector<std::string> in_guest = {};  // what the guest's kernel calls it: hda, or sda

  // A Xen HVM machine for a guest that was PV or PVH: as on KVM, its firmware starts the loader in
  // the disk, which is ours to see to. A guest that was HVM brings one, pygrub is that of the
  // others.
  bool made_hvm = false;

  bool operator==(const Hardware&) const = default;
};

// The same with the names that the guest will see: "vda1" becomes "sda1".
std::string in_guest(const Hardware& hardware, const Layout& layout, const std::string& device);
Layout in_guest(const Hardware& hardware, const Layout& layout);
GuestFacts in_guest(const Hardware& hardware, const Layout& layout, const GuestFacts& facts);
IdChanges in_guest(const Hardware& hardware, const Layout& layout, const IdChanges& changes);

}  // namespace vmconvert::model
