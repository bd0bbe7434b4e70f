// Copies into image files and their verification, with the real programs.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "disk/copy.hpp"
#include "disk/overlay.hpp"
#include "disk/resume.hpp"
#include "disk/target.hpp"
#include "disk/verify.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using model::DiskFormat;
using model::Extent;
using model::ExtentKind;
using ::testing::HasSubstr;

class CopyToImage : public Scratch {
 protected:
  void SetUp() override {
    m_bytes = random_bytes(9 * k_mib + 512, 1);
    std::fill_n(m_bytes.begin() + 2 * k_mib, 3 * k_mib, std::byte{0});
    m_source = write("source.raw", m_bytes);
  }
  [[nodiscard]] ByteCount size() const { return {m_bytes.size()}; }
  [[nodiscard]] std::vector<Extent> all() const { return {{{}, size(), ExtentKind::needed}}; }

  // Source -> overlay with a change -> extents -> image, the way that a job does it.
  CopyResult copy_patched(TargetImage& image) {
    const auto overlay = m_folder.path() / "overlay.qcow2";
    create_overlay(overlay, {m_source.string(), DiskFormat::raw}, size(), m_commands);
    run({"qemu-io", "-f", "qcow2", "-c", "write -P 9 1M 100k", "-c", "write -z -u 6M 1M",
         overlay.string()});
    std::fill_n(m_bytes.begin() + k_mib, 100 * k_kib, std::byte{9});
    std::fill_n(m_bytes.begin() + 6 * k_mib, k_mib, std::byte{0});
    const auto extents = map_overlay(overlay, size(), m_commands);
    const auto source = open_image(m_source, DiskFormat::raw, m_folder.path(), "source");
    const auto patched = open_image(overlay, DiskFormat::qcow2, m_folder.path(), "overlay");
    const auto writer = image.open_writer();
    return copy_disk({"vda", size(), extents, *source, patched.get(), *writer, new_manifest()}, {});
  }
  CopyResult copy_all(TargetImage& image) {
    const auto source = open_image(m_source, DiskFormat::raw, m_folder.path(), "source");
    const auto writer = image.open_writer();
    const auto extents = all();
    return copy_disk({"vda", size(), extents, *source, nullptr, *writer, new_manifest()}, {});
  }
  VerifyResult verify(const std::filesystem::path& path, DiskFormat format) {
    return verify_disk({"vda", path, format, *m_manifest, m_folder.path()}, {});
  }
  Manifest& new_manifest() {
    const auto path = m_folder.path() / fmt::format("{}.manifest", m_next++);
    m_manifest.emplace(Manifest::create(path, {{}, size(), {}}));
    return *m_manifest;
  }
  std::string expected_root() {
    const auto path = m_folder.path() / fmt::format("{}.manifest", m_next++);
    return manifest_of(m_bytes, path).root();
  }

  std::optional<Manifest> m_manifest;  // of the last copy
  int m_next = 0;
  Bytes m_bytes;
  std::filesystem::path m_source;
};

TEST_F(CopyToImage, MakesEqualRawAndQcow2Images) {
  const Bytes source_before = m_bytes;
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    m_bytes = source_before;
    std::filesystem::remove(m_folder.path() / "overlay.qcow2");
    const auto path = m_folder.path() / (std::string("vda.") + model::to_string(format));
    TargetImage image(path, format, size());
    const CopyResult copied = copy_patched(image);
    image.keep();
    EXPECT_EQ(m_manifest->root(), expected_root());
    const VerifyResult verified = verify(path, format);
    EXPECT_LE(verified.read.value, copied.written.value + 2 * 64 * k_kib);
    if (format == DiskFormat::qcow2) {
      run({"qemu-img", "check", "-q", "-f", "qcow2", path.string()});
    }
    run({"qemu-img", "compare", "-q", "-f", model::to_string(format), "-F", "qcow2", path.string(),
         (m_folder.path() / "overlay.qcow2").string()});
    EXPECT_TRUE(read_file(m_source) == source_before) << "the source was changed";
  }
  const auto raw = m_folder.path() / "vda.raw";
  EXPECT_TRUE(read_file(raw) == m_bytes);
  run({"qemu-img", "compare", "-q", "-f", "raw", "-F", "qcow2", raw.string(),
       (m_folder.path() / "vda.qcow2").string()});
}

