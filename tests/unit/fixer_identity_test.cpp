#include "fixer_testing.hpp"

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* k_id = "0123456789abcdef0123456789abcdef";

class IdentityFixer : public FixerTest {
 protected:
  void wish(const std::string& profile) { facts["wishes"]["identity"] = profile; }
  std::string diff_of(const std::string& path) const {
    for (const auto& edit : result.edits) {
      if (edit.path == path) {
        return edit.diff;
      }
    }
    return "no edit of " + path;
  }
  void put_debian_ssh() {
    facts["guest"]["init"] = "systemd";
    put("/etc/ssh/ssh_host_rsa_key", "PRIVATE-RSA\n", 0600);
    put("/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa " + std::string(60, 'A') + " root@web\n");
    put("/etc/ssh/ssh_host_ed25519_key", "PRIVATE-ED\n", 0600);
    put("/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 " + std::string(60, 'B') + " root@web\n");
  }
};

TEST_F(IdentityFixer, LeavesAMoveAlone) {
  put("/etc/machine-id", std::string(k_id) + "\n");
  put("/var/lib/zerotier-one/identity.secret", "secret");
  put_debian_ssh();
  fix("identity");
  EXPECT_THAT(edits_now(), IsEmpty());
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(IdentityFixer, EmptiesTheMachineIdAndShowsNothingOfIt) {
  put("/etc/machine-id", std::string(k_id) + "\n", 0444);
  put("/var/lib/dbus/machine-id", std::string(k_id) + "\n");
  wish("clone");
  fix("identity");
  EXPECT_EQ(get("/etc/machine-id"), "");
  EXPECT_EQ(mode("/etc/machine-id"), 0444U);
  EXPECT_FALSE(there("/var/lib/dbus/machine-id"));
  EXPECT_EQ(diff_of("/etc/machine-id"), "emptied, 33 bytes: the machine id");
  ASSERT_EQ(result.watched.size(), 2U);
  EXPECT_EQ(result.watched[0].value, k_id);
  EXPECT_EQ(result.watched[0].finding.message.find(k_id), std::string::npos);
}

TEST_F(IdentityFixer, KeepsALinkOfDBusToTheMachineId) {
  put("/etc/machine-id", std::string(k_id) + "\n");
  link("/var/lib/dbus/machine-id", "/etc/machine-id");
  wish("clone");
  fix("identity");
  EXPECT_TRUE(there("/var/lib/dbus/machine-id"));
}

TEST_F(IdentityFixer, SaysThatTheMachineIdComesFromTheDomain) {
  put("/etc/machine-id", std::string(k_id) + "\n");
  facts["domain_uuid"] = "01234567-89ab-cdef-0123-456789abcdef";
  wish("clone");
  run_only("identity");
  EXPECT_THAT(findings_now(), Contains("identity-machine-id-returns warns"));
}

TEST_F(IdentityFixer, HasDebianMakeNewSshKeysOfTheSameKinds) {
  put_debian_ssh();
  wish("clone");
  fix("identity");
  for (const char* name : {"rsa", "ed25519"}) {
    const std::string key = "/etc/ssh/ssh_host_" + std::string(name) + "_key";
    EXPECT_FALSE(there(key));
    EXPECT_FALSE(there(key + ".pub"));
    EXPECT_THAT(get("/etc/ssh/vmconvert-host-keys"),
                HasSubstr("-t " + std::string(name) + " -N '' -f " + key));
  }
  EXPECT_THAT(get("/etc/ssh/vmconvert-host-keys"), Not(HasSubstr("dsa_key ")));
  EXPECT_THAT(get("/etc/systemd/system/vmconvert-host-keys.service"),
              HasSubstr("Before=ssh.service"));
  EXPECT_EQ(target("/etc/systemd/system/multi-user.target.wants/vmconvert-host-keys.service"),
            "/etc/systemd/system/vmconvert-host-keys.service");
  for (const auto& edit : result.edits) {
    EXPECT_THAT(edit.diff, Not(HasSubstr("PRIVATE"))) << edit.path;
  }
  EXPECT_THAT(findings_now(), Contains("identity-renewed informs"));
}

TEST_F(IdentityFixer, HooksIntoDebiansInitScript) {
  put_debian_ssh();
  facts["guest"]["init"] = "sysvinit";
  put("/etc/init.d/ssh", "if test -f /etc/default/ssh; then\n. /etc/default/ssh\nfi\n", 0755);
  put("/etc/default/ssh", "SSHD_OPTS=");
  wish("clone");
  fix("identity");
  EXPECT_EQ(get("/etc/default/ssh"),
            "SSHD_OPTS=\nsh /etc/ssh/vmconvert-host-keys >/dev/null 2>&1 || true\n");
  EXPECT_FALSE(there("/etc/ssh/ssh_host_rsa_key"));
}

TEST_F(IdentityFixer, LeavesMakingKeysToADistributionThatDoesIt) {
  put_debian_ssh();
  put("/usr/lib/systemd/system/sshd-keygen@.service", "[Unit]\n");
  wish("clone");
  fix("identity");
  EXPECT_FALSE(there("/etc/ssh/ssh_host_rsa_key"));
  EXPECT_FALSE(there("/etc/ssh/vmconvert-host-keys"));
}

TEST_F(IdentityFixer, KeepsSshKeysThatNothingWouldMake) {
  put_debian_ssh();
  facts["guest"]["init"] = "other";
  wish("clone");
  fix("identity");
  EXPECT_TRUE(there("/etc/ssh/ssh_host_rsa_key"));
  EXPECT_THAT(findings_now(), Contains("identity-ssh-kept warns"));
}

TEST_F(IdentityFixer, RenewsZeroTierAndKeepsItsNetworks) {
  const std::string folder = "/var/lib/zerotier-one/";
  put(folder + "identity.secret", "S3CRET\n");
  put(folder + "identity.public", "P\n");
  put(folder + "authtoken.secret", "T\n");
  put(folder + "peers.d/a.peer", "x");
  put(folder + "networks.d/8056c2e21c000001.conf", "");
  wish("clone");
  fix("identity");
  EXPECT_FALSE(there(folder + "identity.secret"));
  EXPECT_FALSE(there(folder + "peers.d"));
  EXPECT_TRUE(there(folder + "networks.d/8056c2e21c000001.conf"));
  EXPECT_EQ(diff_of(folder + "identity.secret"), "removed, 7 bytes: ZeroTier identity");
  EXPECT_EQ(diff_of(folder + "peers.d"),
            "folder removed with all that is in it: ZeroTier identity");
}

TEST_F(IdentityFixer, TouchesWhatBreaksOnlyWhenItIsNamed) {
  put("/etc/krb5.keytab", "key");
  put("/etc/wireguard/wg0.conf", "PrivateKey=x\n");
  wish("clone");
  fix("identity");
  EXPECT_TRUE(there("/etc/krb5.keytab"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("kerberos: the copy shares")));

  facts["wishes"]["reset"] = {"kerberos", "wireguard"};
  fix("identity");
  EXPECT_FALSE(there("/etc/krb5.keytab"));
  EXPECT_TRUE(there("/etc/wireguard/wg0.conf"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("wireguard: the copy shares")));
}

TEST_F(IdentityFixer, KeepsAGroupThatIsNamed) {
  put("/etc/machine-id", std::string(k_id) + "\n");
  put("/var/lib/dhcp/dhclient.eth0.leases", "lease {}\n");
  put("/var/lib/dhcp/dhcpd.leases", "lease {}\n");
  wish("clone");
  facts["wishes"]["keep"] = {"machine-id"};
  fix("identity");
  EXPECT_EQ(get("/etc/machine-id"), std::string(k_id) + "\n");
  EXPECT_FALSE(there("/var/lib/dhcp/dhclient.eth0.leases"));
  EXPECT_TRUE(there("/var/lib/dhcp/dhcpd.leases"));
}

TEST_F(IdentityFixer, ResetsASingleGroupOfAMove) {
  put("/etc/machine-id", std::string(k_id) + "\n");
  put("/var/lib/systemd/random-seed", "seed");
  facts["wishes"]["reset"] = {"random-seed"};
  fix("identity");
  EXPECT_THAT(edits_now(), ElementsAre("/var/lib/systemd/random-seed"));
  EXPECT_THAT(findings_now(), IsEmpty());
}

TEST_F(IdentityFixer, ScrubsSecretsHistoriesAndLogsOfAMove) {
  facts["wishes"]["scrub"] = true;
  put("/root/.bash_history", "mysql -psecret\n");
  put("/root/.ssh/id_ed25519", "PRIVATE\n", 0600);
  put("/home/eva/.aws/credentials", "KEY\n");
  put("/var/log/auth.log", "root\n");
  put("/etc/krb5.keytab", "k");
  put("/etc/openvpn/client.conf", "key\n");
  put("/var/spool/postfix/deferred/A", "mail\n");
  put("/etc/shadow", "root:$6$abc$def:19000::::::\ndaemon:*:19000::::::\n");
  fix("identity");
  EXPECT_FALSE(there("/root/.bash_history"));
  EXPECT_FALSE(there("/root/.ssh/id_ed25519"));
  EXPECT_FALSE(there("/home/eva/.aws"));
  EXPECT_FALSE(there("/etc/krb5.keytab"));
  EXPECT_EQ(get("/var/log/auth.log"), "");
  EXPECT_TRUE(there("/var/spool/postfix/deferred/A"));  // of the guest's work, not of its secrets
  EXPECT_TRUE(there("/etc/openvpn/client.conf"));
  EXPECT_THAT(findings_now(), Contains("identity-kept warns"));
  EXPECT_THAT(findings_now(), Contains("scrub-passwords warns"));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("/etc/shadow: root")));
  EXPECT_THAT(messages_now(), Contains(HasSubstr("/etc/openvpn/client.conf")));
  for (const auto& edit : result.edits) {
    EXPECT_EQ(edit.diff.find("secret\n"), std::string::npos) << edit.path;
  }
}

