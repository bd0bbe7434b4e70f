#include "disk/probe.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/error.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"
#include "disk/bytes.hpp"
#include "disk/signature.hpp"

namespace vmconvert::disk {
namespace {

std::vector<std::byte> blank(std::size_t size) {
  return std::vector<std::byte>(size);
}

void put(std::vector<std::byte>& bytes, std::size_t at, std::string_view text) {
  std::memcpy(bytes.data() + at, text.data(), text.size());
}

std::string signature_of(std::vector<std::byte> bytes) {
  MemoryReader reader(std::move(bytes));
  return read_signature(reader);
}

std::string loader_of(std::vector<std::byte> bytes) {
  MemoryReader reader(std::move(bytes));
  return read_loader(reader);
}

class Probe : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, std::span<const std::byte> bytes) {
    const std::filesystem::path path = m_folder.path() / name;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  void run(const std::vector<std::string>& argv) { run_or_throw(m_commands, {argv}); }
  model::DiskFacts probe_file(const std::filesystem::path& path,
                              model::DiskFormat format = model::DiskFormat::raw) {
    model::DomainDisk disk;
    disk.target = "xvda";
    disk.source = path;
    disk.format = format;
    return probe(disk, m_commands);
  }
  Error refusal(const std::filesystem::path& path,
                model::DiskFormat format = model::DiskFormat::raw) {
    try {
      static_cast<void>(probe_file(path, format));
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << path << " was accepted";
    return {ErrorKind::internal, ""};
  }

  TempDir m_folder{std::filesystem::temp_directory_path(), "vmc-probe-test"};
  RealCommandRunner m_commands;
};

TEST(Signature, KnowsWhatStartsAtByteZero) {
  auto bytes = blank(70 * k_kib);
  EXPECT_EQ(signature_of(bytes), "");

  auto swap = bytes;
  put(swap, 4096 - 10, "SWAPSPACE2");
  EXPECT_EQ(signature_of(swap), "swap");
  auto old_swap = bytes;
  put(old_swap, 65536 - 10, "SWAP-SPACE");
  EXPECT_EQ(signature_of(old_swap), "swap");

  auto lvm = bytes;
  put(lvm, 512, "LABELONE");
  EXPECT_EQ(signature_of(lvm), "") << "a label of no known kind";
  put(lvm, 512 + 24, "LVM2 001");
  EXPECT_EQ(signature_of(lvm), "LVM2_member");

  auto luks = bytes;
  put(luks, 0, "LUKS\xba\xbe");
  EXPECT_EQ(signature_of(luks), "crypto_LUKS");

  auto raid = bytes;
  store_le<std::uint32_t>(raid, 4096, 0xa92b4efc);
  EXPECT_EQ(signature_of(raid), "linux_raid_member");

  auto btrfs = bytes;
  put(btrfs, 65536 + 64, "_BHRfS_M");
  EXPECT_EQ(signature_of(btrfs), "btrfs");

  auto ntfs = bytes;
  put(ntfs, 3, "NTFS    ");
  EXPECT_EQ(signature_of(ntfs), "other");
}

TEST(Signature, DoesNotReadBehindAShortDisk) {
  for (const std::size_t size : {0U, 1U, 511U, 512U, 1081U, 4097U}) {
    EXPECT_EQ(signature_of(blank(size)), "") << size;
    EXPECT_EQ(loader_of(blank(size)), "none") << size;
  }
}

TEST(Signature, IsNotFooledByTwoBytesOfExt) {
  auto bytes = blank(70 * k_kib);
  store_le<std::uint16_t>(bytes, 1080, 0xef53);
  EXPECT_EQ(signature_of(bytes), "");
  store_le<std::uint32_t>(bytes, 1024, 100);
  EXPECT_EQ(signature_of(bytes), "ext");
  store_le<std::uint32_t>(bytes, 1024 + 24, 77);
  EXPECT_EQ(signature_of(bytes), "");
}

TEST(Loader, IsToldByItsOwnMarks) {
  auto bytes = blank(512);
  put(bytes, 0, "\xeb\x63\x90");
  put(bytes, 0x180, "GRUB ");
  EXPECT_EQ(loader_of(bytes), "none") << "no 55 aa at the end";
  store_le<std::uint16_t>(bytes, 510, 0xaa55);
  EXPECT_EQ(loader_of(bytes), "other");
  auto legacy = bytes;
  store_le<std::uint8_t>(legacy, 0x3e, 3);
  EXPECT_EQ(loader_of(legacy), "grub-legacy");
  auto grub2 = bytes;
  store_le<std::uint16_t>(grub2, 0x5a, 0x8000);
  store_le<std::uint64_t>(grub2, 0x5c, 1);
  EXPECT_EQ(loader_of(grub2), "grub2");
  auto table_only = blank(512);
  store_le<std::uint16_t>(table_only, 510, 0xaa55);
  EXPECT_EQ(loader_of(table_only), "none");
}

TEST_F(Probe, ReadsRealFilesystems) {
  struct Case {
    const char* signature;
    std::vector<std::string> make;
    std::size_t size;
  };
  const std::vector<Case> cases = {
      {"ext", {"mkfs.ext3", "-q", "-F"}, 4 * k_mib},
      {"ext", {"mkfs.ext4", "-q", "-F", "-b", "4096"}, 4 * k_mib},
      {"xfs", {"mkfs.xfs", "-q", "-f"}, 300 * k_mib},
      {"swap", {"mkswap", "-q"}, 4 * k_mib},
  };
  for (const Case& item : cases) {
    const std::filesystem::path path = m_folder.path() / "image";
    std::ofstream(path, std::ios::trunc).flush();
    std::filesystem::resize_file(path, item.size);
    std::vector<std::string> argv = item.make;
    argv.push_back(path.string());
    run(argv);
    const model::DiskFacts facts = probe_file(path);
    EXPECT_EQ(facts.signature, item.signature);
    EXPECT_EQ(facts.table, model::TableKind::none);
    EXPECT_EQ(facts.size, ByteCount{item.size});
    EXPECT_EQ(facts.loader, "none");
    EXPECT_FALSE(facts.block_device);
    EXPECT_EQ(facts.table_problem, "");
  }
}

TEST_F(Probe, KnowsTheBootSectorOfGrub) {
  const std::filesystem::path boot = "/usr/lib/grub/i386-pc/boot.img";
  if (!std::filesystem::exists(boot)) {
    GTEST_SKIP() << boot << " is not installed (grub-pc-bin)";
  }
  EXPECT_EQ(probe_file(boot).loader, "grub2");
}

TEST_F(Probe, AsksADeviceForItsSizeAlsoThroughALink) {
  const auto file = write("volume", blank(3 * k_mib + 512));
  const CommandResult made =
      m_commands.run({{"losetup", "--find", "--show", "--read-only", file.string()}});
  if (made.exit_code != 0) {
    GTEST_SKIP() << "no right to make a loop device (needs root): " << made.err;
  }
  const std::string device(trim(made.out));
  const auto link = m_folder.path() / "web01";  // as /dev/vg/web01 is one
  std::filesystem::create_symlink(device, link);
  const model::DiskFacts facts = probe_file(link);
  run({"losetup", "--detach", device});
  EXPECT_TRUE(facts.block_device);
  EXPECT_EQ(facts.size, ByteCount{3 * k_mib + 512});
}

TEST_F(Probe, SaysWhatIsWrongWithASource) {
  const Error missing = refusal("/nowhere/web01.img");
  EXPECT_EQ(missing.kind(), ErrorKind::not_found);
  EXPECT_NE(missing.message().find("disk xvda (/nowhere/web01.img)"), std::string::npos);
  EXPECT_FALSE(missing.remedy().empty());

  EXPECT_EQ(refusal(m_folder.path()).kind(), ErrorKind::bad_input);
  EXPECT_EQ(refusal("/dev/null").kind(), ErrorKind::bad_input);
  const std::filesystem::path pipe = m_folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(refusal(pipe).kind(), ErrorKind::bad_input);
}

TEST_F(Probe, ReadsTheContentOfQcow2AndNotItsFile) {
  auto bytes = blank(3 * k_mib);
  put(bytes, 4096 - 10, "SWAPSPACE2");
  const auto raw = write("swap.raw", bytes);
  const auto image = m_folder.path() / "swap.qcow2";
  run({"qemu-img", "convert", "-O", "qcow2", raw.string(), image.string()});
  const model::DiskFacts facts = probe_file(image, model::DiskFormat::qcow2);
  EXPECT_EQ(facts.size, ByteCount{3 * k_mib});
  EXPECT_EQ(facts.signature, "swap");
}

TEST_F(Probe, NeverGuessesTheFormatFromContent) {
  const auto image = m_folder.path() / "guest.qcow2";
  run({"qemu-img", "create", "-q", "-f", "qcow2", image.string(), "1G"});
  const model::DiskFacts as_raw = probe_file(image);
  EXPECT_EQ(as_raw.size, ByteCount{std::filesystem::file_size(image)});

  const auto raw = write("plain.raw", blank(k_mib));
  const Error error = refusal(raw, model::DiskFormat::qcow2);
  EXPECT_EQ(error.kind(), ErrorKind::bad_input);
  EXPECT_FALSE(error.remedy().empty());
}

TEST_F(Probe, RefusesABackingChainWithHoles) {
  const auto base = write("base.raw", blank(k_mib));
  const auto top = m_folder.path() / "top.qcow2";
  run({"qemu-img", "create", "-q", "-f", "qcow2", "-b", base.string(), "-F", "raw", top.string()});
  EXPECT_EQ(probe_file(top, model::DiskFormat::qcow2).size, ByteCount{k_mib});
  std::filesystem::remove(base);
  EXPECT_EQ(refusal(top, model::DiskFormat::qcow2).kind(), ErrorKind::bad_input);
}

TEST(Qcow2Info, RefusesWhatCannotBeTrusted) {
  const auto kind = [](const std::string& json) {
    try {
      static_cast<void>(parse_qcow2_info(json, "disk xvda"));
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  EXPECT_EQ(parse_qcow2_info(R"([{"virtual-size": 1024, "format": "qcow2"}])", "x"),
            ByteCount{1024});
  EXPECT_EQ(kind(R"([{"virtual-size": 1, "encrypted": true}])"), ErrorKind::bad_input);
  EXPECT_EQ(kind(R"([{"virtual-size": 1, "format-specific": {"data": {"corrupt": true}}}])"),
            ErrorKind::bad_input);
  EXPECT_EQ(kind(R"([{"virtual-size": 1, "full-backing-filename": "/b"}, {"virtual-size": 1}])"),
            ErrorKind::bad_input);
  EXPECT_EQ(kind("[]"), ErrorKind::tool_failed);
  EXPECT_EQ(kind("{"), ErrorKind::tool_failed);
  EXPECT_EQ(kind(R"([{"virtual-size": "many"}])"), ErrorKind::tool_failed);
}

}  // namespace
}  // namespace vmconvert::disk
