// Whether a kernel has PVH's entry: images as Linux' build makes them, and what is no such image.
#include "guest/kernel_pvh.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/subprocess.hpp"
#include "boot_files.hpp"

namespace vmconvert::guest {
namespace {

using namespace vmconvert::boot_files;
using testing::HasSubstr;

std::string note(const std::string& name, unsigned type, const std::string& content) {
  const std::string text = name + '\0';
  return number(text.size(), 4) + number(content.size(), 4) + number(type, 4) + padded(text, 4) +
         padded(content, 4);
}

// A vmlinux with one segment to load and one of notes.
std::string vmlinux(const std::string& notes, bool wide = true) {
  std::string elf =
      "\x7f"
      "ELF";
  elf += static_cast<char>(wide ? 2 : 1);
  const std::size_t header = wide ? 64 : 52;
  const std::size_t entry = wide ? 56 : 32;
  const std::size_t at = 300'000;
  boot_files::put(elf, wide ? 32 : 28, number(header, wide ? 8 : 4));
  boot_files::put(elf, wide ? 54 : 42, number(entry, 2) + number(2, 2));
  boot_files::put(elf, header, number(1, 4));
  boot_files::put(elf, header + entry, number(4, 4));
  boot_files::put(elf, header + entry + (wide ? 8 : 4), number(at, wide ? 8 : 4));
  boot_files::put(elf, header + entry + (wide ? 32 : 16), number(notes.size(), wide ? 8 : 4));
  elf.resize(at, 'c');
  return elf + notes + std::string(5000, 'd');
}

const std::string k_pv_notes = note("GNU", 3, "build") + note("Xen", 6, "linux");
const std::string k_pvh_notes = k_pv_notes + note("Xen", 18, "entry678");

std::string piped(const std::vector<std::string>& argv, const std::string& text) {
  RealCommandRunner runner;
  return run_or_throw(runner, {argv, text});
}

std::string bzimage(const std::string& payload) {
  std::string image = kernel_image("6.1.0");
  boot_files::put(image, 0x1f1, number(3, 1));
  boot_files::put(image, 0x206, number(0x20f, 2));
  boot_files::put(image, 0x248, number(0x900, 4) + number(payload.size(), 4));
  boot_files::put(image, 4 * 512 + 0x900, payload);
  return image + "the rest";
}

TEST(PvhEntry, IsFoundInAKernelThatIsNotPacked) {
  for (const bool wide : {true, false}) {
    EXPECT_EQ(find_pvh_entry(vmlinux(k_pvh_notes, wide)), PvhEntry::there);
    EXPECT_EQ(find_pvh_entry(vmlinux(k_pv_notes, wide)), PvhEntry::missing);
    EXPECT_EQ(find_pvh_entry(vmlinux(note("KVM", 18, "x") + note("Xe", 18, "x"), wide)),
              PvhEntry::missing);
  }
}

// gzip tells its size itself; the others have it appended by the build.
TEST(PvhEntry, IsFoundInABzImageHoweverItIsPacked) {
  const std::string with = vmlinux(k_pvh_notes);
  const std::string without = vmlinux(k_pv_notes);
  const std::string size = number(with.size(), 4);
  for (const std::vector<std::string>& argv : std::vector<std::vector<std::string>>{
           {"xz", "--check=crc32", "--x86", "--lzma2=dict=32MiB", "-c"},
           {"xz", "--format=lzma", "-c"},
           {"bzip2", "-c"},
           {"zstd", "-q", "-c"},
           {"lz4", "-q", "-l", "-c"}}) {
    if (!find_program(argv.front())) {
      continue;
    }
    EXPECT_EQ(find_pvh_entry(bzimage(piped(argv, with) + size)), PvhEntry::there) << argv[0];
    EXPECT_EQ(find_pvh_entry(bzimage(piped(argv, without) + size)), PvhEntry::missing) << argv[0];
  }
  EXPECT_EQ(find_pvh_entry(bzimage(piped({"gzip", "-nc"}, with))), PvhEntry::there);
  // The Xen kernels of 2.6.18 are a packed vmlinux without any loader's header.
  EXPECT_EQ(find_pvh_entry(piped({"gzip", "-nc"}, without)), PvhEntry::missing);
}

TEST(PvhEntry, OfWhatIsDamagedOrUnknownIsNotRead) {
  std::string huge = vmlinux(k_pvh_notes);
  boot_files::put(huge, 64 + 56 + 32, number(1U << 30U, 8));
  std::string far = vmlinux(k_pvh_notes);
  boot_files::put(far, 64 + 56 + 8, number(~std::uint64_t{0}, 8));
  std::string many = vmlinux(k_pvh_notes);
  boot_files::put(many, 56, number(0xffff, 2));
  std::string backwards = vmlinux(k_pvh_notes);
  boot_files::put(backwards, 64 + 56 + 8, number(3, 8));
  std::string outside = bzimage("x");
  boot_files::put(outside, 0x248, number(0xffffff00U, 4));
  for (const std::string& image : {std::string(), std::string("no kernel"),
                                   std::string("\x7f"
                                               "ELF"),
                                   huge, far, many, backwards, outside, bzimage("\x89LZO packed"),
                                   bzimage("\x1f\x8b\x08 no gzip"), kernel_image("2.6.18"),
                                   vmlinux(k_pvh_notes).substr(0, 200'000)}) {
    EXPECT_EQ(find_pvh_entry(image), PvhEntry::unread) << image.size();
  }
}

TEST(PvhVerdict, SaysWhatItKnowsItBy) {
  const std::string there = vmlinux(k_pvh_notes);
  const std::string missing = vmlinux(k_pv_notes);
  const std::string built = "# Linux\nCONFIG_XEN=y\nCONFIG_PVH=y\nCONFIG_XEN_PVH=y\n";
  const std::string kvm_only = "# Linux\nCONFIG_PVH=y\n# CONFIG_XEN_PVH is not set\n";
  const auto expect = [](const PvhVerdict& verdict, std::optional<bool> can, const char* how) {
    EXPECT_EQ(verdict.can, can) << how;
    EXPECT_THAT(verdict.how, HasSubstr(how));
  };
  expect(can_run_as_pvh(there, "", "6.1.0"), true, "XEN_ELFNOTE_PHYS32_ENTRY");
  expect(can_run_as_pvh(there, built, "6.1.0"), true, "CONFIG_XEN_PVH=y");
  expect(can_run_as_pvh(there, kvm_only, "6.1.0"), false, "lacks CONFIG_XEN_PVH=y");
  expect(can_run_as_pvh(missing, built, "6.1.0"), false, "XEN_ELFNOTE_PHYS32_ENTRY");
  expect(can_run_as_pvh("", built, "6.1.0"), true, "CONFIG_XEN_PVH=y");
  expect(can_run_as_pvh("", kvm_only, "6.1.0"), false, "lacks CONFIG_XEN_PVH=y");
  // Linux 3.14 had an option of that name for a mode that Xen 4.10 does not know any more.
  expect(can_run_as_pvh("", built, "3.16.0-4-amd64"), false, "older than Linux 4.11");
  expect(can_run_as_pvh("", "", "4.9.0-19-amd64"), false, "older than Linux 4.11");
  expect(can_run_as_pvh("", "", "4.11.0"), std::nullopt, "neither");
  expect(can_run_as_pvh("", "", ""), std::nullopt, "neither");
}

}  // namespace
}  // namespace vmconvert::guest
