#include "guest/grub_config.hpp"

#include <gtest/gtest.h>

#include "guest/grub_path.hpp"

namespace vmconvert::guest {
namespace {

TEST(LegacyMenu, tells_the_default_entry) {
  const BootMenu menu = read_legacy_menu(
      "# default 7\ndefault=1\ntimeout 5\n\n"
      "title  Old\nroot (hd0,0)\nkernel /vmlinuz-2.6.9 ro root=/dev/xvda2\ninitrd /initrd-2.6.9\n"
      "title  New one\n\troot\t(hd0,2)\n\tkernel --no-mem-option /vmlinuz-2.6.18 root=/dev/sda2 "
      "console=xvc0\n\tinitrd\t/initrd-2.6.18.img\n");
  ASSERT_EQ(menu.entries.size(), 2U);
  ASSERT_EQ(menu.chosen, 1U);
  const BootEntry& entry = menu.entries[1];
  EXPECT_EQ(entry.title, "New one");
  EXPECT_EQ(entry.device, "(hd0,3)");
  EXPECT_EQ(entry.kernel, "/vmlinuz-2.6.18");
  EXPECT_EQ(entry.argument("root"), "/dev/sda2");
  EXPECT_EQ(entry.argument("console"), "xvc0");
  EXPECT_EQ(entry.initrds, std::vector<std::string>{"/initrd-2.6.18.img"});
}

TEST(LegacyMenu, falls_back_to_the_first_entry) {
  for (const char* line :
       {"default saved\n", "default 9\n", "default 99999999999999999999\n", ""}) {
    const BootMenu menu =
        read_legacy_menu(std::string(line) + "title a\nkernel /a\ntitle b\nkernel /b\n");
    EXPECT_EQ(menu.chosen, 0U) << line;
  }
  EXPECT_FALSE(read_legacy_menu("default 0\n").chosen);
}

TEST(LegacyMenu, sees_the_linux_kernel_below_a_hypervisor) {
  const BootMenu menu = read_legacy_menu(
      "title Xen\nroot (hd0,0)\nkernel /xen.gz dom0_mem=1G\nmodule /vmlinuz-2.6-xen "
      "root=/dev/sda1\n"
      "module /initrd-2.6-xen\n");
  ASSERT_EQ(menu.entries.size(), 1U);
  EXPECT_TRUE(menu.entries[0].xen_host);
  EXPECT_EQ(menu.entries[0].kernel, "/vmlinuz-2.6-xen");
  EXPECT_EQ(menu.entries[0].initrds, std::vector<std::string>{"/initrd-2.6-xen"});
}

constexpr const char* k_debian = R"(
if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
else
   set default="1>1"
fi
function load_video {
  linux /never/run
}
set root='hd0,msdos9'
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple' {
	load_video
	insmod ext2
	set root='hd0,msdos1'
	if [ x$feature_platform_search_hint = xy ]; then
	  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,msdos1  1111-AA
	else
	  search --no-floppy --fs-uuid --set=root 1111-AA
	fi
	echo	'Loading Linux 6.1.0-1 ...'
	linux	/vmlinuz-6.1.0-1 root=UUID=2222 ro  quiet
	initrd	/microcode.img /initrd.img-6.1.0-1
}
submenu 'Advanced options' $menuentry_id_option 'advanced' {
	menuentry 'first' --class debian { linux /a }
	menuentry 'second' --id second-id {
		linux (hd0,gpt3)/b root=/dev/vda2
	}
}
)";

TEST(Grub2Menu, reads_what_debian_writes) {
  const BootMenu menu = read_grub2_menu(k_debian);
  ASSERT_EQ(menu.entries.size(), 3U);
  EXPECT_EQ(menu.chosen, 2U);
  const BootEntry& simple = menu.entries[0];
  EXPECT_EQ(simple.title, "Debian GNU/Linux");
  EXPECT_EQ(simple.id, "gnulinux-simple");
  EXPECT_EQ(simple.device, "(hd0,msdos1)");
  EXPECT_EQ(simple.search_uuid, "1111-AA");
  EXPECT_EQ(simple.kernel, "/vmlinuz-6.1.0-1");
  EXPECT_EQ(simple.arguments, "root=UUID=2222 ro quiet");
  EXPECT_EQ(simple.initrds, (std::vector<std::string>{"/microcode.img", "/initrd.img-6.1.0-1"}));
  EXPECT_EQ(menu.entries[1].position, "1>0");
  EXPECT_EQ(menu.entries[1].device, "(hd0,msdos9)");
  EXPECT_EQ(menu.entries[2].device, "(hd0,gpt3)");
  EXPECT_EQ(menu.entries[2].kernel, "/b");
}

