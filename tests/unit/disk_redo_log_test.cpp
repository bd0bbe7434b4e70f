// A finished image takes a new patch run: only what differs is written.
#include "disk/redo_log.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <set>

#include "base/error.hpp"
#include "disk/overlay.hpp"
#include "disk/verify.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

using model::DiskFormat;
using model::Extent;
using model::ExtentKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t k_size = 9 * k_mib + 512;

Extent extent_between(std::uint64_t from, std::uint64_t to, ExtentKind kind) {
  return {ByteCount{from}, ByteCount{to - from}, kind};
}

class RedoLog : public Scratch {
 protected:
  void SetUp() override {
    m_bytes = random_bytes(k_size, 1);
    m_source = write("source.raw", m_bytes);
  }
  // An overlay with these changes, and what is read through it.
  std::vector<Extent> patch(const std::string& name, const std::vector<std::string>& writes,
                            Bytes& content) {
    m_overlay = m_folder.path() / name;
    create_overlay(m_overlay, {m_source.string(), DiskFormat::raw}, ByteCount{k_size}, m_commands);
    std::vector<std::string> argv = {"qemu-io", "-f", "qcow2"};
    for (const std::string& each : writes) {
      argv.insert(argv.end(), {"-c", each});
    }
    argv.push_back(m_overlay.string());
    if (!writes.empty()) {
      run(argv);
    }
    const auto reader = open_image(m_overlay, DiskFormat::qcow2, m_folder.path(), "overlay");
    content = read_all(*reader);
    return map_overlay(m_overlay, ByteCount{k_size}, m_commands);
  }
  RedoAmount log_of(const Manifest& manifest, const std::vector<Extent>& before,
                    const std::vector<Extent>& now) {
    const auto source = open_image(m_source, DiskFormat::raw, m_folder.path(), "source");
    const auto overlay = open_image(m_overlay, DiskFormat::qcow2, m_folder.path(), "overlay");
    return write_redo_log(m_log, manifest, {"vda", before, now, *source, overlay.get()}, {});
  }
  Bytes content_of(const std::filesystem::path& image, DiskFormat format) {
    return read_all(*open_image(image, format, m_folder.path(), "target"));
  }

  Bytes m_bytes;
  std::filesystem::path m_source;
  std::filesystem::path m_overlay;
  std::filesystem::path m_log = m_folder.path() / "vda.redo";
};

TEST_F(RedoLog, AsksOnlyWhereSomethingMayDiffer) {
  const std::vector<Extent> needed = {extent_between(0, 5 * k_node_size, ExtentKind::needed)};
  EXPECT_THAT(nodes_in_question(needed, needed), IsEmpty());
  const std::vector<Extent> patched = {
      extent_between(0, k_node_size, ExtentKind::needed),
      extent_between(k_node_size, k_node_size + 4096, ExtentKind::patched),
      extent_between(k_node_size + 4096, 4 * k_node_size - 512, ExtentKind::needed),
      extent_between(4 * k_node_size - 512, 4 * k_node_size + 512, ExtentKind::skipped),
      extent_between(4 * k_node_size + 512, 5 * k_node_size, ExtentKind::needed)};
  EXPECT_THAT(nodes_in_question(needed, patched), ElementsAre(1U, 3U, 4U));
  EXPECT_THAT(nodes_in_question(patched, needed), ElementsAre(1U, 3U, 4U));
  EXPECT_THAT(nodes_in_question(patched, patched), ElementsAre(1U)) << "skipped stays skipped";
  EXPECT_THAT(nodes_in_question({}, needed), ElementsAre(0U, 1U, 2U, 3U, 4U));
}

TEST_F(RedoLog, MakesOfAnOldImageTheNewOne) {
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    const std::string tag = model::to_string(format);
    Bytes old_content;
    Bytes new_content;
    const auto before =
        patch("old-" + tag, {"write -P 7 1M 64k", "write -P 8 5M 64k", "write -z -u 7M 64k"},
              old_content);
    const auto now =
        patch("new-" + tag, {"write -P 7 1M 64k", "write -P 9 2M 64k", "write -z -u 3M 128k"},
              new_content);
    std::filesystem::path image = write("image-" + tag, old_content);
    if (format == DiskFormat::qcow2) {
      image = to_qcow2(image);
    }
    m_log = m_folder.path() / ("redo-" + tag);
    Manifest manifest = manifest_of(old_content, m_folder.path() / ("manifest-" + tag));
    const RedoAmount amount = log_of(manifest, before, now);
    // 2M, 3M and 3M+64k are otherwise now; 5M and 7M are the source's again; 1M is as it was.
    EXPECT_EQ(amount.leaves, 5U);
    EXPECT_EQ(amount.to_write.value, 5 * k_leaf_size);
    EXPECT_EQ(content_of(image, format), old_content) << "nothing is written yet";

    const RedoTarget target{"vda", image, format, m_folder.path()};
    EXPECT_EQ(apply_redo_log(m_log, target, manifest, {}).value, 5 * k_leaf_size);
    EXPECT_EQ(content_of(image, format), new_content);
    EXPECT_EQ(manifest.root(),
              manifest_of(new_content, m_folder.path() / ("expected-" + tag)).root());
    verify_disk({"vda", image, format, manifest, m_folder.path(), ZeroCheck::full}, {});
    apply_redo_log(m_log, target, manifest, {});  // once more does no harm
    EXPECT_EQ(content_of(image, format), new_content);
    EXPECT_TRUE(Manifest::open(manifest.path()).head().complete);
  }
}

