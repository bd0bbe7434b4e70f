# shellcheck shell=bash
# What every part of the guest builder uses: messages, the cache folder, one lock per thing built.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

cache_dir() { printf '%s\n' "${VMCONVERT_TEST_CACHE:-/var/cache/vmconvert-tests}"; }

need_tools() {
  local tool missing=()
  for tool in "$@"; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  [ ${#missing[@]} -eq 0 ] || die "not installed: ${missing[*]}; run scripts/install-packages build run test"
}

# recipe_hash FILE...: one line that changes whenever one of the files does.
recipe_hash() { cat -- "$@" | sha256sum | cut -d' ' -f1; }

# lock_for FILE: holds the lock on FILE until this process ends; waits for another builder.
lock_for() {
  mkdir -p "$(dirname "$1")"
  local fd
  exec {fd}>"$1"
  if ! flock --nonblock "$fd"; then
    say "another build holds $1; waiting"
    flock "$fd"
  fi
}

# stable_uuid WORDS: the same UUID for the same words, so that two builds of a row agree.
stable_uuid() { uuidgen --sha1 --namespace @oid --name "vmconvert-guest $*"; }

# stable_mac WORDS: a MAC of Xen's own range.
stable_mac() {
  local sum
  sum=$(printf '%s' "$*" | sha256sum)
  printf '00:16:3e:%s:%s:%s\n' "${sum:0:2}" "${sum:2:2}" "${sum:4:2}"
}
