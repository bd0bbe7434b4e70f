#include "domain/xl_config.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>

#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "domain/nodes.hpp"
#include "domain/read.hpp"
#include "domain/validate.hpp"
#include "domain/xml.hpp"
#include "unit/domain_support.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace vmconvert::domain {
namespace {

using model::DiskDevice;
using model::DiskFormat;
using model::VirtKind;

std::string config(const std::string& more) {
  return "name = 'g'\nmemory = 256\nbootloader = 'pygrub'\n" + more;
}
model::Domain xl_guest(const std::string& more) {
  return read_domain_xml(xl_config_to_xml(config(more), "g.cfg"), "g.cfg");
}
bool has_text(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// One element on one line, attributes in order of their names: for comparing meanings.
std::string canonical(const xmlNode& node) {
  std::vector<std::string> attributes;
  for (const xmlAttr* at = node.properties; at != nullptr; at = at->next) {
    const auto* name = reinterpret_cast<const char*>(at->name);
    attributes.push_back(fmt::format(" {}='{}'", name, *attribute(&node, name)));
  }
  std::sort(attributes.begin(), attributes.end());
  std::string inside;
  for (const xmlNode* child = node.children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) {
      inside += canonical(*child);
    }
  }
  return fmt::format("<{}{}>{}</>", reinterpret_cast<const char*>(node.name), join(attributes, ""),
                     inside.empty() ? text_of(&node) : inside);
}

std::string canonical_children(const xmlNode& parent, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    for (const xmlNode* node : children(parent, name)) {
      text += canonical(*node) + "\n";
    }
  }
  return text;
}

class DomainXlDump : public ::testing::TestWithParam<std::string> {};

// Against what a real libvirt made of the same file.
TEST_P(DomainXlDump, SaysWhatLibvirtSays) {
  const auto folder = k_golden / "xl";
  const std::string text = xl_config_to_xml(read_text_file(folder / (GetParam() + ".cfg")), "cfg");
  const std::string real = read_text_file(folder / (GetParam() + ".from-xl.xml"));
  const XmlDoc our_tree = parse_xml(text, "ours");
  const XmlDoc real_tree = parse_xml(real, "libvirt's");
  const xmlNode& ours = *xmlDocGetRootElement(our_tree.get());
  const xmlNode& theirs = *xmlDocGetRootElement(real_tree.get());
  // <bootloader_args> is left out: libvirt forgets bootloader_args, which xl does hand to pygrub.
  const std::vector<std::string> names = {"name",     "uuid",        "memory",    "currentMemory",
                                          "vcpu",     "bootloader",  "os",        "clock",
                                          "features", "on_poweroff", "on_reboot", "on_crash"};
  EXPECT_EQ(canonical_children(ours, names), canonical_children(theirs, names));
  const std::vector<std::string> devices = {"interface", "graphics", "serial", "console"};
  EXPECT_EQ(canonical_children(*child(ours, "devices"), devices),
            canonical_children(*child(theirs, "devices"), devices));

  const auto our_disks = read_domain_xml(text, "ours").disks;
  const auto their_disks = read_domain_xml(real, "libvirt's").disks;
  ASSERT_EQ(our_disks.size(), their_disks.size());
  for (std::size_t i = 0; i < our_disks.size(); ++i) {
    EXPECT_EQ(our_disks[i].target, their_disks[i].target);
    EXPECT_EQ(our_disks[i].bus, their_disks[i].bus);
    EXPECT_EQ(our_disks[i].source, their_disks[i].source);
    EXPECT_EQ(our_disks[i].format, their_disks[i].format);
    EXPECT_EQ(our_disks[i].device, their_disks[i].device);
    EXPECT_EQ(our_disks[i].readonly, their_disks[i].readonly);
  }
}

TEST_P(DomainXlDump, IsTheGoldenAndValid) {
  const auto folder = k_golden / "xl";
  const std::string text = xl_config_to_xml(read_text_file(folder / (GetParam() + ".cfg")), "cfg");
  EXPECT_TRUE(validate_domain_xml(text).checked);
  expect_golden(folder / (GetParam() + ".ours.xml"), text);
}

INSTANTIATE_TEST_SUITE_P(All, DomainXlDump,
                         ::testing::Values("hvm", "hvmlin", "pvdisk", "pvh", "pvpart"));

