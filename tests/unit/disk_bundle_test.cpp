#include "disk/bundle_disk.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fcntl.h>

#include "base/error.hpp"
#include "bundle/names.hpp"
#include "bundle/receive.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class BundleTest : public Scratch {
 protected:
  [[nodiscard]] fs::path folder() const { return m_folder.path() / "bundle"; }
  [[nodiscard]] fs::path leaves(std::size_t disk = 0) const {
    return folder() / bundle::leaves_name(disk);
  }

  bundle::WriteOptions options() {
    return {1, {}, {}, m_folder.path() / "notes", "vmconvert test"};
  }

  // All of it counts as used, but for what is left out.
  bundle::Writer::Written fill(bundle::Writer& writer, const std::vector<Bytes>& disks,
                               const std::vector<model::ByteRange>& free = {}) {
    bundle::Facts facts;
    facts.guest = "web01";
    std::vector<bundle::Leaves> made;
    for (const Bytes& bytes : disks) {
      MemoryReader source(bytes);
      const ByteCount size{bytes.size()};
      std::vector<model::Extent> extents;
      ByteCount at;
      for (const model::ByteRange& range : free) {
        extents.push_back({at, range.offset - at, model::ExtentKind::needed});
        extents.push_back({range.offset, range.length, model::ExtentKind::skipped});
        at = range.offset + range.length;
      }
      extents.push_back({at, size - at, model::ExtentKind::needed});
      ExportedDisk disk = export_disk({"xvda", size, extents, source, writer}, {});
      facts.disks.push_back(
          {"xvd" + std::string(1, static_cast<char>('a' + facts.disks.size())), size, disk.data});
      made.push_back(std::move(disk.leaves));
    }
    writer.put(bundle::k_domain_name, bundle::as_bytes("<domain/>"));
    const std::vector<bundle::DiskNotes> notes(disks.size());
    writer.put(bundle::k_facts_name, bundle::as_bytes(to_json(facts, {}, notes)));
    return writer.finish(made);
  }
  bundle::Writer::Written write_bundle(const std::vector<Bytes>& disks,
                                       const std::vector<model::ByteRange>& free = {}) {
    bundle::Writer writer(folder(), options(), m_commands);
    return fill(writer, disks, free);
  }

  Bytes read_disk(std::size_t disk = 0) {
    BundleReader reader(leaves(disk));
    return read_all(reader);
  }
  std::vector<bundle::Problem> problems() {
    return bundle::verify(folder(), bundle::read_manifest(folder())).problems;
  }
  fs::path a_pack() { return folder() / bundle::read_manifest(folder()).packs().front().path; }
  static void change_byte(const fs::path& path, std::size_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }
};

Bytes some_disk(std::size_t size) {
  Bytes bytes = random_bytes(size, 5);
  std::fill(bytes.begin() + 3 * k_mib, bytes.begin() + 5 * k_mib, std::byte{0});
  for (std::size_t i = 6 * k_mib; i < 7 * k_mib; ++i) {
    bytes[i] = static_cast<std::byte>(i / 100);  // compresses well
  }
  return bytes;
}

TEST_F(BundleTest, ADiskComesBackByteForByte) {
  const Bytes bytes = some_disk(20 * k_mib + 512);
  write_bundle({bytes});
  EXPECT_EQ(read_disk(), bytes);
  EXPECT_THAT(problems(), IsEmpty());
  BundleReader reader(leaves());
  EXPECT_TRUE(reader.run_at(ByteCount{3 * k_mib}).zero);
  EXPECT_EQ(reader.run_at(ByteCount{3 * k_mib}).end, ByteCount{5 * k_mib});
  Bytes part(1000);
  reader.read(part, ByteCount{6 * k_mib + 77});
  EXPECT_TRUE(std::equal(part.begin(), part.end(), bytes.begin() + 6 * k_mib + 77));
}

TEST_F(BundleTest, WhatIsFreeDoesNotTravel) {
  const Bytes bytes = random_bytes(8 * k_mib, 5);
  const auto written = write_bundle({bytes}, {{ByteCount{k_mib + 4096}, ByteCount{6 * k_mib}}});
  Bytes expected = bytes;
  std::fill(expected.begin() + k_mib + 4096, expected.begin() + 7 * k_mib + 4096, std::byte{0});
  EXPECT_EQ(read_disk(), expected);
  EXPECT_LT(written.new_bytes, 2 * k_mib + 200 * k_kib);
}

