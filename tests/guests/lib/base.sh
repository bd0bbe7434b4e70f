# shellcheck shell=bash
# shellcheck disable=SC2154  # library: set by build-guest
# The shared Debian trees that all rows start from, kept as tar files in the cache folder.
#
# One mmdebstrap run makes them all: a tar is taken after each set of packages. The mirror,
# its proxy and its time rules are those of this machine's own apt configuration.

base_plain=(systemd-sysv ifupdown iproute2 openssh-server udev initramfs-tools kmod zstd
  e2fsprogs login passwd linux-image-cloud-amd64)
base_xfs=(xfsprogs)
base_grub_tools=(grub-pc-bin grub2-common grub-common)
base_loader=(grub-pc lvm2)

# apt_sources: the Debian archives that this machine is set up for, as sources.list lines.
apt_sources() {
  # shellcheck disable=SC2016  # apt-get fills these in
  apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian' | grep -E ' bookworm(-updates|-security)? ' | sort -u
}

# apt_settings: what this machine's apt is told of its mirror, as lines of apt.conf.
apt_settings() {
  apt-config dump --no-empty Acquire::Check-Valid-Until Acquire::Check-Date \
    Acquire::http::Proxy Acquire::https::Proxy | grep '"' || true
}

# base_tar FLAVOR: prints the tar of plain, xfs, grub_tools or loader; builds all when absent. Others
# are in more.sh.
base_tar() {
  local dir key
  case $1 in
    plain | xfs | grub_tools | loader) ;;
    *)
      more_tar "$1"
      return
      ;;
  esac
  key=$(recipe_hash "$library/base.sh" "$library/base-stages")
  dir=$(cache_dir)/base/${key:0:16}
  if [ ! -f "$dir/complete" ]; then
    (
      lock_for "$(cache_dir)/base/.lock"
      [ -f "$dir/complete" ] || build_base "$dir"
    ) || return 1
  fi
  printf '%s\n' "$dir/$1.tar.zst"
}

build_base() {
  local dir=$1 work=$1.new sources
  need_tools mmdebstrap apt-get zstd
  rm -rf "$work"
  mkdir -p "$work/in"
  # shellcheck disable=SC2064  # the folder of now
  trap "rm -rf '$work'" EXIT
  sources=$(apt_sources) || true
  if [ -z "$sources" ]; then
    apt-get update -q >&2 || die "apt-get update failed: the guests are made from Debian packages"
    sources=$(apt_sources) || die "this machine's apt knows no Debian bookworm archive"
  fi
  printf '%s\n' "$sources" >"$work/in/sources.list"
  apt_settings >"$work/in/apt.conf"
  say "building the shared Debian trees (a few minutes, once)"
  if ! STAGE_OUT=$work STAGE_XFS=${base_xfs[*]} STAGE_GRUB_TOOLS=${base_grub_tools[*]} \
    STAGE_LOADER=${base_loader[*]} mmdebstrap --mode=root --variant=minbase --format=null \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg --aptopt="$work/in/apt.conf" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --include="$(IFS=, && echo "${base_plain[*]}")" --customize-hook="$library/base-stages" \
    bookworm /dev/null "$work/in/sources.list" >"$work/in/log" 2>&1; then
    tail -n 40 "$work/in/log" >&2
    die "mmdebstrap failed"
  fi
  rm -rf "$work/in"
  touch "$work/complete"
  rm -rf "$dir"
  mv -T "$work" "$dir"
  trap - EXIT
}