TEST_F(CopyToImage, LeavesHolesWhereZerosAre) {
  TargetImage image(m_folder.path() / "vda.raw", DiskFormat::raw, size());
  const CopyResult copied = copy_all(image);
  EXPECT_EQ(copied.written, ByteCount{6 * k_mib + 512});
  EXPECT_EQ(copied.read, size());
  const auto target = open_image(image.path(), DiskFormat::raw, m_folder.path(), "target");
  EXPECT_TRUE(target->run_at(ByteCount{3 * k_mib}).zero);
  EXPECT_FALSE(target->run_at(ByteCount{0}).zero);
}

TEST_F(CopyToImage, RemovesWhatIsNotKept) {
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    const auto path = m_folder.path() / "vda.image";
    { const TargetImage image(path, format, size()); }
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  const auto path = m_folder.path() / "vda.raw";
  {
    const TargetImage image(path, DiskFormat::raw, size());
    std::filesystem::rename(path, m_folder.path() / "moved");
    write("vda.raw", Bytes(10));
  }
  EXPECT_TRUE(std::filesystem::exists(path)) << "somebody else's file was removed";
}

TEST_F(CopyToImage, DoesNotReplaceATarget) {
  const auto path = write("vda.raw", Bytes(10));
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    try {
      const TargetImage image(path, format, size());
      FAIL() << "replaced";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_input);
      EXPECT_THAT(error.message(), HasSubstr("exists already"));
      EXPECT_FALSE(error.remedy().empty());
    }
  }
  EXPECT_EQ(std::filesystem::file_size(path), 10U);
}

