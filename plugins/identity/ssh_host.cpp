// SSH host keys go only when something will make new ones before the daemon starts.
#include <array>
#include <set>

#include "identity.hpp"

namespace vmconvert::fixer::identity {

namespace {

constexpr const char* k_script = "/etc/ssh/vmconvert-host-keys";
constexpr const char* k_unit = "/etc/systemd/system/vmconvert-host-keys.service";
constexpr const char* k_wants =
    "/etc/systemd/system/multi-user.target.wants/vmconvert-host-keys.service";
constexpr const char* k_job = "/etc/init/vmconvert-host-keys.conf";

// The distribution's own: Red Hat's and Arch's units, SUSE's helper, init scripts that call
// ssh-keygen (Red Hat 4 to 6, Alpine, Gentoo, Slackware).
bool makes_keys_itself(Host& guest) {
  for (const char* pattern :
       {"/usr/lib/systemd/system/sshd-keygen*", "/lib/systemd/system/sshd-keygen*",
        "/usr/lib/systemd/system/sshdgenkeys.service", "/usr/sbin/sshd-gen-keys-start"}) {
    if (!guest.glob(pattern).empty()) {
      return true;
    }
  }
  for (const char* path : {"/etc/init.d/sshd", "/etc/rc.d/init.d/sshd", "/etc/rc.d/rc.sshd"}) {
    const auto script = guest.read_if_there(path);
    if (script && script->find("ssh-keygen") != std::string::npos) {
      return true;
    }
  }
  return false;
}

struct Kind {
  std::string_view file;  // below /etc/ssh
  std::string_view type;  // of ssh-keygen -t
};
constexpr std::array<Kind, 5> k_kinds = {{{"ssh_host_key", "rsa1"},
                                          {"ssh_host_rsa_key", "rsa"},
                                          {"ssh_host_dsa_key", "dsa"},
                                          {"ssh_host_ecdsa_key", "ecdsa"},
                                          {"ssh_host_ed25519_key", "ed25519"}}};

// By type and not with -A, which versions before 5.9 do not know. The same kinds as before.
std::string script_for(Host& guest) {
  std::string text =
      "#!/bin/sh\n"
      "# Makes the SSH host keys of this copy once; those of the original were left behind.\n";
  for (const Kind& kind : k_kinds) {
    const std::string path = "/etc/ssh/" + std::string(kind.file);
    if (guest.is_file(path)) {
      text += "[ -s " + path + " ] || ssh-keygen -q -t " + std::string(kind.type) + " -N '' -f " +
              path + "\n";
    }
  }
  return text + "exit 0\n";
}

// Before the daemon, whose unit checks its configuration first and fails without a key. Not before
// its socket: sockets come before the point that this unit waits for.
constexpr std::string_view k_unit_text =
    "[Unit]\n"
    "Description=Make the SSH host keys of this copy\n"
    "After=local-fs.target\n"
    "Before=ssh.service sshd.service\n"
    "\n"
    "[Service]\n"
    "Type=oneshot\n"
    "RemainAfterExit=yes\n"
    "ExecStart=/bin/sh /etc/ssh/vmconvert-host-keys\n"
    "\n"
    "[Install]\n"
    "WantedBy=multi-user.target\n";

// Debian's init script reads this file before it looks at the keys; nothing else would run before
// it without its order of services being computed anew.
bool hook_into_init_script(Host& guest) {
  const auto script = guest.read_if_there("/etc/init.d/ssh");
  if (!script || script->find("/etc/default/ssh") == std::string::npos) {
    return false;
  }
  std::string defaults = guest.read_if_there("/etc/default/ssh").value_or("");
  if (defaults.find(k_script) == std::string::npos) {
    defaults += (defaults.empty() || defaults.ends_with('\n') ? "" : "\n") + std::string("sh ") +
                k_script + " >/dev/null 2>&1 || true\n";
    guest.write("/etc/default/ssh", defaults);
  }
  return true;
}

bool install_maker(Host& guest) {
  const std::string init = guest.facts().init;
  if (init == "systemd") {
    guest.update(k_script, script_for(guest), 0755);
    guest.update(k_unit, k_unit_text);
    guest.symlink(k_wants, k_unit);
    return true;
  }
  if (init == "upstart" && guest.is_file("/etc/init/ssh.conf")) {
    guest.update(k_script, script_for(guest), 0755);
    guest.update(k_job,
                 "description \"makes the SSH host keys of this copy\"\nstart on starting ssh\n"
                 "task\nexec /bin/sh /etc/ssh/vmconvert-host-keys\n");
    return true;
  }
  if (hook_into_init_script(guest)) {
    guest.update(k_script, script_for(guest), 0755);
    return true;
  }
  return false;
}

// Keys that sshd_config names elsewhere are not ours to judge.
void report_other_keys(Host& guest) {
  for (const Line& line : lines_of(guest.read_if_there("/etc/ssh/sshd_config").value_or(""))) {
    const auto words = active_words(line.text);
    if (words.size() > 1 && lower(words[0]) == "hostkey" &&
        !unquoted(words[1]).starts_with("/etc/ssh/ssh_host_")) {
      guest.finding("identity-kept", VMCONVERT_WARNS,
                    "ssh-host: sshd_config names a host key elsewhere, which is left as it is: " +
                        std::string(words[1]),
                    "Renew it in the copy.");
    }
  }
}

}  // namespace

void reset_ssh_host(Host& guest, const Group& group) {
  std::vector<std::string> keys;
  for (const Kind& kind : k_kinds) {
    const std::string path = "/etc/ssh/" + std::string(kind.file);
    if (guest.is_file(path)) {
      keys.push_back(path);
    }
  }
  report_other_keys(guest);
  if (keys.empty()) {
    return;
  }
  if (!makes_keys_itself(guest) && !install_maker(guest)) {
    guest.finding("identity-ssh-kept", VMCONVERT_WARNS,
                  "nothing in the guest would make new SSH host keys at its first boot, so the old "
                  "ones stay",
                  "Remove /etc/ssh/ssh_host_* in the copy and make new ones with ssh-keygen.");
    return;
  }
  for (const std::string& key : keys) {
    const std::string text = guest.read_if_there(key + ".pub").value_or("");
    const auto words = words_of(std::string_view(text).substr(0, text.find('\n')));
    if (words.size() > 1 && words[1].size() > 40) {
      guest.watch_finding("identity-left", VMCONVERT_INFORMS, std::string(words[1]),
                          "the old SSH host key is still known in",
                          "Take the line out where it means this guest.");
    }
    for (const std::string& path : {key, key + ".pub", key + "-cert.pub"}) {
      guest.forget(path, Host::Keep::nothing, group.what);
    }
  }
}

}  // namespace vmconvert::fixer::identity