TEST_F(BundleTest, EqualChunksAreStoredOnce) {
  Bytes bytes = random_bytes(k_mib, 5);
  const auto once = write_bundle({bytes}).new_bytes;
  fs::remove_all(folder());
  bytes.insert(bytes.end(), bytes.begin(), bytes.end());
  const auto twice = write_bundle({bytes, bytes}).new_bytes;
  EXPECT_EQ(twice, once);
  EXPECT_EQ(read_disk(1), bytes);
}

TEST_F(BundleTest, ASecondExportAddsOnlyWhatChanged) {
  Bytes bytes = random_bytes(64 * k_mib, 5);
  const auto first = write_bundle({bytes});
  EXPECT_EQ(write_bundle({bytes}).new_bytes, 0U);
  // 1 %, in files of 160 KiB here and there
  for (std::size_t i = 0; i < 4; ++i) {
    const Bytes file = random_bytes(160 * k_kib, 100 + static_cast<unsigned>(i));
    std::copy(file.begin(), file.end(),
              bytes.begin() + static_cast<long>(i * 15 * k_mib + 37 * 4096));
  }
  const auto second = write_bundle({bytes});
  EXPECT_EQ(read_disk(), bytes);
  EXPECT_GT(second.new_bytes, 600 * k_kib);
  EXPECT_LT(static_cast<double>(second.new_bytes), 0.02 * static_cast<double>(first.new_bytes));
  EXPECT_THAT(problems(), IsEmpty());
  // Packs that are of no use any more go.
  write_bundle({Bytes(k_mib, std::byte{7})});
  EXPECT_THAT(bundle::verify(folder(), bundle::read_manifest(folder())).strays, IsEmpty());
}

TEST_F(BundleTest, AnInterruptedExportGoesOn) {
  const Bytes bytes = random_bytes(40 * k_mib, 5);
  {
    bundle::Writer writer(folder(), options(), m_commands);
    MemoryReader source(bytes);
    const ByteCount size{bytes.size()};
    export_disk({"xvda", size, {{{}, size, model::ExtentKind::needed}}, source, writer}, {});
  }  // without finish(): two packs are in their places
  EXPECT_THROW(bundle::read_manifest(folder()), Error);
  bundle::Writer writer(folder(), options(), m_commands);
  EXPECT_EQ(writer.known_packs(), 2U);
  const auto written = fill(writer, {bytes});
  EXPECT_LT(written.new_bytes, 9 * k_mib);
  EXPECT_EQ(read_disk(), bytes);
  EXPECT_FALSE(fs::exists(options().notes));
}

TEST_F(BundleTest, WhatIsCutShortChangedOrSwappedIsNamed) {
  const Bytes bytes = random_bytes(40 * k_mib, 5);
  write_bundle({bytes});
  const auto packs = bundle::read_manifest(folder()).packs();
  ASSERT_EQ(packs.size(), 3U);
  const fs::path whole = m_folder.path() / "whole";
  fs::copy(folder(), whole, fs::copy_options::recursive);
  const auto restore = [&] {
    fs::remove_all(folder());
    fs::copy(whole, folder(), fs::copy_options::recursive);
  };

  change_byte(a_pack(), 1000);
  ASSERT_THAT(problems(), SizeIs(1));
  EXPECT_EQ(problems().front().file, packs.front().path);
  try {
    read_disk();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr(packs.front().path));
  }
  restore();

  fs::resize_file(folder() / packs[1].path, packs[1].size - 1);
  ASSERT_THAT(problems(), SizeIs(1));
  EXPECT_THAT(problems().front().what, HasSubstr("bytes"));
  const auto missing = bundle::find_missing(folder(), bundle::read_manifest(folder()));
  ASSERT_THAT(missing, SizeIs(1));
  EXPECT_EQ(missing.front().file, packs[1].path);
  EXPECT_THROW(read_disk(), Error);
  restore();

  fs::rename(folder() / packs[0].path, folder() / "x");
  fs::rename(folder() / packs[1].path, folder() / packs[0].path);
  fs::rename(folder() / "x", folder() / packs[1].path);
  EXPECT_THAT(problems(), SizeIs(2));
  restore();

  fs::remove(folder() / packs[2].path);
  fs::create_symlink(whole / packs[2].path, folder() / packs[2].path);
  EXPECT_THAT(problems(), SizeIs(1));
  EXPECT_THROW(read_disk(), Error);
  restore();

  for (const std::string name : {"chunks", "disks/0.leaves", "domain.xml", "facts.json"}) {
    change_byte(folder() / name, 5);
    ASSERT_THAT(problems(), SizeIs(1)) << name;
    EXPECT_EQ(problems().front().file, name);
    restore();
  }
  change_byte(folder() / "manifest", 200);
  EXPECT_THROW(bundle::read_manifest(folder()), Error);
}

