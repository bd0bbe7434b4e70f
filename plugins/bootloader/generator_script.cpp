// The program that keeps the menu true in the guest after the conversion. menu_text() in
// generated_menu.cpp is its twin: the first menu is what this script would write, byte for byte.
#include "bootloader.hpp"

namespace vmconvert::fixer::bootloader {

std::string generator_script() {
  return R"sh(#!/bin/sh
# Written by vmconvert. Writes GRUB 2's menu from the kernels in /boot, newest first; the kernel
# packages' hooks run it. Settings: /etc/default/vmconvert-grub. A menu that another tool
# has written in the meantime is left alone.
set -e
LC_ALL=C
export LC_ALL
top=${VMCONVERT_TOP:-}
menu=$top/boot/grub/grub.cfg
mark='# Written by vmconvert-update-grub from the kernels in /boot.'
arguments='' uuid='' boot_path='' timeout=5 first_kernel='' first_initrd=''
. "$top/etc/default/vmconvert-grub"

if [ -f "$menu" ]; then
  read -r line < "$menu" || :
  if [ "$line" != "$mark" ]; then
    echo "vmconvert-update-grub: $menu is kept by another tool, nothing to do" >&2
    exit 0
  fi
fi

needs_xen() {
  if [ -f "$top/boot/config-$1" ]; then
    grep -q -e '^CONFIG_X86_XEN=y' -e '^CONFIG_X86_64_XEN=y' "$top/boot/config-$1"
    return
  fi
  case $1 in
    *xen | *xenU | *xenpae | 2.6.[1289]*xen*) return 0 ;;
  esac
  return 1
}

versions() {
  for image in "$top"/boot/vmlinuz-*; do
    version=${image##*/vmlinuz-}
    case $version in
      '' | -* | .* | *[!A-Za-z0-9._+~-]*) continue ;;
      *'~' | *.bak | *.orig | *.old | *.rpmsave | *.rpmnew | *.rpmorig) continue ;;
      *.dpkg-old | *.dpkg-dist | *.dpkg-new | *.swp) continue ;;
    esac
    if [ -f "$image" ] && ! needs_xen "$version"; then
      printf '%s\n' "$version"
    fi
  done | awk '{
    rest = $0
    while (match(rest, /\.[A-Za-z][A-Za-z0-9_]*$/)) rest = substr(rest, 1, RSTART - 1)
    key = ""
    while (match(rest, /[0-9]+/)) {
      number = substr(rest, RSTART, RLENGTH)
      while (length(number) < 12) number = "0" number
      key = key substr(rest, 1, RSTART - 1) number
      rest = substr(rest, RSTART + RLENGTH)
    }
    print key rest "\t" $0
  }' | sort -r | cut -f 2
}

initrd_of() {
  for name in "initrd.img-$1" "initramfs-$1.img" "initrd-$1.img" "initrd-$1" "initramfs-$1"; do
    if [ -f "$top/boot/$name" ]; then
      printf '%s\n' "/boot/$name"
      return
    fi
  done
}

# Without an initrd a kernel knows neither UUIDs nor volumes: such an entry would not boot.
needs_initrd() {
  set -f
  for word in $arguments; do
    case $word in
      root=UUID=* | root=LABEL=* | root=/dev/*/*) set +f; return 0 ;;
    esac
  done
  set +f
  return 1
}

entry() {
  if [ -z "$2" ] && needs_initrd; then
    return
  fi
  name=${1##*/}
  printf "\nmenuentry 'Linux %s' {\n  linux %s %s\n" \
    "${name#vmlinuz-}" "$boot_path/${1#/boot/}" "$arguments"
  if [ -n "$2" ]; then
    printf '  initrd %s\n' "$boot_path/${2#/boot/}"
  fi
  printf '}\n'
}

entries() {
  if [ -n "$first_kernel" ] && [ -f "$top$first_kernel" ]; then
    entry "$first_kernel" "$first_initrd"
  fi
  versions | while read -r version; do
    if [ "/boot/vmlinuz-$version" != "$first_kernel" ]; then
      entry "/boot/vmlinuz-$version" "$(initrd_of "$version")"
    fi
  done
}

text=$(entries)
if [ -z "$text" ]; then
  echo "vmconvert-update-grub: no kernel in /boot, the menu stays as it is" >&2
  exit 0
fi
{
  printf '%s\n' "$mark" '# Settings: /etc/default/vmconvert-grub' 'set default=0' "set timeout=$timeout" \
    'if serial --unit=0 --speed=115200; then' '  terminal_input console serial' \
    '  terminal_output console serial' 'fi'
  if [ -n "$uuid" ]; then
    printf 'search --no-floppy --fs-uuid --set=root %s\n' "$uuid"
  fi
  printf '%s\n' "$text"
} > "$menu.new"
mv -f "$menu.new" "$menu"
)sh";
}

}  // namespace vmconvert::fixer::bootloader
