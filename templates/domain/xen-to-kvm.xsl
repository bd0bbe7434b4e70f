<?xml version="1.0" encoding="UTF-8"?>
<!--
  A Xen guest's domain description becomes that of a KVM guest.

  Input:
    <vmconvert>
      <domain>...</domain>       the source's description, unchanged
      <target>                   one <disk> for each finished disk, in order
        <disk target="vda" path="/..." format="raw|qcow2" block="yes|no" readonly="yes|no" bus="virtio|ide"/>
      </target>
    </vmconvert>
  README.md beside this file has the parameters, and how to lay a stylesheet of your own over this.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" omit-xml-declaration="yes"/>
  <xsl:strip-space elements="*"/>

  <xsl:param name="name"/>
  <xsl:param name="uuid"/>
  <xsl:param name="virt_type" select="'kvm'"/>
  <xsl:param name="emulator"/>
  <!-- i440fx: there virtio devices are transitional, so that kernels that know only legacy virtio
       (before 4.0) find their disk and network too; on q35 they would see modern ones only. -->
  <xsl:param name="machine" select="'pc'"/>
  <xsl:param name="arch" select="'x86_64'"/>
  <xsl:param name="cdroms" select="'empty'"/>
  <!-- For guests without virtio: e1000 or rtl8139, and IDE disks. -->
  <xsl:param name="nic_model" select="'virtio'"/>

  <xsl:variable name="source" select="/vmconvert/domain"/>
  <xsl:variable name="devices" select="$source/devices"/>
  <xsl:variable name="hvm" select="$source/os/type = 'hvm'"/>
  <xsl:variable name="virtio" select="not(/vmconvert/target/disk[@bus = 'ide'])"/>

  <xsl:template match="/vmconvert">
    <domain type="{$virt_type}">
      <name><xsl:value-of select="$name"/></name>
      <xsl:choose>
        <xsl:when test="$uuid != ''">
          <uuid><xsl:value-of select="$uuid"/></uuid>
        </xsl:when>
        <xsl:otherwise>
          <xsl:copy-of select="$source/uuid"/>
        </xsl:otherwise>
      </xsl:choose>
      <xsl:copy-of select="$source/genid | $source/title | $source/description | $source/metadata"/>
      <xsl:copy-of select="$source/memory | $source/currentMemory"/>
      <xsl:call-template name="cpus"/>
      <xsl:call-template name="os"/>
      <xsl:call-template name="features"/>
      <xsl:call-template name="clock"/>
      <xsl:call-template name="lifecycle"/>
      <devices>
        <xsl:call-template name="devices"/>
      </devices>
    </domain>
  </xsl:template>

  <!-- Pinning is dropped: the numbers mean CPUs of the old host. -->
  <xsl:template name="cpus">
    <vcpu placement="static">
      <xsl:copy-of select="$source/vcpu/@current"/>
      <xsl:choose>
        <xsl:when test="$source/vcpu"><xsl:value-of select="normalize-space($source/vcpu)"/></xsl:when>
        <xsl:otherwise>1</xsl:otherwise>
      </xsl:choose>
    </vcpu>
    <xsl:variable name="tuning" select="$source/cputune/*[self::shares or self::period or self::quota
        or self::global_period or self::global_quota or self::emulator_period
        or self::emulator_quota]"/>
    <xsl:if test="$tuning">
      <cputune><xsl:copy-of select="$tuning"/></cputune>
    </xsl:if>
    <!-- Xen shows a guest the host's CPU. libvirt's default for KVM, qemu64, has less than what
         today's distributions are built for. Emulation offers all that it can. -->
    <xsl:variable name="topology" select="$source/cpu/topology"/>
    <xsl:choose>
      <xsl:when test="$virt_type = 'kvm'">
        <cpu mode="host-model"><xsl:copy-of select="$topology"/></cpu>
      </xsl:when>
      <xsl:otherwise>
        <cpu mode="maximum"><xsl:copy-of select="$topology"/></cpu>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="os">
    <xsl:if test="not($virtio) and contains($machine, 'q35')">
      <xsl:message terminate="yes">the guest has no virtio and needs IDE disks, which the machine type <xsl:value-of select="$machine"/> has not: leave the parameter machine at pc</xsl:message>
    </xsl:if>
    <os>
      <!-- libvirt then picks the host's own UEFI; hvmloader and Xen's OVMF are not there. -->
      <xsl:if test="$source/os/@firmware = 'efi' or $source/os/loader/@type = 'pflash'">
        <xsl:attribute name="firmware">efi</xsl:attribute>
      </xsl:if>
      <type arch="{$arch}" machine="{$machine}">hvm</type>
      <xsl:call-template name="boot-order"/>
      <xsl:copy-of select="$source/os/bootmenu"/>
    </os>
  </xsl:template>

  <!-- Orders given device by device become the classes that they amount to, because the devices
       that carried them are replaced. -->
  <xsl:template name="boot-order">
    <xsl:variable name="ordered" select="$devices/disk[boot/@order][not(@device = 'floppy')]
        [$cdroms = 'empty' or not(@device = 'cdrom')] | $devices/interface[boot/@order]"/>
    <xsl:variable name="listed" select="$source/os/boot[@dev = 'hd' or @dev = 'network'
        or (@dev = 'cdrom' and $cdroms = 'empty')]"/>
    <xsl:choose>
      <xsl:when test="$hvm and $ordered">
        <xsl:for-each select="$ordered">
          <xsl:sort select="boot/@order" data-type="number"/>
          <xsl:variable name="mine" select="."/>
          <xsl:if test="not($ordered[name() = name($mine)]
              [(@device = 'cdrom') = ($mine/@device = 'cdrom')]
              [number(boot/@order) &lt; number($mine/boot/@order)])">
            <xsl:choose>
              <xsl:when test="self::interface"><boot dev="network"/></xsl:when>
              <xsl:when test="@device = 'cdrom'"><boot dev="cdrom"/></xsl:when>
              <xsl:otherwise><boot dev="hd"/></xsl:otherwise>
            </xsl:choose>
          </xsl:if>
        </xsl:for-each>
      </xsl:when>
      <xsl:when test="$hvm and $listed">
        <xsl:for-each select="$listed">
          <boot dev="{@dev}"/>
        </xsl:for-each>
      </xsl:when>
      <xsl:otherwise><boot dev="hd"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- A PV guest had no such hardware to be asked about; on KVM it needs ACPI to be shut down, and
       the APIC for more than one CPU. -->
  <xsl:template name="features">
    <xsl:choose>
      <xsl:when test="$hvm">
        <xsl:variable name="kept" select="$source/features/*[self::acpi or self::apic or self::pae]"/>
        <xsl:if test="$kept">
          <features><xsl:copy-of select="$kept"/></features>
        </xsl:if>
      </xsl:when>
      <xsl:otherwise>
        <features><acpi/><apic/><pae/></features>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- "variable" without an adjustment is how libvirt writes Xen's localtime = 0 and 1. -->
  <xsl:template name="clock">
    <xsl:variable name="clock" select="$source/clock"/>
    <xsl:variable name="seconds" select="number($clock/@adjustment)"/>
    <clock>
      <xsl:choose>
        <xsl:when test="$clock/@offset = 'timezone'">
          <xsl:copy-of select="$clock/@offset | $clock/@timezone"/>
        </xsl:when>
        <xsl:when test="$clock/@offset = 'variable' and $seconds = $seconds and $seconds != 0">
          <xsl:copy-of select="$clock/@offset | $clock/@adjustment | $clock/@basis"/>
        </xsl:when>
        <xsl:when test="$clock/@offset = 'localtime' or $clock/@basis = 'localtime'">
          <xsl:attribute name="offset">localtime</xsl:attribute>
        </xsl:when>
        <xsl:otherwise>
          <xsl:attribute name="offset">utc</xsl:attribute>
        </xsl:otherwise>
      </xsl:choose>
      <timer name="rtc" tickpolicy="catchup"/>
      <timer name="pit" tickpolicy="delay"/>
      <timer name="hpet" present="no"/>
    </clock>
  </xsl:template>

  <!-- KVM knows destroy and restart for the first two, and refuses restart on poweroff together
       with destroy on reboot. It has no rename-restart. -->
  <xsl:template name="lifecycle">
    <xsl:variable name="off" select="normalize-space($source/on_poweroff)"/>
    <xsl:variable name="again" select="normalize-space($source/on_reboot)"/>
    <xsl:variable name="crash" select="normalize-space($source/on_crash)"/>
    <xsl:variable name="stays" select="$again = 'destroy' or $again = 'preserve'"/>
    <on_poweroff>
      <xsl:choose>
        <xsl:when test="($off = 'restart' or $off = 'rename-restart') and not($stays)">restart</xsl:when>
        <xsl:otherwise>destroy</xsl:otherwise>
      </xsl:choose>
    </on_poweroff>
    <on_reboot>
      <xsl:choose>
        <xsl:when test="$stays">destroy</xsl:when>
        <xsl:otherwise>restart</xsl:otherwise>
      </xsl:choose>
    </on_reboot>
    <on_crash>
      <xsl:choose>
        <xsl:when test="$crash = 'rename-restart'">restart</xsl:when>
        <xsl:when test="$crash != ''"><xsl:value-of select="$crash"/></xsl:when>
        <xsl:otherwise>destroy</xsl:otherwise>
      </xsl:choose>
    </on_crash>
  </xsl:template>

  <xsl:template name="devices">
    <xsl:if test="$emulator != ''">
      <emulator><xsl:value-of select="$emulator"/></emulator>
    </xsl:if>
    <xsl:apply-templates select="/vmconvert/target/disk"/>
    <xsl:if test="$cdroms = 'empty'">
      <xsl:apply-templates select="$devices/disk[@device = 'cdrom']" mode="drive"/>
    </xsl:if>
    <xsl:apply-templates select="$devices/interface[not(@type = 'hostdev')]"/>
    <serial type="pty"><target port="0"/></serial>
    <console type="pty"><target type="serial" port="0"/></console>
    <xsl:if test="$virtio">
      <channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
    </xsl:if>
    <xsl:if test="$devices/input[@type = 'tablet' and @bus = 'usb']">
      <input type="tablet" bus="usb"/>
    </xsl:if>
    <xsl:variable name="screens" select="$devices/graphics[@type = 'vnc' or @type = 'spice']"/>
    <xsl:apply-templates select="$screens"/>
    <xsl:for-each select="$devices/sound">
      <sound><xsl:copy-of select="@model"/></sound>
    </xsl:for-each>
    <xsl:call-template name="video"/>
    <!-- A guest without virtio could make nothing of these, and some ask about each new device. -->
    <xsl:choose>
      <xsl:when test="$virtio">
        <memballoon model="virtio"/>
        <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
      </xsl:when>
      <xsl:otherwise><memballoon model="none"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- A block device is opened past the host's page cache, with the kernel's own asynchronous I/O.
       For files libvirt's default stays: O_DIRECT fails on some filesystems (tmpfs, FUSE), and the
       target folder may be on any. Freed blocks go back to the storage in both. -->
  <xsl:template match="target/disk">
    <xsl:variable name="block" select="@block = 'yes'"/>
    <disk>
      <xsl:attribute name="type">
        <xsl:choose>
          <xsl:when test="$block">block</xsl:when>
          <xsl:otherwise>file</xsl:otherwise>
        </xsl:choose>
      </xsl:attribute>
      <xsl:attribute name="device">disk</xsl:attribute>
      <driver name="qemu" type="{@format}">
        <xsl:if test="$block">
          <xsl:attribute name="cache">none</xsl:attribute>
          <xsl:attribute name="io">native</xsl:attribute>
        </xsl:if>
        <xsl:attribute name="discard">unmap</xsl:attribute>
      </driver>
      <xsl:choose>
        <xsl:when test="$block"><source dev="{@path}"/></xsl:when>
        <xsl:otherwise><source file="{@path}"/></xsl:otherwise>
      </xsl:choose>
      <target dev="{@target}" bus="{@bus}"/>
      <xsl:if test="@readonly = 'yes'"><readonly/></xsl:if>
    </disk>
  </xsl:template>

  <!-- The first drive is hdc, as on most Xen guests, unless an IDE disk has that place. -->
  <xsl:template match="disk" mode="drive">
    <xsl:variable name="sata" select="contains($machine, 'q35')"/>
    <xsl:variable name="taken">
      <xsl:for-each select="/vmconvert/target/disk[@bus = 'ide']">
        <xsl:value-of select="substring(@target, 3, 1)"/>
      </xsl:for-each>
    </xsl:variable>
    <xsl:variable name="free" select="translate('cdab', $taken, '')"/>
    <xsl:if test="position() &lt;= string-length($free)">
      <disk type="file" device="cdrom">
        <driver name="qemu" type="raw"/>
        <xsl:choose>
          <xsl:when test="$sata">
            <target dev="{concat('sd', substring('abcd', position(), 1))}" bus="sata"/>
          </xsl:when>
          <xsl:otherwise>
            <target dev="{concat('hd', substring($free, position(), 1))}" bus="ide"/>
          </xsl:otherwise>
        </xsl:choose>
        <readonly/>
      </disk>
    </xsl:if>
  </xsl:template>

  <!-- Script, IP address and the backend's name (vif1.0) belong to Xen. -->
  <xsl:template match="interface">
    <interface type="{@type}">
      <xsl:copy-of select="mac[@address]"/>
      <xsl:if test="source">
        <source>
          <xsl:apply-templates select="source/@bridge[current()/@type = 'bridge'] | source/@network
              | source/@portgroup | source/@dev[current()/@type = 'direct'] | source/@mode"/>
        </source>
      </xsl:if>
      <xsl:copy-of select="virtualport | vlan | bandwidth | filterref | mtu"/>
      <model type="{$nic_model}"/>
      <xsl:copy-of select="link"/>
    </interface>
  </xsl:template>

  <!-- A template of its own, so that a site can map its bridges by overriding it. -->
  <xsl:template match="interface/source/@*">
    <xsl:copy/>
  </xsl:template>

  <xsl:template match="graphics">
    <graphics type="{@type}">
      <!-- A port that libvirt chose belongs to the running guest. -->
      <xsl:choose>
        <xsl:when test="@autoport = 'yes' or not(@port) or @port &lt; 0">
          <xsl:attribute name="autoport">yes</xsl:attribute>
        </xsl:when>
        <xsl:otherwise>
          <xsl:copy-of select="@port"/>
          <xsl:attribute name="autoport">no</xsl:attribute>
        </xsl:otherwise>
      </xsl:choose>
      <xsl:copy-of select="@listen[not(../listen[@type = 'network'])] | @passwd | @passwdValidTo
          | @keymap[../@type = 'vnc'] | @sharePolicy[../@type = 'vnc']"/>
      <xsl:for-each select="listen[@type = 'address' or @type = 'network']">
        <listen>
          <xsl:copy-of select="@type | @address[../@type = 'address'] | @network"/>
        </listen>
      </xsl:for-each>
    </graphics>
  </xsl:template>

  <!-- Always a VGA, also without a screen: boot loaders write to it, and a PC without one is a way
       that few of them were ever tried on. -->
  <xsl:template name="video">
    <xsl:variable name="model" select="$devices/video[1]/model/@type"/>
    <video>
      <model>
        <xsl:attribute name="type">
          <xsl:choose>
            <xsl:when test="$model = 'cirrus' or $model = 'qxl'"><xsl:value-of select="$model"/></xsl:when>
            <xsl:otherwise>vga</xsl:otherwise>
          </xsl:choose>
        </xsl:attribute>
      </model>
    </video>
  </xsl:template>
</xsl:stylesheet>