TEST_F(CopyToImage, FailsWhenTheSourceEndsTooEarly) {
  std::filesystem::resize_file(m_source, 5 * k_mib);
  const auto path = m_folder.path() / "vda.raw";
  try {
    TargetImage image(path, DiskFormat::raw, size());
    static_cast<void>(copy_all(image));
    FAIL() << "copied";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(to_text(error), HasSubstr("copying disk vda"));
    EXPECT_THAT(error.message(), HasSubstr("ends at byte"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(CopyToImage, VerificationNamesThePlaceOfADifference) {
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    TargetImage image(m_folder.path() / "vda.image", format, size());
    copy_all(image);
    static_cast<void>(verify(image.path(), format));
    run({"qemu-io", "-f", model::to_string(format), "-c", "write -P 1 7340544 512",
         image.path().string()});
    try {
      static_cast<void>(verify(image.path(), format));
      FAIL() << "not seen";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::mismatch);
      EXPECT_THAT(error.message(), HasSubstr("from byte 7340032 on"));
    }
    const Manifest larger = Manifest::create(m_folder.path() / fmt::format("{}.larger", m_next++),
                                             {{}, size() + ByteCount{512}, {}});
    EXPECT_THROW(verify_disk({"vda", image.path(), format, larger, m_folder.path()}, {}), Error);
  }
}

TEST_F(CopyToImage, AnImageThatWasFinishedIsNotCopiedAgain) {
  TargetImage image(m_folder.path() / "vda.qcow2", DiskFormat::qcow2, size());
  EXPECT_FALSE(was_finished(new_manifest(), image.path(), DiskFormat::qcow2));
  copy_all(image);
  EXPECT_TRUE(was_finished(*m_manifest, image.path(), DiskFormat::qcow2));
  m_manifest->trust_only(m_manifest->nodes());  // its last word is missing
  EXPECT_FALSE(m_manifest->head().complete);
  EXPECT_TRUE(was_finished(*m_manifest, image.path(), DiskFormat::qcow2));
  EXPECT_TRUE(m_manifest->head().complete);
  m_manifest->trust_only(1);
  EXPECT_FALSE(was_finished(*m_manifest, image.path(), DiskFormat::qcow2));
}

TEST_F(CopyToImage, VerificationSeesDataInAHole) {
  TargetImage image(m_folder.path() / "vda.raw", DiskFormat::raw, size());
  copy_all(image);
  run({"qemu-io", "-f", "raw", "-c", "write -P 1 3M 512", image.path().string()});
  EXPECT_THROW(verify(image.path(), DiskFormat::raw), Error);
}

// A file system of 4 MiB in a mount namespace of this process: gone with it.
bool mount_small(const std::filesystem::path& folder) {
  std::filesystem::create_directory(folder);
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("vmconvert-test", folder.c_str(), "tmpfs", 0, "size=4m") == 0;
}

TEST_F(CopyToImage, SaysWhereThereIsNoSpace) {
  const auto folder = m_folder.path() / "small";
  if (!mount_small(folder)) {
    GTEST_SKIP() << "no right to mount a small file system (needs root)";
  }
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    try {
      TargetImage image(folder / "vda.image", format, size());
      static_cast<void>(copy_all(image));
      ADD_FAILURE() << "copied 9 MiB into 4";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      EXPECT_THAT(error.message(), HasSubstr("no space left in " + folder.string()));
      EXPECT_THAT(error.message(), HasSubstr(std::to_string(size().value)));
      EXPECT_FALSE(error.remedy().empty());
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder));
  }
  EXPECT_THROW(require_free_space(folder, ByteCount{5 * k_mib}), Error);
  require_free_space(folder, ByteCount{k_mib});
  // What is not zero fits. On older kernels tmpfs takes no direct I/O: then this goes through the
  // page cache.
  std::fill_n(m_bytes.begin(), 7 * k_mib, std::byte{0});
  write("source.raw", m_bytes);
  TargetImage image(folder / "vda.raw", DiskFormat::raw, size());
  copy_all(image);
  verify(image.path(), DiskFormat::raw);
  EXPECT_EQ(m_manifest->root(), expected_root());
  EXPECT_TRUE(read_file(image.path()) == m_bytes);
  ::umount2(folder.c_str(), MNT_DETACH);
}

TEST_F(CopyToImage, StopsWhenASignalAsks) {
  EXPECT_EXIT(
      {
        install_interrupt_handlers();
        ::raise(SIGTERM);
        const auto path = m_folder.path() / "vda.raw";
        bool stopped = false;
        try {
          TargetImage image(path, DiskFormat::raw, size());
          static_cast<void>(copy_all(image));
        } catch (const Error& error) {
          stopped = error.kind() == ErrorKind::interrupted;
        }
        ::_exit(stopped && !std::filesystem::exists(path) ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(CopyToImage, DoesNotFillThePageCache) {
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    TargetImage image(m_folder.path() / "vda.image", format, size());
    static_cast<void>(copy_all(image));
    const Fd probe(::open(image.path().c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
    if (!probe) {
      GTEST_SKIP() << "no direct I/O in " << m_folder.path();
    }
    const std::string out =
        run({"fincore", "--bytes", "--noheadings", "--output", "RES", image.path().string()});
    EXPECT_LE(parse_number(trim(out)).value_or(~0ULL), 64 * k_kib);
  }
}

TEST_F(CopyToImage, IsForItsOwnerOnly) {
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    const TargetImage image(m_folder.path() / "vda.image", format, size());
    EXPECT_EQ(std::filesystem::status(image.path()).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
}

TEST_F(CopyToImage, AQcow2ImageHasWholeSectors) {
  const auto path = m_folder.path() / "vda.qcow2";
  try {
    const TargetImage image(path, DiskFormat::qcow2, ByteCount{k_mib + 1});
    FAIL() << "made";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace vmconvert::disk
