# shellcheck shell=bash
# shellcheck disable=SC2154  # library: set by build-guest
# Debian trees that one row alone starts from: built when that row is, so that the others need not wait.

# more_tar FLAVOR: prints its tar; builds it when absent.
more_tar() {
  local flavor=$1 dir key
  key=$(recipe_hash "$library/base.sh" "$library/base-stages" "$library/more.sh")
  dir=$(cache_dir)/base/$flavor-${key:0:16}
  if [ ! -f "$dir/complete" ]; then
    (
      lock_for "$(cache_dir)/base/.$flavor.lock"
      [ -f "$dir/complete" ] || build_more "$flavor" "$dir"
    ) || return 1
  fi
  printf '%s\n' "$dir/tree.tar.zst"
}

build_more() {
  local flavor=$1 dir=$2 work=$2.new
  rm -rf "$work"
  mkdir -p "$work/tree"
  # shellcheck disable=SC2064  # the folder of now
  trap "rm -rf '$work'" EXIT
  say "building the Debian tree of $flavor (once)"
  case $flavor in
    btrfs) add_packages "$(base_tar loader)" btrfs-progs network-manager qemu-guest-agent ;;
    cloud) add_packages "$(base_tar plain)" cloud-init isc-dhcp-client ;;
    efi) add_packages "$(base_tar plain)" grub-efi-amd64 grub-efi-amd64-signed shim-signed dosfstools ;;
    systemd_boot) add_packages "$(base_tar plain)" systemd-boot dosfstools ;;
    raid) add_packages "$(base_tar plain)" mdadm btrfs-progs cryptsetup cryptsetup-initramfs ;;
    netplan) add_packages "$(base_tar plain)" extlinux netplan.io ;;
    i386) bootstrap_i386 sysvinit-core initscripts sysv-rc ifupdown iproute2 openssh-server udev \
      initramfs-tools kmod zstd e2fsprogs login passwd linux-image-686 grub-pc-bin grub2-common \
      grub-common ;;
    *) die "no such tree: $flavor" ;;
  esac
  forget_packages
  tar -C "$work/tree" --numeric-owner --xattrs -cf - . | zstd -q -3 -T0 -o "$work/tree.tar.zst"
  rm -rf "$work/tree"
  touch "$work/complete"
  rm -rf "$dir"
  mv -T "$work" "$dir"
  trap - EXIT
}

# add_packages TAR PACKAGE...: with the tree's own apt, which knows the mirror that made it.
add_packages() {
  zstd -dcq "$1" | tar -C "$work/tree" --numeric-owner --xattrs -xf -
  shift
  mkdir -p "$work/tree"/{proc,sys,dev}
  apt_settings >"$work/tree/etc/apt/apt.conf.d/99build"
  cp -L /etc/resolv.conf "$work/tree/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$work/tree/usr/sbin/policy-rc.d" # starts no service
  chmod 755 "$work/tree/usr/sbin/policy-rc.d"
  tree=$work/tree in_tree sh -ec 'apt-get update -q; apt-get install -y --no-install-recommends "$@"' \
    - "$@" >"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    die "apt-get failed in the tree"
  }
  rm -f "$work/tree/etc/apt/apt.conf.d/99build" "$work/tree/usr/sbin/policy-rc.d"
}

# bootstrap_i386 PACKAGE...: a tree of 32-bit programs, from the same mirror. From the release alone: of this
# architecture a mirror's security archive was seen out of step for a day.
bootstrap_i386() {
  local sources
  sources=$(apt_sources | grep ' bookworm ') || true
  [ -n "$sources" ] || die "this machine's apt knows no Debian bookworm archive: run apt-get update"
  printf '%s\n' "$sources" >"$work/sources.list"
  apt_settings >"$work/apt.conf"
  mmdebstrap --mode=root --variant=minbase --architectures=i386 --format=directory \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg --aptopt="$work/apt.conf" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --include="$(IFS=, && echo "$*")" \
    bookworm "$work/tree" "$work/sources.list" >"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    die "mmdebstrap failed"
  }
}

# What a row's guest must not share with another, or never needs again.
forget_packages() {
  rm -f "$work/tree"/boot/initrd.img-* "$work/tree"/etc/ssh/ssh_host_* \
    "$work/tree"/etc/apt/apt.conf.d/99mmdebstrap
  rm -rf "$work/tree"/var/lib/apt/lists/* "$work/tree"/var/cache/apt/{archives/*.deb,*.bin} \
    "$work/tree"/{proc,sys,dev}
}