// libvirt's own export: keyed disks, and a script on a bridge.
TEST(DomainXl, WhatLibvirtExports) {
  const std::string xml =
      xl_config_to_xml(read_text_file(k_golden / "xl/legacy3.to-xl.cfg"), "legacy3.cfg");
  const auto ours = read_domain_xml(xml, "x");
  const auto original = read_domain_xml(dump("pv-disk-pygrub-block.inactive"), "x");
  EXPECT_EQ(ours.name, original.name);
  EXPECT_EQ(ours.uuid, original.uuid);
  EXPECT_EQ(ours.bootloader, original.bootloader);
  ASSERT_EQ(ours.disks.size(), 1U);
  EXPECT_EQ(ours.disks[0].source, original.disks[0].source);
  EXPECT_EQ(ours.nics[0].mac, original.nics[0].mac);
  EXPECT_TRUE(has_text(xml, "<bootloader_args>-q</bootloader_args>"));
  EXPECT_TRUE(has_text(xml, "<script path=\"vif-bridge\"/>"));
  EXPECT_TRUE(has_text(xml, "<disk type=\"block\" device=\"disk\">\n      <driver name=\"phy\""));
}

TEST(DomainXl, DisksInEverySpelling) {
  struct Case {
    const char* spec;
    const char* target;
    const char* source;
    DiskFormat format = DiskFormat::raw;
    bool readonly = false;
    DiskDevice device = DiskDevice::disk;
  };
  for (const Case& c :
       {Case{"phy:/dev/vg/a,xvda,w", "xvda", "/dev/vg/a"},
        Case{"phy:vg/a,xvda,w", "xvda", "/dev/vg/a"},
        Case{"phy:/dev/vg/a,/dev/xvda,w", "xvda", "/dev/vg/a"},
        Case{"file:/a b.img,xvda1,r", "xvda1", "/a b.img", DiskFormat::raw, true},
        Case{"tap:aio:/a.img,sda,w", "sda", "/a.img"},
        Case{"tap:tapdisk:aio:/a.img,hda,w", "hda", "/a.img"},
        Case{"tap:qcow2:/a.img,xvda,w", "xvda", "/a.img", DiskFormat::qcow2},
        Case{"phy:/dev/vg/a,ioemu:hda,w", "hda", "/dev/vg/a"},
        Case{"/a.img,qcow2,xvdb,rw", "xvdb", "/a.img", DiskFormat::qcow2},
        Case{"/a.img,,xvdb", "xvdb", "/a.img"},
        Case{"format=qcow2,vdev=xvdc,access=ro,target=/a=b.img", "xvdc", "/a=b.img",
             DiskFormat::qcow2, true},
        Case{"/a.img, raw, xvda2, rw, backendtype=qdisk", "xvda2", "/a.img"},
        Case{"file:/cd.iso,hdc:cdrom,r", "hdc", "/cd.iso", DiskFormat::raw, true,
             DiskDevice::cdrom},
        Case{",,hdc,cdrom", "hdc", "", DiskFormat::raw, true, DiskDevice::cdrom},
        Case{"devtype=cdrom,vdev=hdc", "hdc", "", DiskFormat::raw, true, DiskDevice::cdrom},
        Case{"file:/f.img,fda,w", "fda", "/f.img", DiskFormat::raw, false, DiskDevice::floppy}}) {
    const auto domain = xl_guest(fmt::format("disk = [ '{}' ]", c.spec));
    ASSERT_EQ(domain.disks.size(), 1U) << c.spec;
    const auto& disk = domain.disks[0];
    EXPECT_EQ(disk.target, c.target) << c.spec;
    EXPECT_EQ(disk.source, c.source) << c.spec;
    EXPECT_EQ(disk.format, c.format) << c.spec;
    EXPECT_EQ(disk.readonly, c.readonly) << c.spec;
    EXPECT_EQ(disk.device, c.device) << c.spec;
  }
}

TEST(DomainXl, WhatThePathIsDecidesTheType) {
  const TempDir dir(std::filesystem::temp_directory_path(), "vmconvert-xl");
  const auto image = dir.path() / "a & b.img";
  std::ofstream(image) << "x";
  const std::string file =
      xl_config_to_xml(config(fmt::format("disk = [ 'phy:{},xvda,w' ]", image.string())), "g.cfg");
  EXPECT_TRUE(has_text(file, "<disk type=\"file\"")) << file;
  EXPECT_EQ(read_domain_xml(file, "x").disks[0].source, image);
  // There is no such device here; and /dev/null is one, of another kind.
  EXPECT_TRUE(has_text(xl_config_to_xml(config("disk = [ 'phy:/dev/no-such/lv,xvda,w' ]"), "g"),
                       "<disk type=\"block\""));
  EXPECT_TRUE(has_text(xl_config_to_xml(config("disk = [ 'phy:/dev/null,xvda,w' ]"), "g"),
                       "<disk type=\"file\""));
  EXPECT_TRUE(has_text(xl_config_to_xml(config("disk = [ 'phy:/srv/no-such.img,xvda,w' ]"), "g"),
                       "<disk type=\"file\""));
}

