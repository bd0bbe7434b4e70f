# shellcheck shell=bash
# shellcheck disable=SC2154  # name, tree, work: set by build-guest
# Disk images, made without the host's kernel reading a partition table.

# new_disk FILE BYTES: an empty sparse file.
new_disk() { rm -f "$1" && truncate -s "$2" "$1"; }

# make_ext TYPE FILE MIB LABEL [FOLDER]: an ext3 or ext4 filesystem that holds FOLDER's content.
make_ext() {
  local type=$1 file=$2 label=$4 from=()
  [ $# -lt 5 ] || from=(-d "$5")
  new_disk "$file" "$(($3 * 1024 * 1024))"
  mke2fs -q -F -t "$type" -m 1 -L "$label" -U "$(stable_uuid "$name $label")" "${from[@]}" "$file"
}

make_swap() {
  new_disk "$1" "$(($2 * 1024 * 1024))"
  mkswap -q -L swap -U "$(stable_uuid "$name swap")" "$1" 2>/dev/null
}

# make_xfs FILE MIB LABEL FOLDER: xfs has no way to be filled without a mount. Mount and loop
# device belong to a mount namespace of their own, so they go when it does.
make_xfs() {
  new_disk "$1" "$(($2 * 1024 * 1024))"
  mkfs.xfs -q -L "$3" -m "uuid=$(stable_uuid "$name $3")" "$1"
  mkdir -p "$work/mnt"
  # shellcheck disable=SC2016  # the inner shell fills them in
  unshare --mount --propagation private -- bash -ec '
    mount -o loop -t xfs "$1" "$2"
    tar -C "$3" --numeric-owner --xattrs -cf - . | tar -C "$2" --numeric-owner --xattrs -xf -
    fstrim "$2" || true
    umount "$2"' - "$1" "$work/mnt" "$4"
}

# place DISK SECTOR FILE: writes a filesystem into its partition, holes staying holes.
place() {
  dd if="$3" of="$1" bs=64K oflag=seek_bytes seek="$(($2 * 512))" conv=sparse,notrunc status=none
  rm -f "$3"
}

# partition DISK: writes the table that standard input describes, and no more.
partition() { sfdisk --quiet --no-reread --no-tell-kernel --wipe never --wipe-partitions never "$1"; }
