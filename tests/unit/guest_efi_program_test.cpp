// Programs for UEFI: unified kernel images and their sections, also such as nobody should write.
#include <gtest/gtest.h>

#include <vmconvert/efi_program.hpp>

#include "boot_files.hpp"

namespace vmconvert::efi {
namespace {

using namespace vmconvert::boot_files;

constexpr std::size_t k_table = 0x80 + 24 + 240;  // where make_program() has its sections

const std::string k_uki = make_uki("6.9.7", cpio({"init"}), "root=/dev/xvda2 rw\n", "ID=arch\n");

TEST(EfiProgram, ReadsWhatAUnifiedKernelImageHolds) {
  const auto image = read_unified_kernel(k_uki);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->kernel, kernel_image("6.9.7"));
  EXPECT_EQ(image->initrd, cpio({"init"}));
  EXPECT_EQ(image->arguments, "root=/dev/xvda2 rw");
  EXPECT_EQ(image->release, "ID=arch\n");
  EXPECT_EQ(image->version, "6.9.7");
  EXPECT_FALSE(is_signed(k_uki));
  EXPECT_TRUE(is_signed(make_uki("6.9.7", "", "", "", true)));
}

TEST(EfiProgram, TakesNoOtherProgramForOne) {
  EXPECT_FALSE(read_unified_kernel(""));
  EXPECT_FALSE(read_unified_kernel("MZ"));
  EXPECT_FALSE(read_unified_kernel(kernel_image("6.9.7")));
  EXPECT_FALSE(read_unified_kernel(make_efi_core("/EFI/debian")));
  EXPECT_FALSE(read_unified_kernel(make_program({{".text", "x"}})));
  EXPECT_EQ(systemd_boot_version(systemd_boot("255.4-1-arch")), "255.4-1-arch");
  EXPECT_FALSE(systemd_boot_version("#### LoaderInfo: systemd-boot 255 ####")) << "no program";
  EXPECT_FALSE(systemd_boot_version(k_uki));
  EXPECT_EQ(systemd_boot_version("MZ #### LoaderInfo: systemd-boot "), "");
}

TEST(EfiProgram, RefusesATableThatLeavesTheFile) {
  std::string program = k_uki;
  put(program, 0x3c, number(0xfffffff0, 4));
  EXPECT_FALSE(sections_of(program));
  program = k_uki;
  put(program, 0x3c, number(program.size() - 4, 4));
  EXPECT_FALSE(sections_of(program));
  for (const unsigned count : {0U, 257U, 0xffffU}) {
    program = k_uki;
    put(program, 0x80 + 4 + 2, number(count, 2));
    EXPECT_FALSE(sections_of(program)) << count;
  }
  program = k_uki;
  put(program, 0x80 + 4 + 16, number(0xffff, 2));  // the size of the optional header
  EXPECT_FALSE(sections_of(program));
  for (std::size_t size = 0; size < 0x400; ++size) {
    static_cast<void>(read_unified_kernel(k_uki.substr(0, size)));
    static_cast<void>(is_signed(k_uki.substr(0, size)));
  }
}

TEST(EfiProgram, RefusesASectionThatLeavesTheFile) {
  for (const auto& [at, size] : {std::pair(0xfffffe00U, 0x1000U), std::pair(0x400U, 0xffffffffU),
                                 std::pair(0xffffffffU, 0xffffffffU)}) {
    std::string program = k_uki;
    put(program, k_table + 4 * 40 + 16, number(size, 4) + number(at, 4));
    EXPECT_FALSE(sections_of(program)) << at << " " << size;
    EXPECT_FALSE(with_arguments(program, "x"));
  }
}

TEST(EfiProgram, GivesNoMoreThanTheFileHas) {
  std::string program = k_uki;
  put(program, k_table + 3 * 40 + 8, number(0xffffffff, 4));  // .cmdline in memory
  const auto image = read_unified_kernel(program);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->arguments, "root=/dev/xvda2 rw");
  put(program, k_table + 3 * 40 + 16, number(0, 4));  // nothing of it in the file
  EXPECT_EQ(read_unified_kernel(program)->arguments, "");
}

TEST(EfiProgram, TakesTheFirstProfileOfSeveral) {
  const std::string program = make_program({{".cmdline", "of all"},
                                            {".linux", kernel_image("6.9.7")},
                                            {".cmdline", "again"},
                                            {".profile", "ID=main"},
                                            {".cmdline", "of the first"},
                                            {".profile", "ID=rescue"},
                                            {".cmdline", "rescue"}});
  EXPECT_EQ(read_unified_kernel(program)->arguments, "of the first");
}

TEST(EfiProgram, ChangesArgumentsInTheRoomThatTheyHave) {
  const auto changed = with_arguments(k_uki, "root=UUID=1 rw console=ttyS0");
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->size(), k_uki.size());
  const auto image = read_unified_kernel(*changed);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->arguments, "root=UUID=1 rw console=ttyS0");
  EXPECT_EQ(image->initrd, cpio({"init"}));
  EXPECT_EQ(image->kernel, kernel_image("6.9.7"));
  EXPECT_EQ(with_arguments(*changed, "root=UUID=1 rw console=ttyS0"), *changed);
  EXPECT_TRUE(with_arguments(k_uki, std::string(512, 'x')));
  EXPECT_FALSE(with_arguments(k_uki, std::string(513, 'x')));
}

TEST(EfiProgram, ChangesNothingThatBelongsToOthers) {
  std::string program = k_uki;  // the initrd where the arguments are, in the file
  const std::string place = k_uki.substr(k_table + 3 * 40 + 16, 8);
  put(program, k_table + 4 * 40 + 16, place);
  EXPECT_FALSE(with_arguments(program, "x"));
  program = k_uki;  // the arguments where the headers are
  put(program, k_table + 3 * 40 + 20, number(0, 4));
  EXPECT_FALSE(with_arguments(program, "x"));
  program = k_uki;  // in memory, 16 bytes before the next section
  const auto sections = sections_of(k_uki);
  put(program, k_table + 3 * 40 + 12, number((*sections)[4].address - 16, 4));
  EXPECT_TRUE(with_arguments(program, std::string(16, 'x')));
  EXPECT_FALSE(with_arguments(program, std::string(17, 'x')));
}

}  // namespace
}  // namespace vmconvert::efi
