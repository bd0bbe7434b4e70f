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

# make_btrfs FILE MIB LABEL FOLDER SUBVOLUME=PATH...: each PATH of the folder goes into its own
# subvolume, / too. Mounted as make_xfs does.
make_btrfs() {
  local file=$1 folder=$4
  new_disk "$file" "$(($2 * 1024 * 1024))"
  mkfs.btrfs -q -L "$3" -U "$(stable_uuid "$name $3")" "$file"
  mkdir -p "$work/mnt"
  shift 4
  # shellcheck disable=SC2016  # the inner shell fills them in
  unshare --mount --propagation private -- bash -ec '
    file=$1 mnt=$2 folder=$3
    shift 3
    mount -o loop -t btrfs "$file" "$mnt"
    others=()
    for pair; do
      btrfs -q subvolume create "$mnt/${pair%%=*}"
      [ "${pair#*=}" = / ] || others+=(--exclude=".${pair#*=}/*")
    done
    for pair; do
      if [ "${pair#*=}" = / ]; then
        tar -C "$folder" --numeric-owner --xattrs "${others[@]}" -cf - . |
          tar -C "$mnt/${pair%%=*}" --numeric-owner --xattrs -xf -
      else
        cp -a "$folder${pair#*=}/." "$mnt/${pair%%=*}/"
      fi
    done
    umount "$mnt"' - "$file" "$work/mnt" "$folder" "$@"
}

# make_esp FILE MIB FOLDER: an EFI system partition that holds FOLDER's content; its serial number is 8 hexadecimal digits.
make_esp() {
  local serial
  serial=$(stable_uuid "$name esp")
  new_disk "$1" "$(($2 * 1024 * 1024))"
  mkfs.vfat -n ESP -i "${serial:0:8}" "$1" >/dev/null
  mcopy -i "$1" -s "$3"/* ::/
}

# install_grub_efi FOLDER UUID: what grub-install leaves on the EFI system partition (here: FOLDER) and in /boot,
# for a root with that UUID on the second partition; but for the entry in the machine's variable store.
install_grub_efi() {
  local vendor=$1/EFI/debian lib=$tree/usr/lib
  mkdir -p "$vendor" "$tree/boot/grub/x86_64-efi"
  cp "$lib"/grub/x86_64-efi/*.mod "$lib"/grub/x86_64-efi/*.lst "$tree/boot/grub/x86_64-efi/"
  cp "$lib/shim/shimx64.efi.signed" "$vendor/shimx64.efi"
  cp "$lib/shim/mmx64.efi.signed" "$vendor/mmx64.efi"
  cp "$lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$vendor/grubx64.efi"
  cat >"$vendor/grub.cfg" <<END
search.fs_uuid $2 root hd0,gpt2
set prefix=(\$root)'/boot/grub'
configfile \$prefix/grub.cfg
END
}

# install_grub DISK SECTOR ROOM PREFIX MODULE...: what grub-install does, without its look at the
# machine's devices: its modules in the tree's /boot, the boot sector (all but the partition table),
# the core at that sector, where it has so many.
install_grub() {
  local disk=$1 sector=$2 room=$3 prefix=$4
  local lib=$tree/usr/lib/grub/i386-pc core=boot/grub/i386-pc/core.img
  shift 4
  mkdir -p "$tree/boot/grub/i386-pc"
  cp "$lib"/*.mod "$lib"/*.lst "$lib/boot.img" "$tree/boot/grub/i386-pc/"
  in_tree grub-mkimage -O i386-pc -o "/$core" -p "$prefix" biosdisk search_fs_uuid "$@"
  [ "$(stat -c %s "$tree/$core")" -le $((room * 512)) ] || die "GRUB's core is too big"
  dd if="$lib/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
  dd if="$tree/$core" of="$disk" bs=512 seek="$sector" conv=notrunc status=none
  # Where the core lies: the boot sector's word at 0x5c, and the core's own at the end of its first.
  put_sector "$disk" $((0x5c)) "$sector"
  put_sector "$disk" $((sector * 512 + 500)) $((sector + 1))
}

# put_sector DISK OFFSET NUMBER: as eight bytes, the lowest first.
put_sector() {
  local bytes='' i
  for ((i = 0; i < 64; i += 8)); do bytes+=$(printf '\\x%02x' $((($3 >> i) & 255))); done
  # shellcheck disable=SC2059  # the escapes are the point
  printf "$bytes" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