TEST_F(IdentityFixer, ScrubsNoGroupThatIsToBeKept) {
  facts["wishes"]["scrub"] = true;
  facts["wishes"]["keep"] = {"ssh-user"};
  put("/root/.ssh/authorized_keys", "ssh-rsa AAAA\n");
  put("/root/.bash_history", "ls\n");
  fix("identity");
  EXPECT_TRUE(there("/root/.ssh/authorized_keys"));
  EXPECT_FALSE(there("/root/.bash_history"));
}

TEST_F(IdentityFixer, RefusesAGroupThatIsNotThere) {
  put("/etc/machine-id", std::string(k_id) + "\n");
  wish("clone");
  facts["wishes"]["keep"] = {"machineid"};
  fix("identity");
  EXPECT_THAT(findings_now(), ElementsAre("identity-unknown-group blocks"));
  EXPECT_THAT(edits_now(), IsEmpty());
}

TEST_F(IdentityFixer, EmptiesLogsAndKeepsTheDataAmongThem) {
  put("/var/log/syslog", "text\n", 0640);
  put("/var/log/syslog.1", "text\n");
  put("/var/log/dpkg.log.2.gz", "text\n");
  put("/var/log/wtmp", std::string(384, '\1'));
  put("/var/log/mysql/mysql-bin.000001", "data");
  put("/var/log/journal/" + std::string(k_id) + "/system.journal", "j");
  wish("clone");
  fix("identity");
  EXPECT_EQ(get("/var/log/syslog"), "");
  EXPECT_EQ(mode("/var/log/syslog"), 0640U);
  EXPECT_FALSE(there("/var/log/syslog.1"));
  EXPECT_FALSE(there("/var/log/dpkg.log.2.gz"));
  EXPECT_EQ(get("/var/log/wtmp"), "");
  EXPECT_EQ(get("/var/log/mysql/mysql-bin.000001"), "data");
  EXPECT_FALSE(there("/var/log/journal/" + std::string(k_id)));
}

