// What was seen inside a guest that only the checks want to know. Paths and names are printable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace vmconvert::model {

struct MountRoom {
  std::string device;
  std::string mountpoint;
  ByteCount free;
  std::uint64_t inodes = 0;  // 0: a filesystem that makes them as it needs them
  std::uint64_t free_inodes = 0;
};

struct UnreadFilesystem {
  std::string device;
  std::string type;
  std::string why;
};

struct Sighting {
  std::string name;  // "PostgreSQL"
  std::string path;  // where it was seen
};

// A filesystem that the boot menu names by UUID or label.
struct MenuReference {
  std::string kind;  // UUID, LABEL
  std::string value;
};

struct GuestSurvey {
  std::vector<MountRoom> rooms;
  std::vector<UnreadFilesystem> unread;
  std::vector<std::string> roots;  // devices that hold a system; the chosen one is among them
  std::vector<Sighting> overlays;  // overlay VPNs
  std::vector<Sighting> services;  // databases, containers, queues: what must not be copied running
  std::vector<Sighting> unclean;   // of those, what says that they were not stopped
  std::vector<Sighting> agents;    // of the old hypervisor, of clouds, of backups
  std::vector<std::string> credentials;
  std::vector<Sighting> network_managers;
  bool cloud_init_network = false;     // cloud-init writes the network configuration at every boot
  std::vector<std::string> addresses;  // static ones, without their prefix
  std::vector<Sighting> address_uses;  // name: the address
  std::vector<MenuReference> menu;
  bool uefi_fallback = false;  // EFI/BOOT/BOOT*.EFI is there
  bool selinux_enforcing = false;
};

}  // namespace vmconvert::model
