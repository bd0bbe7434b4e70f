<?xml version="1.0" encoding="UTF-8"?>
<!--
  A Xen guest's domain description for another Xen host: all stays, except for the disks, and what
  belongs to the running guest.

  Input:
    <vmconvert>
      <domain>...</domain>       the source's description, unchanged
      <target>                   one <disk> for each finished disk, in order
        <disk target="xvda" path="/..." format="raw|qcow2" block="yes|no" readonly="yes|no"/>
      </target>
    </vmconvert>
  README.md beside this file has the parameters, and how to lay a stylesheet of your own over this.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" omit-xml-declaration="yes"/>
  <xsl:strip-space elements="*"/>

  <xsl:param name="name"/>
  <xsl:param name="uuid"/>
  <xsl:param name="emulator"/>
  <xsl:param name="cdroms" select="'empty'"/>
  <xsl:param name="boot" select="'keep'"/>

  <xsl:variable name="source" select="/vmconvert/domain"/>
  <xsl:variable name="hvm" select="$source/os/type = 'hvm'"/>

  <xsl:template match="/vmconvert">
    <xsl:apply-templates select="domain"/>
  </xsl:template>

  <xsl:template match="@* | node()">
    <xsl:copy>
      <xsl:apply-templates select="@* | node()"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="metadata">
    <xsl:copy-of select="."/>
  </xsl:template>

  <xsl:template match="domain">
    <xsl:copy>
      <xsl:apply-templates select="@*[not(name() = 'id')]"/>
      <name><xsl:value-of select="$name"/></name>
      <xsl:choose>
        <xsl:when test="$uuid != ''">
          <uuid><xsl:value-of select="$uuid"/></uuid>
        </xsl:when>
        <xsl:otherwise>
          <xsl:copy-of select="uuid"/>
        </xsl:otherwise>
      </xsl:choose>
      <!-- pygrub reads the menu inside the guest, for PV and PVH; HVM has its own boot sector. -->
      <xsl:if test="$boot = 'pygrub' and not($hvm) and not(bootloader)">
        <bootloader>pygrub</bootloader>
      </xsl:if>
      <xsl:apply-templates select="node()[not(self::name or self::uuid)]"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="domain/bootloader | domain/bootloader_args">
    <xsl:if test="$boot != 'direct'">
      <xsl:copy-of select="."/>
    </xsl:if>
  </xsl:template>

  <xsl:template match="domain/os/kernel | domain/os/initrd | domain/os/cmdline">
    <xsl:if test="$boot != 'pygrub'">
      <xsl:copy-of select="."/>
    </xsl:if>
  </xsl:template>

  <!-- CPU numbers mean those of the old host. -->
  <xsl:template match="domain/vcpu/@cpuset | domain/cputune/*[contains(name(), 'pin')]"/>
  <xsl:template match="domain/numatune | domain/seclabel"/>

  <xsl:template match="domain/devices">
    <xsl:copy>
      <!-- The old host's device model is at the old host's path. -->
      <xsl:if test="$emulator != ''">
        <emulator><xsl:value-of select="$emulator"/></emulator>
      </xsl:if>
      <xsl:apply-templates select="/vmconvert/target/disk"/>
      <xsl:apply-templates select="node()[not(self::emulator)]"/>
    </xsl:copy>
  </xsl:template>

  <!-- Disks come from <target>; of the drives only cdroms stay, without their medium. -->
  <xsl:template match="domain/devices/disk"/>
  <xsl:template match="domain/devices/disk[@device = 'cdrom']">
    <xsl:if test="$cdroms = 'empty'">
      <disk type="file" device="cdrom">
        <driver name="qemu" type="raw"/>
        <target dev="{target/@dev}">
          <xsl:copy-of select="target/@bus"/>
        </target>
        <readonly/>
        <xsl:copy-of select="boot | address"/>
      </disk>
    </xsl:if>
  </xsl:template>

  <xsl:template match="vmconvert/target/disk">
    <xsl:variable name="block" select="@block = 'yes'"/>
    <disk>
      <xsl:attribute name="type">
        <xsl:choose>
          <xsl:when test="$block">block</xsl:when>
          <xsl:otherwise>file</xsl:otherwise>
        </xsl:choose>
      </xsl:attribute>
      <xsl:attribute name="device">disk</xsl:attribute>
      <!-- blkback takes a raw block device as it is; all else is served by qemu. -->
      <driver>
        <xsl:attribute name="name">
          <xsl:choose>
            <xsl:when test="$block and @format = 'raw'">phy</xsl:when>
            <xsl:otherwise>qemu</xsl:otherwise>
          </xsl:choose>
        </xsl:attribute>
        <xsl:attribute name="type"><xsl:value-of select="@format"/></xsl:attribute>
      </driver>
      <xsl:choose>
        <xsl:when test="$block"><source dev="{@path}"/></xsl:when>
        <xsl:otherwise><source file="{@path}"/></xsl:otherwise>
      </xsl:choose>
      <target dev="{@target}">
        <xsl:attribute name="bus">
          <xsl:choose>
            <xsl:when test="starts-with(@target, 'hd')">ide</xsl:when>
            <xsl:when test="starts-with(@target, 'sd')">scsi</xsl:when>
            <xsl:otherwise>xen</xsl:otherwise>
          </xsl:choose>
        </xsl:attribute>
      </target>
      <xsl:if test="@readonly = 'yes'"><readonly/></xsl:if>
      <xsl:if test="position() = 1">
        <xsl:copy-of select="$source/devices/disk[not(@device) or @device = 'disk'][boot][1]/boot"/>
      </xsl:if>
    </disk>
  </xsl:template>

  <!-- Of the running guest: names of backends, terminals, ports that libvirt chose. -->
  <xsl:template match="domain/devices/interface/target[starts-with(@dev, 'vif')]"/>
  <xsl:template match="domain/devices/*/alias"/>
  <xsl:template match="domain/devices/console/@tty"/>
  <xsl:template match="domain/devices/*[self::serial or self::console or self::parallel
      or self::channel][@type = 'pty']/source"/>
  <xsl:template match="domain/devices/graphics[@autoport = 'yes']/@port">
    <xsl:attribute name="port">-1</xsl:attribute>
  </xsl:template>
</xsl:stylesheet>
