# shellcheck shell=bash
# What the system tests share: guests to convert, checksums, and what a run must not leave behind.

system_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# guest_folder NAME: builds the guest when it is not there and prints its folder.
guest_folder() {
  local first
  first=$("$system_dir/../guests/build-guest" "$1") || return 1
  first=$(grep -m 1 "/$1\.xml\$" <<<"$first")
  dirname "$first"
}

# checksums FOLDER: one line a file, to compare before and after: a source must never change.
checksums() { find "$1" -type f -print0 | sort -z | xargs -0 sha256sum; }

# mac_of DOMAIN_XML: the first interface's MAC.
mac_of() { sed -n "s/.*<mac address=['\"]\([0-9a-fA-F:]*\)['\"].*/\1/p" "$1" | head -n 1; }

# leftovers FOLDER...: what a run could leave on the machine, as lines to compare before and after:
# files in the folders, loop and nbd devices in use, mounts, processes that serve or run disks.
leftovers() {
  find "$@" 2>/dev/null | sort
  losetup --noheadings --list --output NAME,BACK-FILE
  find /sys/block -maxdepth 1 -name 'nbd*' -exec test -e {}/pid \; -print
  findmnt --raw --noheadings --output TARGET
  pgrep -l '^(qemu|nbdkit|libvirtd|supermin|guestf)' | cut -d' ' -f2 | sort || true
}
