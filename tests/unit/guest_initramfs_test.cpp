#include "guest/initramfs.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "contract/guest_root_contract.hpp"
#include "unit/error_of.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;

constexpr unsigned k_file = 0100644;

void pad(std::string& archive) {
  archive.resize((archive.size() + 3) / 4 * 4, '\0');
}

void add(std::string& archive, const std::string& name, const std::string& content,
         unsigned mode = k_file, unsigned links = 1) {
  archive += fmt::format(
      "070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}"
      "{:08X}{:08X}",
      1, mode, 0, 0, links, 0, content.size(), 0, 0, 0, 0, name.size() + 1, 0);
  archive += name + '\0';
  pad(archive);
  archive += content;
  pad(archive);
}

std::string cpio_of(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string archive;
  for (const auto& [name, content] : files) {
    add(archive, name, content);
  }
  add(archive, "TRAILER!!!", "", 0);
  return archive;
}

std::string microcode() {
  return cpio_of({{"kernel/x86/microcode/GenuineIntel.bin", std::string(3001, 'm')}});
}
// Large enough that no decoder takes it in one piece; of changing content, so that it stays large.
std::string main_archive() {
  std::string noise;
  for (unsigned seed = 1; noise.size() < 200'000; seed = seed * 1664525U + 1013904223U) {
    noise += static_cast<char>(seed >> 24U);
  }
  return cpio_of({{"./init", "#!/bin/sh\n"},
                  {"lib/modules/6.1/kernel/drivers/block/virtio_blk.ko", noise},
                  {"conf/modules", "ext4\n"}});
}
const std::vector<std::string> k_main_names = {
    "init", "lib/modules/6.1/kernel/drivers/block/virtio_blk.ko", "conf/modules"};

// What the program makes of the text on its standard input.
std::string through(const std::vector<std::string>& argv, const std::string& text) {
  RealCommandRunner runner;
  return run_or_throw(runner, {argv, text});
}

ErrorKind error_of(const std::string& image) {
  return kind_of_error([&] { list_initramfs(image); });
}

struct Packer {
  const char* name;
  std::vector<std::string> argv;
};
void PrintTo(const Packer& packer, std::ostream* out) {
  *out << packer.name;
}

class Packed : public testing::TestWithParam<Packer> {
 protected:
  void SetUp() override {
    if (!find_program(GetParam().argv.front())) {
      GTEST_SKIP() << "the program " << GetParam().argv.front() << " is not installed";
    }
    packed = through(GetParam().argv, main_archive());
  }
  std::string packed;
};