TEST(DomainXl, DisksThatWeCannotReadAreNamed) {
  struct Case {
    const char* spec;
    ErrorKind kind;
    const char* says;
  };
  for (const Case& c :
       {Case{"tap2:vhd:/a,xvdq,w", ErrorKind::unsupported,
             "disk xvdq (\"tap2:vhd:/a,xvdq,w\"): the format vhd"},
        Case{"/a,vmdk,xvdq,w", ErrorKind::bad_input, "vmdk"},
        Case{"/a,bogus,xvdq,w", ErrorKind::bad_input, "\"/a,bogus,xvdq,w\""},
        Case{"nonsense", ErrorKind::bad_input,
             "cannot be understood: config parsing error in disk specification: no vdev"},
        Case{"drbd:r0,xvdq,w", ErrorKind::unsupported,
             "disk xvdq (\"drbd:r0,xvdq,w\") is served by the script block-drbd"},
        Case{"script=block-iscsi,vdev=xvdq,target=iqn", ErrorKind::unsupported, "xvdq"},
        Case{"/a,raw,xvdq,rw,backend=storage", ErrorKind::unsupported, "the domain storage"}}) {
    const auto error = error_of(
        [&] { xl_config_to_xml(config(fmt::format("disk = [ '{}' ]", c.spec)), "g.cfg"); });
    ASSERT_TRUE(error) << c.spec;
    EXPECT_EQ(error->kind(), c.kind) << error->message();
    EXPECT_TRUE(has_text(error->message(), c.says)) << error->message();
    EXPECT_TRUE(has_text(error->message(), "g.cfg")) << error->message();
    EXPECT_FALSE(error->remedy().empty());
  }
}

TEST(DomainXl, Kinds) {
  EXPECT_EQ(xl_guest("").kind, VirtKind::pv);
  EXPECT_EQ(xl_guest("builder = 'generic'").kind, VirtKind::pv);
  EXPECT_EQ(xl_guest("builder = 'hvm'").kind, VirtKind::hvm);
  EXPECT_EQ(xl_guest("type = 'pvh'\nkernel = '/k'").kind, VirtKind::pvh);
  // Firmware of old HVM configurations, not a kernel of the guest's.
  EXPECT_FALSE(
      xl_guest("builder = 'hvm'\nkernel = '/usr/lib/xen/boot/hvmloader'").direct_boot.has_value());
  EXPECT_TRUE(xl_guest("type = 'hvm'\nbios = 'ovmf'").uefi);
  EXPECT_EQ(xl_guest("").uuid, "");
  EXPECT_EQ(xl_guest("uuid = 'C0FFEE00111122223333444455556601'").uuid,
            "c0ffee00-1111-2222-3333-444455556601");
}

TEST(DomainXl, KernelArgumentsAsXlJoinsThem) {
  const auto arguments = [](const std::string& more) {
    return xl_guest("kernel = '/k'\n" + more).direct_boot->cmdline;
  };
  EXPECT_EQ(arguments("root = '/dev/xvda1 ro'\nextra = '3 quiet'"), "root=/dev/xvda1 ro 3 quiet");
  EXPECT_EQ(arguments("extra = '3'"), "3");
  EXPECT_EQ(arguments("cmdline = 'a=b'\nroot = '/dev/x'"), "a=b");
  EXPECT_EQ(arguments(""), "");
}

TEST(DomainXl, MemoryAndCpus) {
  const auto domain = xl_guest("maxmem = 512\nvcpus = '2'\nmaxvcpus = 4");
  EXPECT_EQ(domain.memory.value, 512 * k_mib);
  EXPECT_EQ(domain.vcpus, 4U);
  EXPECT_TRUE(has_text(domain.xml, "<currentMemory unit=\"KiB\">262144</currentMemory>"));
  EXPECT_TRUE(has_text(domain.xml, "current=\"2\""));
}