TEST(Grub2Menu, finds_the_default_by_title_id_and_saved_entry) {
  const std::string entries =
      "menuentry 'one' { linux /1 }\nsubmenu 'more' --id sub {\nmenuentry 'two' --id id2 { linux "
      "/2 "
      "}\n}\n";
  EXPECT_EQ(read_grub2_menu("set default='more>two'\n" + entries).chosen, 1U);
  EXPECT_EQ(read_grub2_menu("set default=sub>id2\n" + entries).chosen, 1U);
  EXPECT_EQ(read_grub2_menu("set default=1\n" + entries).chosen, 1U);
  EXPECT_EQ(read_grub2_menu("set default=nowhere\n" + entries).chosen, 0U);
  const std::string saved = "set default=\"${saved_entry}\"\n" + entries;
  EXPECT_EQ(read_grub2_menu(saved, "id2").chosen, 1U);
  EXPECT_EQ(read_grub2_menu(saved, "").chosen, 0U);
}

TEST(Grub2Menu, reads_scripts_without_a_menu) {
  const BootMenu menu =
      read_grub2_menu("search --label BOOT --set root; linux /vmlinuz a=b\nboot\n");
  ASSERT_EQ(menu.chosen, 0U);
  EXPECT_EQ(menu.entries[0].kernel, "/vmlinuz");
  EXPECT_EQ(menu.entries[0].search_label, "BOOT");
}

TEST(Grub2Menu, names_what_else_it_loads) {
  const BootMenu menu = read_grub2_menu(
      "insmod blscfg\nblscfg\nconfigfile /boot/grub/other.cfg\nlegacy_configfile "
      "(hd0,1)/menu.lst\n");
  EXPECT_TRUE(menu.loader_spec);
  ASSERT_EQ(menu.includes.size(), 2U);
  EXPECT_EQ(menu.includes[0].path, "/boot/grub/other.cfg");
  EXPECT_EQ(menu.includes[1].path, "/menu.lst");
  EXPECT_TRUE(menu.includes[1].legacy);
}

// Guests are hostile: whatever stands there, reading ends and the answer is bounded.
TEST(Grub2Menu, survives_nonsense) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) {
    deep += "submenu x {\n";
  }
  EXPECT_TRUE(read_grub2_menu(deep).entries.empty());
  std::string many;
  for (int i = 0; i < 20000; ++i) {
    many += "menuentry x { linux /y }\n";
  }
  EXPECT_LE(read_grub2_menu(many).entries.size(), 1024U);
  for (const char* text :
       {"}}}}\n}\n", "menuentry", "menuentry 'unclosed", "set\nset x\nlinux\nsearch\n",
        "menuentry { linux", "\\", "'", "{", "} {\n} menuentry {", "# only"}) {
    EXPECT_LE(read_grub2_menu(text).entries.size(), 1U) << text;
  }
}

// Each entry has the names of what it stands in: a thousand copies of megabytes would be gigabytes.
TEST(Grub2Menu, keeps_no_long_names) {
  const std::string longest(1U << 20U, 'a');
  std::string script = "search --fs-uuid --set=root " + longest + "\nset root='" + longest +
                       "'\nsubmenu '" + longest + "' --id " + longest + " {\n";
  for (int i = 0; i < 1000; ++i) {
    script += "menuentry '" + std::string(2000, 'b') + "' { linux /vmlinuz\n}\n";
  }
  const BootMenu menu = read_grub2_menu(script + "}\n");
  ASSERT_EQ(menu.entries.size(), 1000U);
  std::size_t bytes = 0;
  for (const BootEntry& entry : menu.entries) {
    bytes += entry.title.size() + entry.id.size() + entry.device.size() + entry.search_uuid.size();
  }
  EXPECT_LT(bytes, 2U << 20U);
}

TEST(LoaderSpec, reads_an_entry) {
  const BootEntry entry = read_loader_spec_entry(
      "title Fedora\nlinux /vmlinuz-5.1\ninitrd /initramfs-5.1.img $tuned_initrd\noptions "
      "root=/dev/a "
      "ro\n",
      "abc-5.1.conf");
  EXPECT_EQ(entry.id, "abc-5.1");
  EXPECT_EQ(entry.kernel, "/vmlinuz-5.1");
  EXPECT_EQ(entry.initrds, std::vector<std::string>{"/initramfs-5.1.img"});
  EXPECT_EQ(entry.argument("root"), "/dev/a");
}

TEST(GrubDevice, is_counted_from_one) {
  EXPECT_EQ(grub2_device("(hd1,0)"), "(hd1,1)");
  EXPECT_EQ(grub2_device("(hd0)"), "(hd0)");
  EXPECT_EQ(grub2_device("(hd0,a)"), "(hd0,a)");
  EXPECT_EQ(grubenv_value("# GRUB\nsaved_entry=x>y\n###", "saved_entry"), "x>y");
}

}  // namespace
}  // namespace vmconvert::guest