INSTANTIATE_TEST_SUITE_P(
    Programs, Packed,
    testing::Values(Packer{"gzip", {"gzip", "-c"}}, Packer{"xz", {"xz", "--check=crc32", "-0"}},
                    Packer{"xz_sha", {"xz", "--check=sha256", "-0", "--block-size=50000"}},
                    Packer{"lzma", {"xz", "--format=lzma", "-0"}}, Packer{"bzip2", {"bzip2", "-c"}},
                    Packer{"zstd", {"zstd", "-q", "-c"}},
                    Packer{"zstd_plain", {"zstd", "-q", "-c", "--no-check", "-1"}},
                    Packer{"lz4", {"lz4", "-q", "-c"}},
                    Packer{"lz4_checked", {"lz4", "-q", "-c", "-BX", "-B4"}},
                    Packer{"lz4_legacy", {"lz4", "-q", "-c", "-l"}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_P(Packed, alone) {
  EXPECT_EQ(list_initramfs(packed), k_main_names);
}

TEST_P(Packed, behind_microcode_and_padding) {
  const auto names = list_initramfs(microcode() + std::string(512, '\0') + packed);
  EXPECT_THAT(names, Contains("kernel/x86/microcode/GenuineIntel.bin"));
  EXPECT_THAT(names, Contains("conf/modules"));
  EXPECT_EQ(names.size(), 4U);
}

TEST_P(Packed, with_a_plain_archive_behind_it) {
  const auto names = list_initramfs(packed + cpio_of({{"later", "x"}}));
  EXPECT_EQ(names.size(), 4U);
  EXPECT_EQ(names.back(), "later");
}

TEST_P(Packed, with_zeros_and_packed_archives_behind_it) {
  const std::string later = cpio_of({{"later", "x"}});
  const auto names =
      list_initramfs(packed + std::string(124, '\0') + through({"gzip", "-c"}, later) +
                     through(GetParam().argv, later));
  EXPECT_EQ(names.size(), 5U);
  EXPECT_EQ(names[3], "later");
  EXPECT_EQ(names[4], "later");
}

TEST_P(Packed, cut_off_anywhere) {
  for (const double part : {0.00002, 0.01, 0.5, 0.9, 0.999}) {
    const auto size = static_cast<std::size_t>(static_cast<double>(packed.size()) * part) + 6;
    EXPECT_EQ(error_of(packed.substr(0, size)), ErrorKind::bad_input) << size;
  }
}

TEST_P(Packed, damaged_anywhere_only_throws_errors) {
  int refused = 0;
  for (std::size_t at = 0; at < 32; ++at) {
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ (at % 2 == 0 ? 0x01 : 0x80));
    try {
      list_initramfs(damaged);  // a changed time stamp in a header, say, harms nothing
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_input);
      ++refused;
    }
  }
  EXPECT_GT(refused, 4);
}

TEST_P(Packed, reads_one_file) {
  EXPECT_EQ(read_initramfs_file(packed, "conf/modules"), "ext4\n");
  EXPECT_EQ(read_initramfs_file(packed, "init"), "#!/bin/sh\n");
  EXPECT_EQ(read_initramfs_file(packed, "conf"), std::nullopt);
  EXPECT_EQ(read_initramfs_file(packed + cpio_of({{"conf/modules", "xfs\n"}}), "conf/modules"),
            "xfs\n");
}

// As klibc's and dracut's scripts do it: find | cpio -o -H newc | gzip.
TEST(Initramfs, reads_what_cpio_writes) {
  if (!find_program("cpio")) {
    GTEST_SKIP() << "the program cpio is not installed";
  }
  const TempDir temp(fs::temp_directory_path(), "vmconvert-test");
  fs::create_directories(temp.path() / "lib/modules");
  std::ofstream(temp.path() / "init") << "#!/bin/sh\n";
  std::ofstream(temp.path() / "lib/modules/virtio-pci.ko") << "elf";
  fs::create_symlink("init", temp.path() / "linuxrc");
  fs::create_hard_link(temp.path() / "init", temp.path() / "init2");
  const std::string archive =
      through({"cpio", "--quiet", "-o", "-H", "newc", "-D", temp.path().string()},
              ".\ninit\ninit2\nlinuxrc\nlib\nlib/modules\nlib/modules/virtio-pci.ko\n");
  const auto names = list_initramfs(through({"gzip", "-c"}, archive));
  EXPECT_THAT(names, testing::UnorderedElementsAre("init", "init2", "linuxrc", "lib", "lib/modules",
                                                   "lib/modules/virtio-pci.ko"));
  EXPECT_EQ(read_initramfs_file(archive, "init2"), "#!/bin/sh\n");
  EXPECT_EQ(read_initramfs_file(archive, "linuxrc"), std::nullopt);
}

TEST(Initramfs, refuses_what_is_none) {
  EXPECT_EQ(error_of(""), ErrorKind::bad_input);
  EXPECT_EQ(error_of(std::string(4096, '\0')), ErrorKind::bad_input);
  EXPECT_EQ(error_of("this is some text, and no image"), ErrorKind::bad_input);
  EXPECT_EQ(error_of(microcode() + "garbage"), ErrorKind::bad_input);
  EXPECT_EQ(error_of(through({"gzip", "-c"},
                             "not a cpio archive at all, but long enough for a "
                             "header of one hundred and ten bytes, as it is said")),
            ErrorKind::bad_input);
  EXPECT_EQ(error_of(through({"gzip", "-c"}, "")), ErrorKind::bad_input);
}

TEST(Initramfs, refuses_damaged_archives) {
  const std::string good = microcode();
  EXPECT_EQ(error_of(good.substr(0, good.size() - 4)), ErrorKind::bad_input);
  EXPECT_EQ(error_of(good.substr(0, 100)), ErrorKind::bad_input);
  std::string bad_number = good;
  bad_number[6 + 8 * 6] = 'x';
  EXPECT_EQ(error_of(bad_number), ErrorKind::bad_input);
  std::string endless = good;
  endless.replace(6 + 8 * 6, 8, "FFFFFFFF");  // a file of 4 GiB
  EXPECT_EQ(error_of(endless), ErrorKind::bad_input);
  std::string nameless = good;
  nameless.replace(6 + 8 * 11, 8, "00000000");
  EXPECT_EQ(error_of(nameless), ErrorKind::bad_input);
  EXPECT_EQ(error_of(cpio_of({{std::string(4096, 'n'), ""}})), ErrorKind::bad_input);
}

TEST(Initramfs, refuses_too_many_entries) {
  std::string archive;
  for (int i = 0; i <= 200'000; ++i) {
    add(archive, "f", "");
  }
  add(archive, "TRAILER!!!", "", 0);
  EXPECT_EQ(error_of(archive), ErrorKind::bad_input);
}

TEST(Initramfs, finds_drivers_under_all_their_names) {
  const std::vector<std::string> paths = {
      "usr/lib/modules/5/kernel/drivers/virtio/virtio-pci.ko.zst",
      "lib/modules/2.6/virtio_blk.ko",
      "lib/modules/6/kernel/fs/ext4/ext4.ko.xz",
      "lib/modules/6/net/virtio_net.ko.gz",
      "lib/modules/6/xen-blkfront.conf",
      "lib/modules/6/notvirtio_scsi.ko",
  };
  EXPECT_TRUE(initramfs_has_driver(paths, "virtio_pci"));
  EXPECT_TRUE(initramfs_has_driver(paths, "virtio-blk"));
  EXPECT_TRUE(initramfs_has_driver(paths, "ext4"));
  EXPECT_TRUE(initramfs_has_driver(paths, "virtio_net"));
  EXPECT_FALSE(initramfs_has_driver(paths, "xen_blkfront"));
  EXPECT_FALSE(initramfs_has_driver(paths, "virtio_scsi"));
  EXPECT_FALSE(initramfs_has_driver({}, "virtio_blk"));
}

TEST(Initramfs, FindsValuesInNamesAndSmallFiles) {
  const std::string image =
      cpio_of({{"conf/conf.d/resume", "RESUME=UUID=0a1b2c3d-1111\n"},
               {"by-uuid/9f8e7d6c-2222", ""},
               {"lib/modules/6.1/kernel/a.ko", "UUID=55556666-3333"},
               {"sbin/large", std::string((1U << 20U) + 1, 'x') + "77778888-4444"}});
  EXPECT_TRUE(initramfs_holds(image, {"not-there", "0a1b2c3d-1111"}));
  EXPECT_TRUE(initramfs_holds(image, {"9f8e7d6c-2222"}));
  EXPECT_FALSE(initramfs_holds(image, {"55556666-3333"}));
  EXPECT_FALSE(initramfs_holds(image, {"77778888-4444"}));
  EXPECT_FALSE(initramfs_holds(image, {"0a1b2c3d-1112"}));
}

// CRC-32 as xz has it.
std::uint32_t checksum_of(std::string_view bytes) {
  std::uint32_t value = ~0U;
  for (const char byte : bytes) {
    value ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      value = value >> 1U ^ ((value & 1U) != 0 ? 0xedb88320U : 0U);
    }
  }
  return ~value;
}

