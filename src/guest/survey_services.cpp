// Databases, containers, queues, secrets, agents: by the files that each of them keeps.
#include <array>
#include <string_view>

#include "base/text.hpp"
#include "guest/survey.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_most_credentials = 50;

struct Sign {
  const char* name;
  const char* pattern;
};

constexpr std::array<Sign, 17> k_services = {{
    {"MySQL or MariaDB", "/var/lib/mysql/ibdata1"},
    {"PostgreSQL", "/var/lib/postgresql/*/*/PG_VERSION"},
    {"PostgreSQL", "/var/lib/pgsql/data/PG_VERSION"},
    {"PostgreSQL", "/var/lib/pgsql/*/data/PG_VERSION"},
    {"MongoDB", "/var/lib/mongo*/WiredTiger"},
    {"Redis", "/var/lib/redis/*.rdb"},
    {"OpenLDAP", "/var/lib/ldap/*.mdb"},
    {"OpenLDAP", "/var/lib/ldap/*.bdb"},
    {"Elasticsearch", "/var/lib/elasticsearch/nodes"},
    {"InfluxDB", "/var/lib/influxdb/meta/meta.db"},
    {"Oracle", "/etc/oratab"},
    {"Docker", "/var/lib/docker/containers/*/config.v2.json"},
    {"containerd", "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"},
    {"Postfix' queue", "/var/spool/postfix/deferred/?/*"},
    {"Postfix' queue", "/var/spool/postfix/active/*"},
    {"Exim's queue", "/var/spool/exim*/input/*-H"},
    {"Sendmail's queue", "/var/spool/mqueue/qf*"},
}};

// What a clean stop would have removed.
constexpr std::array<Sign, 6> k_unclean = {{
    {"PostgreSQL", "/var/lib/postgresql/*/*/postmaster.pid"},
    {"PostgreSQL", "/var/lib/pgsql/data/postmaster.pid"},
    {"PostgreSQL", "/var/lib/pgsql/*/data/postmaster.pid"},
    {"MySQL or MariaDB", "/var/lib/mysql/*.pid"},
    {"MongoDB", "/var/lib/mongo*/mongod.lock"},
    {"OpenLDAP", "/var/lib/ldap/alock"},
}};

constexpr std::array<Sign, 13> k_agents = {{
    {"Xen guest agent", "/usr/sbin/xe-daemon"},
    {"Xen guest agent", "/usr/sbin/xe-linux-distribution"},
    {"VMware tools", "/usr/bin/vmtoolsd"},
    {"VirtualBox additions", "/usr/sbin/VBoxService"},
    {"Hyper-V daemon", "/usr/sbin/hv_kvp_daemon"},
    {"Amazon SSM agent", "/usr/bin/amazon-ssm-agent"},
    {"Azure agent", "/usr/sbin/waagent"},
    {"Google guest agent", "/usr/bin/google_guest_agent"},
    {"Bacula", "/usr/sbin/bacula-fd"},
    {"Bareos", "/usr/sbin/bareos-fd"},
    {"Veeam agent", "/usr/sbin/veeamservice"},
    {"NetBackup", "/usr/openv/netbackup/bin/bpcd"},
    {"TSM client", "/opt/tivoli/tsm/client/ba/bin/dsmc"},
}};

constexpr std::array<Sign, 9> k_overlays = {{
    {"ZeroTier", "/var/lib/zerotier-one/identity.secret"},
    {"Tailscale", "/var/lib/tailscale/tailscaled.state"},
    {"WireGuard", "/etc/wireguard/*.conf"},
    {"Nebula", "/etc/nebula/*.key"},
    {"Netbird", "/etc/netbird/config.json"},
    {"Netbird", "/var/lib/netbird/*.json"},
    {"OpenVPN", "/etc/openvpn/*.conf"},
    {"OpenVPN", "/etc/openvpn/*/*.conf"},
    {"tinc", "/etc/tinc/*/tinc.conf"},
}};

constexpr std::array<const char*, 20> k_credentials = {"/root/.ssh/id_*",
                                                       "/home/*/.ssh/id_*",
                                                       "/root/.aws/credentials",
                                                       "/home/*/.aws/credentials",
                                                       "/root/.my.cnf",
                                                       "/home/*/.my.cnf",
                                                       "/root/.pgpass",
                                                       "/home/*/.pgpass",
                                                       "/root/.netrc",
                                                       "/home/*/.netrc",
                                                       "/root/.docker/config.json",
                                                       "/home/*/.docker/config.json",
                                                       "/root/.kube/config",
                                                       "/home/*/.kube/config",
                                                       "/etc/ssl/private/*.key",
                                                       "/etc/pki/tls/private/*.key",
                                                       "/etc/letsencrypt/live/*/privkey.pem",
                                                       "/etc/krb5.keytab",
                                                       "/root/.config/gcloud/credentials.db",
                                                       "/root/.bash_history"};

// One sighting a name: the first path says enough.
template <std::size_t Count>
void look_for(GuestRoot& guest, const std::array<Sign, Count>& signs,
              std::vector<model::Sighting>& found) {
  for (const Sign& sign : signs) {
    if (!found.empty() && found.back().name == sign.name) {
      continue;
    }
    const auto paths = guest.glob(sign.pattern);
    if (!paths.empty()) {
      found.push_back({sign.name, printable(paths.front())});
    }
  }
}

}  // namespace

void survey_services(GuestRoot& guest, model::GuestSurvey& survey) {
  look_for(guest, k_services, survey.services);
  if (!survey.services.empty()) {
    look_for(guest, k_unclean, survey.unclean);
    // MongoDB leaves its lock file behind, empty.
    std::erase_if(survey.unclean, [&](const model::Sighting& sight) {
      return sight.name == "MongoDB" && guest.stat(sight.path).size == 0;
    });
  }
  look_for(guest, k_agents, survey.agents);
  look_for(guest, k_overlays, survey.overlays);
  for (const char* pattern : k_credentials) {
    for (const std::string& path : guest.glob(pattern)) {
      if (!path.ends_with(".pub") && survey.credentials.size() < k_most_credentials) {
        survey.credentials.push_back(printable(path));
      }
    }
  }
}

}  // namespace vmconvert::guest