TEST(DomainXl, Interfaces) {
  const std::string xml =
      xl_config_to_xml(config("vif = [ '', 'mac=00:16:3E:0:0:1,bridge=br1,rate=2MB/s@50ms', "
                              "'bridge=ovs0.10,script=vif-openvswitch', "
                              "'ip=192.0.2.7 2001:db8::7,script=vif-route' ]"),
                       "g.cfg");
  EXPECT_TRUE(validate_domain_xml(xml).checked);
  const auto nics = read_domain_xml(xml, "x").nics;
  ASSERT_EQ(nics.size(), 4U);
  EXPECT_EQ(nics[0].bridge, "xenbr0");  // xl's default
  EXPECT_EQ(nics[0].mac, "");
  EXPECT_EQ(nics[1].mac, "00:16:3e:00:00:01");
  EXPECT_TRUE(has_text(xml, "<outbound average=\"2048\"/>"));
  EXPECT_EQ(nics[2].bridge, "ovs0");
  EXPECT_TRUE(has_text(xml, "<virtualport type=\"openvswitch\"/>"));
  EXPECT_TRUE(has_text(xml, "<tag id=\"10\"/>"));
  EXPECT_TRUE(has_text(xml, "<interface type=\"ethernet\">"));
  EXPECT_TRUE(has_text(xml, "<ip address=\"2001:db8::7\" family=\"ipv6\"/>"));

  const auto error = error_of([] { xl_config_to_xml(config("vif = [ 'xenbr0' ]"), "g.cfg"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "g.cfg: vif \"xenbr0\": \"xenbr0\" is not key=value");
}

TEST(DomainXl, Screens) {
  const auto xml = [](const std::string& more) { return xl_config_to_xml(config(more), "g.cfg"); };
  EXPECT_TRUE(has_text(xml("vfb = [ 'type=vnc,vnclisten=0.0.0.0,vncdisplay=3,vncpasswd=s' ]"),
                       "<graphics type=\"vnc\" port=\"5903\" autoport=\"no\" passwd=\"s\" "
                       "listen=\"0.0.0.0\">"));
  EXPECT_FALSE(has_text(xml("vfb = [ 'type=sdl' ]"), "<graphics"));
  EXPECT_FALSE(has_text(xml("vnc = 0\ntype = 'hvm'"), "<graphics"));
  EXPECT_TRUE(has_text(xml("type = 'hvm'\nvnc = 1\nvncunused = 0\nvnclisten = '127.0.0.1:7'"),
                       "port=\"5907\" autoport=\"no\" listen=\"127.0.0.1\""));
  EXPECT_TRUE(has_text(xml("type = 'hvm'\nspice = 1\nspiceport = 6000"),
                       "<graphics type=\"spice\" port=\"6000\" autoport=\"no\"/>"));
  EXPECT_TRUE(has_text(xml("type = 'hvm'\nstdvga = 1"), "<model type=\"vga\"/>"));
  EXPECT_TRUE(has_text(xml("type = 'hvm'\nusbdevice = [ 'tablet' ]"),
                       "<input type=\"tablet\" bus=\"usb\"/>"));
  EXPECT_TRUE(has_text(xml("type = 'hvm'\nlocaltime = 1"), "basis=\"localtime\""));
  EXPECT_TRUE(
      has_text(xml("type = 'hvm'\nboot = 'ndca'"),
               "<boot dev=\"network\"/>\n    <boot dev=\"cdrom\"/>\n    <boot dev=\"hd\"/>\n"
               "    <boot dev=\"fd\"/>"));
}

// libxlutil forgets what it had read of a file when it comes to a syntax error. What is made while
// this lives is not looked for by the leak checker; all else in this file is.
class LibxlutilForgets {
 public:
#ifdef __SANITIZE_ADDRESS__
  LibxlutilForgets() {
    __lsan_disable();
  }
  ~LibxlutilForgets() {
    __lsan_enable();
  }
#else
  LibxlutilForgets() {}
#endif
  LibxlutilForgets(const LibxlutilForgets&) = delete;
  LibxlutilForgets& operator=(const LibxlutilForgets&) = delete;
};

void expect_xl_refused(const std::string& text, const std::string& says) {
  const LibxlutilForgets scope;
  ::testing::internal::CaptureStderr();
  const auto error = error_of([&] { xl_config_to_xml(text, "evil.cfg"); });
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  ASSERT_TRUE(error) << says;
  EXPECT_EQ(error->kind(), ErrorKind::bad_input);
  EXPECT_TRUE(has_text(error->message(), says)) << error->message();
  EXPECT_TRUE(has_text(error->message(), "evil.cfg")) << error->message();
  EXPECT_LT(error->message().size(), 900U);
}

TEST(DomainXlHostile, SyntaxErrorsNameTheLine) {
  expect_xl_refused("name = 'g'\nmemory = \n= 3\n", "evil.cfg: line 2: ");
  expect_xl_refused("name = 'g'\nmemory = 256\ndisk = [ 'a'\n\n", "evil.cfg: line ");
  expect_xl_refused("name = 'g'\nvcpus = 'unclosed\n", "evil.cfg: line 2: ");
}

TEST(DomainXlHostile, PythonIsNotRun) {
  expect_xl_refused("import os\nos.system('touch /tmp/owned')\n", "evil.cfg: line 1: ");
  expect_xl_refused("name = 'g'\nmemory = 2 * 512\n", "evil.cfg: line 2: ");
  expect_xl_refused("def f():\n  return 1\nname = f()\n", "evil.cfg: line 1: ");
  expect_xl_refused("name = 'g' + str(1)\n", "evil.cfg: line 1: ");
}

TEST(DomainXlHostile, ValuesOfTheWrongType) {
  expect_xl_refused("name = [ 'a', 'b' ]\nmemory = 1\n", "name is not a single text");
  expect_xl_refused("name = 'g'\nmemory = 'much'\n", "memory is not a number");
  expect_xl_refused("name = 'g'\n", "memory is missing");
  expect_xl_refused("name = 'g'\nmemory = -1\n", "evil.cfg: line 2: ");
  expect_xl_refused("name = 'g'\nmemory = 9999999999999999999\n", "memory is not a number");
  expect_xl_refused("memory = 1\n", "it is empty");
  expect_xl_refused("name = '../x'\nmemory = 1\n", "it has a slash");
  expect_xl_refused("name = 'a\\nb'\nmemory = 1\n", "name is not printable text");
  expect_xl_refused("name = 'g'\nmemory = 1\nvcpus = 0\n", "virtual CPUs");
  expect_xl_refused("name = 'g'\nmemory = 1\ntype = 'jail'\n", "the type \"jail\" is not known");
  expect_xl_refused("name = 'g'\nmemory = 1\non_crash = 'burn'\n", "on_crash = \"burn\"");
  expect_xl_refused("name = 'g'\nmemory = 1\ndisk = [ [ 'a' ] ]\n", "disk is not a list of texts");
  expect_xl_refused("name = 'g'\nmemory = 1\nuuid = 'x'\n", "\"x\" is not a uuid");
}

TEST(DomainXlHostile, TooMuch) {
  expect_xl_refused("#" + std::string(k_xml_limit, 'a'), "more than the limit of 1048576");
  std::string disks = "name = 'g'\nmemory = 1\ndisk = [ ";
  for (int i = 0; i < 5000; ++i) {
    disks += fmt::format("'file:/a{},xvda{},w', ", i, i);
  }
  expect_xl_refused(disks + "]\n", "disk has 5000 items, more than the limit of 256");
  expect_xl_refused("name = 'g'\nmemory = 1\ndisk = " + std::string(200000, '[') + "\n",
                    "evil.cfg");
  expect_xl_refused("name = '" + std::string(500000, 'n') + "'\nmemory = 1\n", "longer than 200");
}

TEST(DomainXlHostile, NoText) {
  expect_xl_refused(std::string("name = 'g'\0\n", 12), "not a text file");
  expect_xl_refused("name = '\xff'\nmemory = 1\n", "not a text file");
  expect_xl_refused(
      "\x7f"
      "ELF",
      "not a text file");
  expect_xl_refused("", "it is empty");
}

// Every prefix, and bytes replaced: an Error, or a description.
TEST(DomainXlHostile, DamagedConfigurations) {
  const std::string whole = read_text_file(k_golden / "xl/pvdisk.cfg");
  std::size_t refused = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const std::string& damaged :
         {whole.substr(0, i), std::string(whole).replace(i, 1, "'"),
          std::string(whole).replace(i, 1, "["), std::string(whole).replace(i, 1, "\\")}) {
      const LibxlutilForgets scope;
      try {
        EXPECT_FALSE(xl_config_to_xml(damaged, "damaged").empty());
      } catch (const Error& error) {
        ++refused;
        EXPECT_NE(error.kind(), ErrorKind::internal) << error.message();
      }
    }
  }
  EXPECT_GT(refused, whole.size());
}

}  // namespace
}  // namespace vmconvert::domain