// A few bytes that say how much memory their decoder is to take, before anything is seen to be
// wrong.
TEST(Initramfs, refuses_a_dictionary_that_no_image_has) {
  const auto refusal = [](const std::string& image) {
    return vmconvert::error_of([&] { static_cast<void>(list_initramfs(image)); }).message();
  };
  std::string lzma = through({"xz", "--format=lzma", "-0"}, main_archive());
  EXPECT_EQ(list_initramfs(lzma), k_main_names);
  lzma.replace(1, 4, std::string("\x00\x00\x80\xff", 4));
  EXPECT_THAT(refusal(lzma), testing::HasSubstr("4286578688 bytes of memory"));

  std::string xz = through({"xz", "--check=crc32", "-0"}, main_archive());
  constexpr std::size_t k_block = 12;
  const std::size_t header = (static_cast<unsigned char>(xz.at(k_block)) + 1U) * 4U;
  const auto property = xz.find("\x21\x01", k_block) + 2;  // LZMA2's, of one byte
  ASSERT_LT(property, k_block + header);
  xz.at(property) = 40;  // 4 GiB - 1
  const std::uint32_t sum = checksum_of(std::string_view(xz).substr(k_block, header - 4));
  for (std::size_t i = 0; i < 4; ++i) {
    xz.at(k_block + header - 4 + i) = static_cast<char>(sum >> 8U * i);
  }
  EXPECT_THAT(refusal(xz), testing::HasSubstr("bytes of memory"));
}

}  // namespace
}  // namespace vmconvert::guest