TEST_F(IdentityFixer, LetsReferencesFollowTheNewMac) {
  put("/etc/udev/rules.d/70-persistent-net.rules",
      "SUBSYSTEM==\"net\", ATTR{address}==\"00:16:3e:12:34:56\", NAME=\"eth0\"\n");
  put("/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\nHWADDR=00:16:3E:12:34:56\n");
  put("/etc/sysconfig/network/ifcfg-eth-id-00:16:3e:12:34:56", "BOOTPROTO='dhcp'\n");
  facts["nics"] = {{{"mac", "52:54:00:aa:bb:cc"}, {"index", 0}}};
  facts["wishes"]["macs"] = {{{"from", "00:16:3e:12:34:56"}, {"to", "52:54:00:aa:bb:cc"}}};
  wish("both-alive");
  fix("identity");
  EXPECT_THAT(get("/etc/udev/rules.d/70-persistent-net.rules"), HasSubstr("52:54:00:aa:bb:cc"));
  EXPECT_EQ(get("/etc/sysconfig/network-scripts/ifcfg-eth0"),
            "DEVICE=eth0\nHWADDR=52:54:00:AA:BB:CC\n");
  EXPECT_FALSE(there("/etc/sysconfig/network/ifcfg-eth-id-00:16:3e:12:34:56"));
  EXPECT_TRUE(there("/etc/sysconfig/network/ifcfg-eth-id-52:54:00:aa:bb:cc"));
  EXPECT_THAT(findings_now(), Contains("identity-address warns"));
}

TEST_F(IdentityFixer, KeepsAPuppetAuthorityAndFreezesCloudInitsNetwork) {
  put("/var/lib/puppet/ssl/ca/ca_key.pem", "k");
  put("/etc/puppetlabs/puppet/ssl/private_keys/web.pem", "k");
  put("/etc/cloud/cloud.cfg.d/05_logging.cfg", "");
  put("/var/lib/cloud/instances/i-1/user-data.txt", "password\n");
  put("/var/lib/cloud/seed/nocloud/meta-data", "instance-id: 1\n");
  link("/var/lib/cloud/instance", "/var/lib/cloud/instances/i-1");
  wish("clone");
  fix("identity");
  EXPECT_TRUE(there("/var/lib/puppet/ssl/ca/ca_key.pem"));
  EXPECT_FALSE(there("/etc/puppetlabs/puppet/ssl"));
  EXPECT_FALSE(there("/var/lib/cloud/instance"));
  EXPECT_FALSE(there("/var/lib/cloud/instances/i-1"));
  EXPECT_TRUE(there("/var/lib/cloud/seed/nocloud/meta-data"));
  EXPECT_THAT(get("/etc/cloud/cloud.cfg.d/99-vmconvert-network.cfg"), HasSubstr("disabled"));
}

TEST_F(IdentityFixer, AsksDebiansIscsiForANewName) {
  put("/etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.1993-08.org.debian:01:abc\n", 0600);
  put("/lib/open-iscsi/startup-checks.sh", "#!/bin/sh\n");
  wish("clone");
  fix("identity");
  EXPECT_EQ(get("/etc/iscsi/initiatorname.iscsi"), "GenerateName=yes\n");
  EXPECT_THAT(diff_of("/etc/iscsi/initiatorname.iscsi"), Not(HasSubstr("iqn")));
}

}  // namespace