// Runs it in a process of its own, which is killed when so many leaves are written.
void die_after(int leaves, const std::function<void(const model::ProgressSink&)>& work) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int written = 0;
    work([&](const model::Progress& progress) {
      if (progress.stage == "rewrite" && ++written == leaves) {
        ::raise(SIGKILL);
      }
    });
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

TEST_F(RedoLog, IsWrittenAgainAfterADeathOnTheWay) {
  Bytes old_content;
  Bytes new_content;
  const auto before = patch("old", {"write -P 8 5M 64k"}, old_content);
  const auto now =
      patch("new", {"write -P 9 2M 64k", "write -z -u 3M 64k", "write -P 3 9M 512"}, new_content);
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    for (int leaves = 1; leaves <= 4; ++leaves) {
      const std::string tag = fmt::format("{}-{}", model::to_string(format), leaves);
      SCOPED_TRACE(tag);
      std::filesystem::path image = write("image-" + tag, old_content);
      if (format == DiskFormat::qcow2) {
        image = to_qcow2(image);
      }
      m_log = m_folder.path() / ("redo-" + tag);
      const auto kept = m_folder.path() / ("manifest-" + tag);
      EXPECT_EQ(log_of(manifest_of(old_content, kept), before, now).leaves, 4U);
      const RedoTarget target{"vda", image, format, m_folder.path()};
      die_after(leaves, [&](const model::ProgressSink& progress) {
        Manifest manifest = Manifest::open(kept);
        apply_redo_log(m_log, target, manifest, progress);
      });
      if (HasFatalFailure()) {
        return;
      }
      if (format == DiskFormat::raw) {
        EXPECT_NE(read_file(image), old_content);
        EXPECT_EQ(read_file(image) == new_content, leaves == 4);
      }
      Manifest manifest = Manifest::open(kept);
      apply_redo_log(m_log, target, manifest, {});
      EXPECT_EQ(content_of(image, format), new_content);
      verify_disk({"vda", image, format, Manifest::open(kept), m_folder.path(), ZeroCheck::full},
                  {});
    }
  }
}

TEST_F(RedoLog, OfTheSamePatchIsEmpty) {
  Bytes content;
  const auto extents = patch("same", {"write -P 7 1M 100k"}, content);
  Manifest manifest = manifest_of(content, m_folder.path() / "manifest");
  EXPECT_EQ(log_of(manifest, extents, extents).leaves, 0U);
  const auto image = write("image", content);
  EXPECT_EQ(apply_redo_log(m_log, {"vda", image, DiskFormat::raw, m_folder.path()}, manifest, {}),
            ByteCount{});
  EXPECT_EQ(read_file(image), content);
}

TEST_F(RedoLog, KnowsTheShortLeafAtTheEnd) {
  Bytes old_content;
  Bytes new_content;
  const auto before = patch("old", {}, old_content);
  const auto now = patch("new", {"write -P 3 9M 512"}, new_content);
  Manifest manifest = manifest_of(old_content, m_folder.path() / "manifest");
  const auto image = write("image", old_content);
  EXPECT_EQ(log_of(manifest, before, now).to_write.value, 512U);
  apply_redo_log(m_log, {"vda", image, DiskFormat::raw, m_folder.path()}, manifest, {});
  EXPECT_EQ(read_file(image), new_content);
}

TEST_F(RedoLog, ThatIsDamagedOrAnotherDisksIsRefusedBeforeAByteIsWritten) {
  Bytes old_content;
  Bytes new_content;
  const auto before = patch("old", {}, old_content);
  const auto now = patch("new", {"write -P 3 1M 64k"}, new_content);
  Manifest manifest = manifest_of(old_content, m_folder.path() / "manifest");
  log_of(manifest, before, now);
  const auto image = write("image", old_content);
  const RedoTarget target{"vda", image, DiskFormat::raw, m_folder.path()};
  const Bytes good = read_file(m_log);
  std::set<std::size_t> places = {0, 8, 16, 24, 32, 40, good.size() / 2, good.size() - 1};
  for (const std::size_t at : places) {
    Bytes bad = good;
    bad[at] ^= std::byte{1};
    write("vda.redo", bad);
    EXPECT_THROW(apply_redo_log(m_log, target, manifest, {}), Error) << at;
  }
  for (const std::size_t length : {std::size_t{0}, std::size_t{30}, good.size() - 1}) {
    write("vda.redo", Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
    EXPECT_THROW(apply_redo_log(m_log, target, manifest, {}), Error) << length;
  }
  write("vda.redo", good);
  Manifest other = manifest_of(Bytes(k_size - 512), m_folder.path() / "other");
  EXPECT_THROW(apply_redo_log(m_log, target, other, {}), Error);
  EXPECT_EQ(read_file(image), old_content);
  apply_redo_log(m_log, target, manifest, {});
  EXPECT_EQ(read_file(image), new_content);
}

}  // namespace
}  // namespace vmconvert::disk
