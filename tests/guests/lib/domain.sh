# shellcheck shell=bash
# shellcheck disable=SC2154  # name, tree, work: set by build-guest
# Domain descriptions as a Xen host keeps them: libvirt's XML and xl's configuration files.
# Every row has its own UUID and MAC, the same in both.

# disk_element DEVICE FORMAT TARGET BUS FILE: one <disk>; an empty FILE is an empty drive.
disk_element() {
  local source='' readonly='' address=''
  [ -z "$5" ] || source="
      <source file='$5'/>"
  [ "$1" != cdrom ] || readonly="
      <readonly/>"
  case $3 in
    hda) address="
      <address type='drive' controller='0' bus='0' target='0' unit='0'/>" ;;
    hdc) address="
      <address type='drive' controller='0' bus='1' target='0' unit='0'/>" ;;
  esac
  cat <<END
    <disk type='file' device='$1'>
      <driver name='qemu' type='$2'/>$source
      <target dev='$3' bus='$4'/>$readonly$address
    </disk>
END
}

pv_disk() { disk_element disk raw "$1" xen "$2"; }

xml_head() {
  cat <<END
<domain type='xen'>
  <name>$name</name>
  <uuid>$(stable_uuid "$name domain")</uuid>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static'>$1</vcpu>
END
}

xml_policies() {
  cat <<END
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>restart</on_crash>
END
}

# pv_xml BOOT DISKS: BOOT is the text between the vCPUs and the clock.
pv_xml() {
  xml_head 1
  cat <<END
$1
  <clock offset='utc' adjustment='reset'/>
$(xml_policies)
  <devices>
$2
    <controller type='xenbus' index='0'/>
    <interface type='bridge'>
      <mac address='$(stable_mac "$name")'/>
      <source bridge='xenbr0'/>
      <script path='vif-bridge'/>
    </interface>
    <console type='pty'>
      <target type='xen' port='0'/>
    </console>
    <input type='mouse' bus='xen'/>
    <input type='keyboard' bus='xen'/>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'>
      <listen type='address' address='127.0.0.1'/>
    </graphics>
    <video>
      <model type='xen' vram='4096' heads='1' primary='yes'/>
    </video>
    <memballoon model='xen'/>
  </devices>
</domain>
END
}

pygrub_boot() {
  cat <<END
  <bootloader>pygrub</bootloader>
  <os>
    <type arch='x86_64' machine='xenpv'>linux</type>
  </os>
END
}

# kernel_boot KERNEL INITRD ARGUMENTS: for a guest whose kernel lies on the host.
kernel_boot() {
  cat <<END
  <os>
    <type arch='x86_64' machine='xenpv'>linux</type>
    <kernel>$1</kernel>
    <initrd>$2</initrd>
    <cmdline>$3</cmdline>
  </os>
END
}

# hvm_xml DISKS [LOADER]: LOADER is the firmware's element, hvmloader when not given.
hvm_xml() {
  xml_head 2
  cat <<END
  <os>
    <type arch='x86_64' machine='xenfv'>hvm</type>
    ${2:-<loader type='rom'>/usr/lib/xen/boot/hvmloader</loader>}
    <boot dev='hd'/>
    <boot dev='cdrom'/>
  </os>
  <features>
    <acpi/>
    <apic/>
    <pae/>
  </features>
  <clock offset='variable' adjustment='0' basis='localtime'/>
$(xml_policies)
  <devices>
$1
    <controller type='xenbus' index='0'/>
    <controller type='ide' index='0'/>
    <interface type='bridge'>
      <mac address='$(stable_mac "$name")'/>
      <source bridge='xenbr0'/>
      <model type='e1000'/>
    </interface>
    <serial type='pty'>
      <target port='0'/>
    </serial>
    <console type='pty'>
      <target type='serial' port='0'/>
    </console>
    <input type='tablet' bus='usb'/>
    <input type='mouse' bus='ps2'/>
    <input type='keyboard' bus='ps2'/>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'>
      <listen type='address' address='127.0.0.1'/>
    </graphics>
    <video>
      <model type='cirrus' vram='8192' heads='1' primary='yes'/>
    </video>
    <memballoon model='xen'/>
  </devices>
</domain>
END
}

# xl_common VCPUS: the lines that every guest's xl configuration has.
xl_common() {
  cat <<END
# Xen guest $name
name = "$name"
uuid = "$(stable_uuid "$name domain")"
memory = 512
vcpus = $1
vif = [ 'mac=$(stable_mac "$name"),bridge=xenbr0' ]
on_poweroff = 'destroy'
on_reboot   = 'restart'
on_crash    = 'restart'
END
}