TEST_F(BundleTest, ADamagedPackIsWrittenAgain) {
  const Bytes bytes = random_bytes(20 * k_mib, 5);
  write_bundle({bytes});
  change_byte(a_pack(), 1000);
  EXPECT_GT(write_bundle({bytes}).new_bytes, 10 * k_mib);
  EXPECT_EQ(read_disk(), bytes);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(BundleTest, GoesThroughAStream) {
  const Bytes bytes = some_disk(20 * k_mib);
  const fs::path tar = m_folder.path() / "stream.tar";
  {
    const Fd out = open_file(tar, O_WRONLY | O_CREAT);
    bundle::Writer writer(out.get(), options(), m_commands);
    fill(writer, {bytes});
  }
  const auto receive = [&] {
    fs::remove_all(folder());
    const Fd in = open_file(tar, O_RDONLY);
    return bundle::receive_stream(in.get(), folder());
  };
  receive();
  EXPECT_EQ(read_disk(), bytes);
  EXPECT_THAT(problems(), IsEmpty());

  fs::resize_file(tar, fs::file_size(tar) / 2);
  EXPECT_THROW(receive(), Error);
  fs::create_directory(m_folder.path() / "evil");
  std::ofstream(m_folder.path() / "evil/passwd") << "x";
  run({"tar", "-C", m_folder.path() / "evil", "-cf", tar, "passwd"});
  try {
    receive();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("\"passwd\" is nothing that a bundle has"));
  }
  fs::remove(m_folder.path() / "evil/passwd");
  fs::create_symlink("/etc", m_folder.path() / "evil/packs");
  run({"tar", "-C", m_folder.path() / "evil", "-cf", tar, "packs"});
  EXPECT_THROW(receive(), Error);
}

TEST_F(BundleTest, QemuReadsItThroughThePlugin) {
  const Bytes bytes = some_disk(20 * k_mib);
  write_bundle({bytes, random_bytes(k_mib, 9)});
  model::Domain domain;
  model::DomainDisk source;
  source.source = leaves();
  domain.disks.push_back(source);
  model::TargetDisk disk;
  disk.name = "vda";
  disk.size = ByteCount{bytes.size()};
  disk.segments = {{model::SegmentKind::source, disk.size, 0, {}}};
  DiskSource opened(disk, domain, folders());
  const fs::path out = m_folder.path() / "seen";
  run({"qemu-img", "convert", "-f", "raw", "-O", "raw", opened.backing().filename, out.string()});
  EXPECT_EQ(read_file(out), bytes);
  EXPECT_EQ(read_all(*opened.open_reader()), bytes);
}

TEST_F(BundleTest, IsEncryptedToPublicKeys) {
  if (!find_program("age-keygen")) {
    GTEST_SKIP() << "age is not installed";
  }
  const Bytes bytes = random_bytes(20 * k_mib, 5);
  const fs::path key = m_folder.path() / "key";
  const fs::path recipients = m_folder.path() / "key.pub";
  run({"age-keygen", "-o", key.string()});
  std::ofstream(recipients) << run({"age-keygen", "-y", key.string()});
  bundle::WriteOptions sealed = options();
  sealed.recipients = recipients;
  sealed.identity = key;
  const auto write = [&] {
    bundle::Writer writer(folder(), sealed, m_commands);
    return fill(writer, {bytes});
  };
  write();
  EXPECT_THAT(problems(), IsEmpty());  // without the key
  EXPECT_THROW(read_disk(), Error);
  EXPECT_EQ(write().new_bytes, 0U);  // with it: nothing changed

  const fs::path plain = m_folder.path() / "plain";
  bundle::unseal_bundle(folder(), plain, key, m_commands);
  BundleReader reader(plain / bundle::leaves_name(0));
  EXPECT_EQ(read_all(reader), bytes);

  change_byte(a_pack(), 3000);
  EXPECT_THAT(problems(), SizeIs(1));
  EXPECT_THROW(bundle::unseal_bundle(folder(), m_folder.path() / "again", key, m_commands), Error);
}

}  // namespace
}  // namespace vmconvert::disk
