#include "domain/rewrite.hpp"

#include <fmt/format.h>

#include "base/temp_dir.hpp"
#include "domain/adjust.hpp"
#include "domain/nodes.hpp"
#include "domain/read.hpp"
#include "domain/validate.hpp"
#include "domain/xl_write.hpp"
#include "domain/xml.hpp"
#include "unit/domain_support.hpp"

namespace vmconvert::domain {
namespace {

using model::DiskFormat;

RewriteRequest to_kvm(const std::string& xml) {
  RewriteRequest request;
  request.source_xml = xml;
  request.stylesheet = k_templates / "xen-to-kvm.xsl";
  request.name = "web01";
  request.disks = {{"vda", "/srv/vms/web01-vda.raw"},
                   {"vdb", "/dev/vg0/web01-vdb", DiskFormat::raw, true, true}};
  return request;
}

RewriteRequest to_xen(const std::string& xml) {
  RewriteRequest request = to_kvm(xml);
  request.stylesheet = k_templates / "xen-to-xen.xsl";
  request.virt_type = "xen";
  request.disks = {{"xvda", "/srv/vms/web01-xvda.qcow2", DiskFormat::qcow2},
                   {"xvdb", "/dev/vg0/web01-xvdb", DiskFormat::raw, true, true}};
  return request;
}

// A source with the given children of <domain>.
std::string pv(const std::string& more, const std::string& devices = "") {
  return "<domain type='xen'><name>g</name><memory>262144</memory><os><type>linux</type></os>" +
         more + "<devices>" + devices + "</devices></domain>";
}
std::string hvm(const std::string& os, const std::string& more, const std::string& devices = "") {
  return "<domain type='xen'><name>g</name><memory>262144</memory><os><type>hvm</type>" + os +
         "</os>" + more + "<devices>" + devices + "</devices></domain>";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class DomainRewriteDump : public ::testing::TestWithParam<std::string> {};

TEST_P(DomainRewriteDump, ToKvmIsTheGoldenAndValid) {
  const std::string xml = rewrite_domain(to_kvm(dump(GetParam())));
  EXPECT_TRUE(validate_domain_xml(xml).checked);
  EXPECT_FALSE(has(xml, "xen/") || has(xml, "pygrub") || has(xml, "xvd") || has(xml, "vif"));
  expect_golden(k_golden / "expected" / (GetParam() + ".kvm.xml"), xml);
}

TEST_P(DomainRewriteDump, ToXenIsTheGoldenAndValid) {
  const std::string xml = rewrite_domain(to_xen(dump(GetParam())));
  EXPECT_TRUE(validate_domain_xml(xml).checked);
  EXPECT_FALSE(has(xml, "/dev/xenvg") || has(xml, "tty=") || has(xml, "/dev/pts"));
  expect_golden(k_golden / "expected" / (GetParam() + ".xen.xml"), xml);
}

INSTANTIATE_TEST_SUITE_P(All, DomainRewriteDump, ::testing::ValuesIn(k_dumps), [](const auto& one) {
  std::string name = one.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

// type = "pvh" of a blueprint, for libvirt and for xl.
TEST(DomainRewrite, PvDumpsAsPvhAreTheGoldenAndValid) {
  model::Adjustments wanted;
  wanted.xen_type = model::XenType::pvh;
  for (const std::string& name : k_dumps) {
    if (!name.starts_with("pv-")) {
      continue;
    }
    const auto source = adjusted(read_domain_xml(dump(name), name), wanted, name);
    const std::string xml = rewrite_domain(to_xen(source.xml));
    EXPECT_TRUE(validate_domain_xml(xml).checked);
    expect_golden(k_golden / "expected" / (name + ".pvh.xml"), xml);
    expect_golden(k_golden / "expected" / (name + ".pvh.cfg"), to_xl_config(xml, name));
    const auto made = read_domain_xml(xml, name);
    EXPECT_EQ(made.kind, model::VirtKind::pvh);
    EXPECT_EQ(made.bootloader, source.bootloader);
    EXPECT_EQ(made.direct_boot.has_value(), source.direct_boot.has_value());
  }
}

// type = "hvm": disks where a PC's BIOS finds them, and nothing of pygrub or of the host's kernel.
TEST(DomainRewrite, PvAndPvhDumpsAsHvmAreTheGoldenAndValid) {
  model::Adjustments wanted;
  wanted.xen_type = model::XenType::hvm;
  for (const std::string& name : k_dumps) {
    if (name.starts_with("hvm")) {
      continue;
    }
    const auto before = read_domain_xml(dump(name), name);
    const auto source = adjusted(before, wanted, name);
    EXPECT_EQ(source.direct_boot.has_value(), before.direct_boot.has_value()) << "fixers read it";
    RewriteRequest request = to_xen(source.xml);
    request.disks[0].target = "hda";
    request.disks[1].target = "xvde";
    const std::string xml = rewrite_domain(request);
    EXPECT_TRUE(validate_domain_xml(xml).checked);
    expect_golden(k_golden / "expected" / (name + ".hvm.xml"), xml);
    expect_golden(k_golden / "expected" / (name + ".hvm.cfg"), to_xl_config(xml, name));
    const auto made = read_domain_xml(xml, name);
    EXPECT_EQ(made.kind, model::VirtKind::hvm);
    EXPECT_FALSE(made.bootloader || made.direct_boot);
    EXPECT_EQ(made.disks[0].bus, "ide");
    EXPECT_EQ(made.disks[1].bus, "xen");
  }
}

// What was read from the source is what the result says, by our own reader.
TEST(DomainRewrite, KeepsIdentityAndHardware) {
  for (const std::string& name : k_dumps) {
    const auto before = read_domain_xml(dump(name), name);
    const auto after = read_domain_xml(rewrite_domain(to_kvm(dump(name))), name);
    EXPECT_EQ(after.name, "web01");
    EXPECT_EQ(after.uuid, before.uuid);
    EXPECT_EQ(after.memory, before.memory);
    EXPECT_EQ(after.vcpus, before.vcpus);
    EXPECT_EQ(after.kind, model::VirtKind::hvm);
    EXPECT_FALSE(after.was_running);
    EXPECT_FALSE(after.bootloader || after.direct_boot);
    ASSERT_EQ(after.nics.size(), before.nics.size());
    for (std::size_t i = 0; i < after.nics.size(); ++i) {
      EXPECT_EQ(after.nics[i].mac, before.nics[i].mac);
      EXPECT_EQ(after.nics[i].bridge, before.nics[i].bridge);
    }
    ASSERT_GE(after.disks.size(), 2U);
    EXPECT_EQ(after.disks[0].source, "/srv/vms/web01-vda.raw");
    EXPECT_EQ(after.disks[1].source, "/dev/vg0/web01-vdb");
    EXPECT_TRUE(after.disks[1].readonly);
  }
}

TEST(DomainRewrite, NewNameUuidAndEmulator) {
  RewriteRequest request = to_kvm(dump("pvh.inactive"));
  request.name = "o'brien & \"co\" <1>";
  request.uuid = "C0FFEE00111122223333444455556677";
  request.virt_type = "qemu";
  request.emulator = "/usr/bin/qemu-system-x86_64";
  const std::string xml = rewrite_domain(request);
  const auto domain = read_domain_xml(xml, "x");
  EXPECT_EQ(domain.name, request.name);
  EXPECT_EQ(domain.uuid, "c0ffee00-1111-2222-3333-444455556677");
  EXPECT_TRUE(has(xml, "<domain type=\"qemu\">"));
  EXPECT_TRUE(has(xml, "<emulator>/usr/bin/qemu-system-x86_64</emulator>"));
  EXPECT_TRUE(has(xml, "<cpu mode=\"maximum\"/>"));
}

TEST(DomainRewrite, Clocks) {
  struct Case {
    const char* source;
    const char* result;
  };
  for (const Case& c :
       {Case{"", "<clock offset=\"utc\">"},
        Case{"<clock offset='utc' adjustment='reset'/>", "<clock offset=\"utc\">"},
        Case{"<clock offset='localtime'/>", "<clock offset=\"localtime\">"},
        Case{"<clock offset='variable' adjustment='0' basis='localtime'/>",
             "<clock offset=\"localtime\">"},
        Case{"<clock offset='variable' adjustment='0' basis='utc'/>", "<clock offset=\"utc\">"},
        Case{"<clock offset='variable' adjustment='-3600' basis='utc'/>",
             "<clock offset=\"variable\" adjustment=\"-3600\" basis=\"utc\">"},
        Case{"<clock offset='timezone' timezone='Europe/Berlin'/>",
             "<clock offset=\"timezone\" timezone=\"Europe/Berlin\">"}}) {
    const std::string xml = rewrite_domain(to_kvm(pv(c.source)));
    EXPECT_TRUE(has(xml, c.result)) << c.source << "\n" << xml;
    EXPECT_TRUE(validate_domain_xml(xml).checked);
  }
}

TEST(DomainRewrite, LifecycleInKvmsTerms) {
  const auto rewritten = [](const char* off, const char* again, const char* crash) {
    return rewrite_domain(
        to_kvm(pv(fmt::format("<on_poweroff>{}</on_poweroff><on_reboot>{}</on_reboot>"
                              "<on_crash>{}</on_crash>",
                              off, again, crash))));
  };
  const std::string plain = rewritten("destroy", "restart", "preserve");
  EXPECT_TRUE(has(plain, "<on_poweroff>destroy</on_poweroff>"));
  EXPECT_TRUE(has(plain, "<on_reboot>restart</on_reboot>"));
  EXPECT_TRUE(has(plain, "<on_crash>preserve</on_crash>"));
  const std::string renamed = rewritten("rename-restart", "rename-restart", "rename-restart");
  EXPECT_FALSE(has(renamed, "rename"));
  EXPECT_TRUE(has(renamed, "<on_poweroff>restart</on_poweroff>"));
  // libvirt's QEMU driver refuses this pair.
  const std::string pair = rewritten("restart", "destroy", "destroy");
  EXPECT_TRUE(has(pair, "<on_poweroff>destroy</on_poweroff>"));
  EXPECT_TRUE(has(pair, "<on_reboot>destroy</on_reboot>"));
}

TEST(DomainRewrite, BootOrder) {
  const std::string classes = rewrite_domain(
      to_kvm(hvm("<boot dev='network'/><boot dev='fd'/><boot dev='hd'/><boot dev='cdrom'/>", "")));
  EXPECT_TRUE(
      has(classes, "<boot dev=\"network\"/>\n    <boot dev=\"hd\"/>\n    <boot dev=\"cdrom\"/>"));
  EXPECT_FALSE(has(classes, "\"fd\""));

  const std::string devices =
      "<disk type='file'><source file='/a'/><target dev='hda'/><boot order='10'/></disk>"
      "<disk type='file'><source file='/b'/><target dev='hdb'/><boot order='11'/></disk>"
      "<disk type='file' device='cdrom'><target dev='hdc'/><boot order='9'/></disk>"
      "<interface type='bridge'><source bridge='b'/><boot order='2'/></interface>";
  RewriteRequest request = to_kvm(hvm("", "", devices));
  EXPECT_TRUE(has(rewrite_domain(request),
                  "hvm</type>\n    <boot dev=\"network\"/>\n    <boot dev=\"cdrom\"/>\n    "
                  "<boot dev=\"hd\"/>\n  </os>"));
  request.keep_cdroms = false;
  const std::string without = rewrite_domain(request);
  EXPECT_TRUE(has(without, "<boot dev=\"network\"/>\n    <boot dev=\"hd\"/>\n  </os>"));
  EXPECT_FALSE(has(without, "cdrom"));
  EXPECT_FALSE(has(without, "order="));
}

TEST(DomainRewrite, Screens) {
  const std::string vnc = rewrite_domain(
      to_kvm(pv("",
                "<graphics type='vnc' port='5907' autoport='no' keymap='de' passwd='s3cret'>"
                "<listen type='address' address='192.0.2.1'/></graphics>"
                "<graphics type='sdl' display=':0' xauth='/root/.Xauthority'/>"
                "<video><model type='xen' vram='4096'/></video>")));
  EXPECT_TRUE(has(vnc,
                  "<graphics type=\"vnc\" port=\"5907\" autoport=\"no\" keymap=\"de\" "
                  "passwd=\"s3cret\">\n      <listen type=\"address\" address=\"192.0.2.1\"/>"))
      << vnc;
  EXPECT_FALSE(has(vnc, "sdl"));
  EXPECT_TRUE(has(vnc, "<model type=\"vga\"/>"));
  const std::string running = rewrite_domain(to_kvm(dump("hvm.running")));
  EXPECT_FALSE(has(running, "5900"));
  EXPECT_TRUE(has(running, "<model type=\"cirrus\"/>"));
  EXPECT_TRUE(has(running, "<input type=\"tablet\" bus=\"usb\"/>"));
  const std::string none = rewrite_domain(to_kvm(dump("pv-partition.inactive")));
  EXPECT_FALSE(has(none, "<graphics"));
  EXPECT_FALSE(has(none, "tablet"));
}

TEST(DomainRewrite, DrivesAreEmptied) {
  std::string drives;
  for (const char* name : {"hdb", "hdc", "hdd", "sda", "sdb"}) {
    drives += fmt::format(
        "<disk type='file' device='cdrom'><source file='/cd'/>"
        "<target dev='{}'/></disk>",
        name);
  }
  drives += "<disk type='file' device='floppy'><source file='/f'/><target dev='fda'/></disk>";
  RewriteRequest request = to_kvm(hvm("", "", drives));
  const auto ide = read_domain_xml(rewrite_domain(request), "x");
  ASSERT_EQ(ide.disks.size(), 6U);  // two disks, and the four places of IDE
  EXPECT_EQ(ide.disks[2].target, "hdc");
  EXPECT_EQ(ide.disks[5].target, "hdb");
  EXPECT_EQ(ide.disks[2].source, "");
  request.machine = "q35";
  const auto sata = read_domain_xml(rewrite_domain(request), "x");
  EXPECT_EQ(sata.disks[2].bus, "sata");
  EXPECT_EQ(sata.disks[2].target, "sda");
}

TEST(DomainRewrite, IdeDisksAndAnEmulatedCardWhereTheGuestHasNoVirtio) {
  const std::string drive = "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>";
  RewriteRequest request = to_kvm(hvm(
      "", "", drive + drive + drive + "<interface type='bridge'><source bridge='b'/></interface>"));
  request.disks = {{"hda", "/srv/a.raw", DiskFormat::raw, false, false, "ide"},
                   {"hdc", "/srv/c.raw", DiskFormat::raw, false, false, "ide"}};
  request.nic_model = "rtl8139";
  const std::string xml = rewrite_domain(request);
  EXPECT_TRUE(validate_domain_xml(xml).checked);
  EXPECT_FALSE(has(xml, "virtio")) << xml;
  EXPECT_TRUE(has(xml, "<model type=\"rtl8139\"/>"));
  const auto domain = read_domain_xml(xml, "x");
  std::vector<std::string> places;
  for (const auto& disk : domain.disks) {
    places.push_back(disk.target);
  }
  // Two drives find a place beside the disks, a third does not.
  EXPECT_EQ(places, (std::vector<std::string>{"hda", "hdc", "hdd", "hdb"}));
}

// A site's stylesheet that asks for q35; libvirt would only refuse when all was copied.
TEST(DomainRewrite, IdeDisksNeedAMachineThatHasThem) {
  RewriteRequest request = to_kvm(hvm("", ""));
  request.disks = {{"hda", "/srv/a.raw", DiskFormat::raw, false, false, "ide"}};
  request.machine = "pc-q35-7.2";
  const auto error = error_of([&] { static_cast<void>(rewrite_domain(request)); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(has(error->message(), "pc-q35-7.2")) << error->message();
  request.disks[0].bus = "virtio";
  EXPECT_TRUE(has(rewrite_domain(request), "pc-q35-7.2"));
}

TEST(DomainRewrite, Networks) {
  const std::string xml = rewrite_domain(to_kvm(
      pv("",
         "<interface type='bridge'><mac address='00:16:3e:00:00:01'/>"
         "<source bridge='ovs0'/><virtualport type='openvswitch'/>"
         "<vlan><tag id='10'/></vlan><script path='vif-openvswitch'/><target dev='vif1.0'/>"
         "<ip address='192.0.2.10' family='ipv4'/><model type='netfront'/></interface>"
         "<interface type='network'><source network='lan' portgroup='p' portid='x' bridge='b'/>"
         "<target dev='vif1.1'/></interface>"
         "<interface type='direct'><source dev='eth0' mode='bridge'/></interface>"
         "<interface type='hostdev'><source><address type='pci' domain='0' bus='1' slot='0' "
         "function='0'/></source></interface>"
         "<interface type='ethernet'><script path='vif-route'/></interface>")));
  EXPECT_TRUE(validate_domain_xml(xml).checked);
  EXPECT_TRUE(has(xml,
                  "<source bridge=\"ovs0\"/>\n      <virtualport type=\"openvswitch\"/>\n"
                  "      <vlan>\n        <tag id=\"10\"/>"));
  EXPECT_TRUE(has(xml, "<source network=\"lan\" portgroup=\"p\"/>"));
  EXPECT_TRUE(has(xml, "<source dev=\"eth0\" mode=\"bridge\"/>"));
  EXPECT_TRUE(has(xml, "<interface type=\"ethernet\">"));
  for (const char* gone : {"script", "vif1", "192.0.2.10", "netfront", "portid", "hostdev"}) {
    EXPECT_FALSE(has(xml, gone)) << gone;
  }
}

TEST(DomainRewrite, UefiStaysUefi) {
  const std::string xml = rewrite_domain(
      to_kvm(hvm("<loader readonly='yes' type='pflash'>/usr/lib/xen/boot/ovmf.bin</loader>", "")));
  EXPECT_TRUE(has(xml, "<os firmware=\"efi\">"));
  EXPECT_FALSE(has(xml, "ovmf.bin"));
  EXPECT_TRUE(read_domain_xml(xml, "x").uefi);
  EXPECT_TRUE(validate_domain_xml(xml).checked);
}

TEST(DomainRewrite, TuningThatMeansTheOldHostIsDropped) {
  const std::string xml = rewrite_domain(to_kvm(
      pv("<title>t</title><description>d</description>"
         "<metadata><x:y xmlns:x='urn:x'>kept</x:y></metadata><vcpu cpuset='0-1' "
         "current='1'>2</vcpu><cputune><shares>512</shares><vcpupin vcpu='0' cpuset='0'/></cputune>"
         "<numatune><memory mode='strict' nodeset='0'/></numatune>"
         "<cpu><topology sockets='2' cores='1' threads='1'/></cpu>",
         "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' "
         "function='0'/></source></hostdev>")));
  EXPECT_TRUE(validate_domain_xml(xml).checked);
  EXPECT_TRUE(has(xml, "<shares>512</shares>"));
  EXPECT_TRUE(has(xml, "<vcpu placement=\"static\" current=\"1\">2</vcpu>"));
  EXPECT_TRUE(has(xml, "<x:y xmlns:x=\"urn:x\">kept</x:y>"));
  EXPECT_TRUE(has(xml, "<topology sockets=\"2\""));
  EXPECT_FALSE(has(xml, "cpuset") || has(xml, "numatune") || has(xml, "hostdev"));
}

TEST(DomainRewrite, ASecondMachineGetsItsAddressesInPlaceOfTheOldOnes) {
  RewriteRequest request =
      to_kvm(pv("",
                "<interface type='bridge'><mac address='00:16:3e:00:00:01'/><source bridge='br0'/>"
                "</interface><interface type='bridge'><source bridge='br1'/></interface>"));
  request.macs = {"52:54:00:00:00:01", "52:54:00:00:00:02"};
  const std::string xml = rewrite_domain(request);
  EXPECT_TRUE(validate_domain_xml(xml).checked);
  const auto nics = read_domain_xml(xml, "x").nics;
  ASSERT_EQ(nics.size(), 2U);
  EXPECT_EQ(nics[0].mac, "52:54:00:00:00:01");
  EXPECT_EQ(nics[1].mac, "52:54:00:00:00:02");
  EXPECT_FALSE(has(xml, "00:16:3e"));
}

TEST(DomainRewrite, BlockDevicesPastThePageCache) {
  const std::string xml = rewrite_domain(to_kvm(dump("pvh.inactive")));
  EXPECT_TRUE(has(xml,
                  "<driver name=\"qemu\" type=\"raw\" discard=\"unmap\"/>\n"
                  "      <source file=\"/srv/vms/web01-vda.raw\"/>"));
  EXPECT_TRUE(has(xml,
                  "<driver name=\"qemu\" type=\"raw\" cache=\"none\" io=\"native\" "
                  "discard=\"unmap\"/>\n      <source dev=\"/dev/vg0/web01-vdb\"/>"));
}

TEST(DomainRewrite, XenBootsAsAsked) {
  RewriteRequest request = to_xen(dump("pv-partition.running"));
  EXPECT_EQ(read_domain_xml(rewrite_domain(request), "x").direct_boot->kernel,
            "/boot/vmlinuz-6.1.0-56-amd64");
  request.boot = XenBoot::pygrub;
  const std::string xml = rewrite_domain(request);
  const auto own = read_domain_xml(xml, "x");
  EXPECT_EQ(own.bootloader, "pygrub");
  EXPECT_FALSE(own.direct_boot.has_value());
  EXPECT_FALSE(own.was_running);
  EXPECT_EQ(own.kind, model::VirtKind::pv);
  EXPECT_EQ(own.disks[0].target, "xvda");
  EXPECT_EQ(own.disks[0].format, DiskFormat::qcow2);
  EXPECT_EQ(own.disks.size(), 2U);
  EXPECT_TRUE(has(xml, "<driver name=\"phy\" type=\"raw\"/>"));
  EXPECT_TRUE(validate_domain_xml(xml).checked);

  RewriteRequest hvm_guest = to_xen(dump("hvm.running"));
  hvm_guest.boot = XenBoot::pygrub;
  EXPECT_FALSE(read_domain_xml(rewrite_domain(hvm_guest), "x").bootloader.has_value());

  RewriteRequest direct = to_xen(dump("pv-disk-pygrub-block.running"));
  EXPECT_TRUE(has(rewrite_domain(direct), "<bootloader_args>-q</bootloader_args>"));
  direct.boot = XenBoot::direct;
  EXPECT_FALSE(has(rewrite_domain(direct), "bootloader"));
}

// libvirt's own word, through its test driver: no daemon, nothing stays.
TEST(DomainRewrite, VirshDefinesTheResult) {
  if (std::system("command -v virsh >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "virsh is not installed (package libvirt-clients)";
  }
  const TempDir dir(std::filesystem::temp_directory_path(), "vmconvert-virsh");
  for (const std::string& name : k_dumps) {
    RewriteRequest request = to_kvm(dump(name));
    request.virt_type = "qemu";
    const auto file = dir.path() / (name + ".xml");
    const auto log = dir.path() / "log";
    std::ofstream(file) << rewrite_domain(request);
    const std::string command =
        fmt::format("virsh -q -c test:///default 'define --validate {}; dumpxml web01' >{} 2>&1",
                    file.string(), log.string());
    EXPECT_EQ(std::system(command.c_str()), 0) << read_text_file(log);
    EXPECT_TRUE(has(read_text_file(log), "org.qemu.guest_agent.0")) << read_text_file(log);
  }
}

}  // namespace
}  // namespace vmconvert::domain
