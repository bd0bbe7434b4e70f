#include "batch/blueprint_keys.hpp"

#include "base/units.hpp"

namespace vmconvert::batch {
namespace {

constexpr std::uint64_t k_day = 86400;
constexpr std::uint64_t k_most_memory = 64 * 1024 * k_gib;

std::vector<KeyEntry> make_keys() {
  using enum KeyScope;
  using enum KeyType;
  return {
      {"name", batch, text, "what the batch is called; its state is kept by this name",
       "\"night\""},
      {"jobs", batch, number, "conversions at a time on this host", "2", {}, 1, 256},
      {"jobs_per_device",
       batch,
       number,
       "conversions at a time that read from one physical disk",
       "1",
       {},
       1,
       256},
      {"window", batch, texts, "times in which conversions may begin; none: always",
       "[\"Mon-Fri 22:00-05:00\", \"Sat-Sun 00:00-24:00\"]"},
      {"rate_limit",
       batch,
       size,
       "bytes a second that all copies together read; 0: no limit",
       "\"200M\"",
       {},
       0,
       1024 * k_gib},
      {"rate_limit_during", batch, map,
       "other limits by time of day; the lowest that applies counts",
       "{ \"Mon-Fri 08:00-18:00\" = \"20M\" }"},
      {"groups", batch, texts, "groups in their order; others come after them, as they appear",
       "[\"db\", \"web\"]"},
      {"stop_on_failure", batch, flag,
       "a group begins only if all of the groups before it succeeded", "true"},
      {"retries",
       batch,
       number,
       "how often what can pass by itself is tried again",
       "3",
       {},
       0,
       100},
      {"retry_wait",
       batch,
       number,
       "seconds before the first retry; twice as long before each next",
       "60",
       {},
       1,
       k_day},
      {"trial_only", batch, flag, "check and try all guests, copy nothing", "false"},

      {"source", guest, text,
       "domain XML file, xl/xm configuration, or with connect a domain's name",
       "\"/etc/xen/web01.cfg\""},
      {"name", guest, text, "name of the new domain, instead of the source's", "\"web01\""},
      {"connect", defaults, text, "libvirt connection that the source is a domain of",
       "\"xen:///system\""},
      {"to", defaults, choice, "hypervisor of the new domain", "\"kvm\"", {"kvm", "xen"}},
      {"dir", defaults, path, "folder for the new disks and the domain XML", "\"/srv/images\""},
      {"vg", defaults, text, "volume group for the new disks, instead of a folder", "\"vg0\""},
      {"thin_pool", defaults, text, "make thin volumes in this pool of the group", "\"thin\""},
      {"pool", defaults, text, "libvirt storage pool for the disks, instead of a folder",
       "\"default\""},
      {"format", defaults, choice, "format of the new disks", "\"raw\"", {"raw", "qcow2"}},
      {"target", defaults, text, "libvirt connection to define the new domain on",
       "\"qemu:///system\""},
      {"define", defaults, flag, "define the new domain; false: write disks and XML only", "true"},
      {"start", defaults, flag, "start the new domain when it is defined", "false"},
      {"memory",
       defaults,
       size,
       "memory of the new guest, instead of the source's",
       "\"4 GiB\"",
       {},
       16 * k_mib,
       k_most_memory},
      {"vcpus",
       defaults,
       number,
       "processors of the new guest, instead of the source's",
       "2",
       {},
       1,
       4096},
      {"trial", defaults, flag, "boot the patched guest before a byte is copied", "true"},
      {"trial_limit", defaults, number, "seconds that a trial may take", "300", {}, 1, k_day},
      {"rate_limit",
       defaults,
       size,
       "bytes a second that this copy reads at most; 0: no limit",
       "\"50M\"",
       {},
       0,
       1024 * k_gib},
      {"checksum",
       defaults,
       choice,
       "what the manifest is made of",
       "\"xxh3\"",
       {"xxh3", "sha256"}},
      {"bad_sectors",
       defaults,
       choice,
       "where the source cannot be read: stop, or go on with zeros and a map",
       "\"stop\"",
       {"stop", "map"}},
      {"identity",
       defaults,
       choice,
       "move keeps who the guest is; clone renews it; both-alive also its domain",
       "\"move\"",
       {"move", "clone", "both-alive"}},
      {"identity_keep", defaults, texts, "groups of the identity that are kept in any case",
       "[\"ssh-host\"]"},
      {"identity_reset", defaults, texts, "groups of the identity that are renewed, too",
       "[\"machine-id\"]"},
      {"hostname", guest, text, "host name of the guest from now on", "\"web01.example.org\""},
      {"root", defaults, text, "the root filesystem, where a guest holds several", "\"vda2\""},
      {"accept", defaults, texts, "findings that were read and are accepted", "[\"no-kernel\"]"},
      {"template", defaults, path, "stylesheet for the domain XML, instead of ours",
       "\"/etc/vmconvert/site.xsl\""},
      {"group", defaults, text, "group of the batch that the guest belongs to", "\"web\""},
      {"order",
       defaults,
       number,
       "place within its group; lower ones begin first",
       "10",
       {},
       0,
       1000000},
      {"network.bridges", defaults, map, "bridges and networks of the new host by those of the old",
       "{ xenbr0 = \"br0\" }"},
      {"network.mac",
       defaults,
       choice,
       "keep the MAC addresses, or make others",
       "\"keep\"",
       {"keep", "new"}},
      {"network.addresses", guest, map, "addresses inside the guest: the new one by the old",
       "{ \"192.0.2.5\" = \"198.51.100.5/24\" }"},
      {"network.gateway", defaults, texts, "its default gateways from now on, one a family",
       "[\"198.51.100.1\"]"},
      {"network.dns", defaults, texts, "its name servers from now on", "[\"198.51.100.2\"]"},
      {"hook.when",
       defaults,
       choice,
       "when the program runs",
       "\"before-copy\"",
       {"begin", "before-copy", "before-define", "end", "failed"}},
      {"hook.run", defaults, argv, "the program, by its full path, and its arguments; no shell",
       "[\"/usr/local/bin/tell\", \"web01\"]"},
      {"hook.limit", defaults, number, "seconds that it may take", "60", {}, 1, k_day},
      {"hook.on_failure",
       defaults,
       choice,
       "what a failure of it does to the job",
       "\"stop\"",
       {"stop", "go-on"}},
  };
}

}  // namespace

const std::vector<KeyEntry>& blueprint_keys() {
  static const std::vector<KeyEntry> k_keys = make_keys();
  return k_keys;
}

const KeyEntry* find_key(const std::string& name, KeyScope table) {
  for (const KeyEntry& key : blueprint_keys()) {
    const bool fits =
        key.scope == table || (table == KeyScope::guest && key.scope == KeyScope::defaults);
    if (fits && key.name == name) {
      return &key;
    }
  }
  return nullptr;
}

}  // namespace vmconvert::batch
