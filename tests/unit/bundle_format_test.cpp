#include <gmock/gmock.h>

#include "base/error.hpp"
#include "bundle/codec.hpp"
#include "bundle/facts.hpp"
#include "bundle/manifest.hpp"
#include "bundle/names.hpp"
#include "bundle/tables.hpp"

namespace vmconvert::bundle {
namespace {

using ::testing::HasSubstr;

template <class Body>
std::string message_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

Digest digest_of(std::string_view text) {
  return sha256(as_bytes(text));
}

Manifest some_manifest() {
  Manifest manifest;
  manifest.written_by = "vmconvert test";
  manifest.created = "2026-11-28T16:00:00Z";
  for (const char* name : {"domain.xml", "facts.json", "chunks", "disks/0.leaves"}) {
    manifest.files.push_back({name, 10, digest_of(name)});
  }
  const Digest pack = digest_of("pack");
  manifest.files.push_back({pack_name(pack), 99, pack});
  return manifest;
}

// The text with another body, and the checksum that fits to it: what somebody who means it would
// do.
std::string forged(const std::string& from, const std::string& to) {
  Manifest manifest = some_manifest();
  const std::string text = to_text(manifest);
  std::string body = text.substr(text.find('\n') + 1);
  const std::size_t at = body.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  body.replace(at, from.size(), to);
  return "vmconvert-bundle 1 sha256:" + to_hex(digest_of(body)) + "\n" + body;
}

TEST(BundleManifest, ComesBackAsItWasWritten) {
  Manifest manifest = some_manifest();
  const Manifest read = parse_manifest(to_text(manifest), "m");
  EXPECT_EQ(read.root, manifest.root);
  ASSERT_EQ(read.files.size(), manifest.files.size());
  EXPECT_EQ(read.files.back().path, manifest.files.back().path);
  EXPECT_EQ(read.packs().size(), 1U);
  EXPECT_EQ(read.stored_bytes(), 139U);
  EXPECT_FALSE(read.encrypted);
}

TEST(BundleManifest, SaysWhenItWasCutShortOrChanged) {
  Manifest manifest = some_manifest();
  std::string text = to_text(manifest);
  EXPECT_THAT(message_of([&] { parse_manifest(text.substr(0, text.size() - 1), "m"); }),
              HasSubstr("cut short or changed"));
  text[text.size() / 2] ^= 1;
  EXPECT_THAT(message_of([&] { parse_manifest(text, "m"); }), HasSubstr("cut short or changed"));
  EXPECT_THAT(message_of([&] { parse_manifest("PK", "m"); }), HasSubstr("not the manifest"));
  EXPECT_THAT(message_of([&] { parse_manifest("vmconvert-bundle 2 sha256:00\n{}", "m"); }),
              HasSubstr("another version"));
}

TEST(BundleManifest, RefusesWhatNoBundleHas) {
  const auto refused = [](const std::string& from, const std::string& to) {
    const std::string text = forged(from, to);
    return message_of([&] { parse_manifest(text, "m"); });
  };
  EXPECT_THAT(refused("disks/0.leaves", "../../etc/shadow"), HasSubstr("no bundle has"));
  EXPECT_THAT(refused("disks/0.leaves", "/etc/shadow"), HasSubstr("no bundle has"));
  EXPECT_THAT(refused("disks/0.leaves", "disks/../0.leaves"), HasSubstr("no bundle has"));
  EXPECT_THAT(refused("disks/0.leaves", "host/kernel/.x"), HasSubstr("no bundle has"));
  EXPECT_THAT(refused("disks/0.leaves", "domain.xml"), HasSubstr("named twice"));
  EXPECT_THAT(refused("domain.xml", "blueprint.toml"), HasSubstr("domain.xml is not named"));
  EXPECT_THAT(refused("\"size\": 10", "\"size\": 99999999999999"), HasSubstr("more than any"));
  EXPECT_THAT(refused("\"size\": 10", "\"size\": -1"), HasSubstr("is no number"));
  EXPECT_THAT(refused(to_hex(digest_of("pack")), to_hex(digest_of("other"))),
              HasSubstr("another checksum than its name"));
  EXPECT_THAT(refused("\"encryption\": null", "\"encryption\": \"rot13\""),
              HasSubstr("unknown way"));
  EXPECT_THAT(refused("\"files\"", "\"fils\""), HasSubstr("cannot be understood"));
  EXPECT_THAT(refused("\"files\": [", "\"files\": [[[[[[[[[[[]]]]]]]]]],"), HasSubstr("nested"));
}

TEST(BundleManifest, AnotherRootIsADifference) {
  Manifest manifest = some_manifest();
  static_cast<void>(to_text(manifest));
  EXPECT_NO_THROW(require_root(manifest, ""));
  EXPECT_NO_THROW(require_root(manifest, "sha256:" + to_hex(manifest.root)));
  try {
    require_root(manifest, "sha256:" + to_hex(digest_of("other")));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch);
  }
}

TEST(BundleTables, ChunksComeBackAndHostileOnesDoNot) {
  const Chunks chunks = {{digest_of("a"), 0, 0, 100, 65536}, {digest_of("b"), 1, 100, 512, 512}};
  const auto bytes = to_bytes(chunks);
  const Chunks read = parse_chunks(bytes, 2);
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[1].digest, chunks[1].digest);
  EXPECT_EQ(read[1].offset, 100U);
  EXPECT_THAT(message_of([&] { parse_chunks(bytes, 1); }), HasSubstr("chunk 1 cannot be"));
  EXPECT_THAT(message_of([&] { parse_chunks(std::span(bytes).first(bytes.size() - 1), 2); }),
              HasSubstr("has bytes for"));
  auto more = bytes;
  more[8] = std::byte{200};
  EXPECT_THAT(message_of([&] { parse_chunks(more, 2); }), HasSubstr("200 chunks"));
  for (const Chunk& bad : {Chunk{{}, 0, 0, 100, 1U << 30U}, Chunk{{}, 0, 0, 0, 512},
                           Chunk{{}, 0, 0, 513, 512}, Chunk{{}, 0, 1U << 31U, 1, 512}}) {
    EXPECT_THAT(message_of([&] { parse_chunks(to_bytes({bad}), 1); }), HasSubstr("cannot be"));
  }
}

TEST(BundleTables, LeavesComeBackAndHostileOnesDoNot) {
  const Chunks chunks = {{digest_of("a"), 0, 0, 1, 65536}, {digest_of("b"), 0, 1, 1, 512}};
  Leaves leaves(ByteCount{10 * k_leaf_size + 512});
  leaves.add(2, 0);
  leaves.add(3, 0);
  leaves.add(10, 1);
  const auto bytes = leaves.to_bytes();
  const Leaves read = Leaves::parse(bytes, chunks);
  EXPECT_EQ(read.size(), leaves.size());
  EXPECT_TRUE(read.find(0).zero);
  EXPECT_EQ(read.find(0).same_until, 2U);
  EXPECT_FALSE(read.find(3).zero);
  EXPECT_EQ(read.find(3).same_until, 4U);
  EXPECT_TRUE(read.find(4).zero);
  EXPECT_EQ(read.find(10).chunk, 1U);
  EXPECT_EQ(read.length_of(10), 512U);

  EXPECT_THAT(message_of([&] { Leaves::parse(std::span(bytes).first(bytes.size() - 2), chunks); }),
              HasSubstr("cannot be"));
  EXPECT_THAT(message_of([&] { Leaves::parse(bytes, {chunks[0]}); }), HasSubstr("leaf 10"));
  auto changed = bytes;
  changed[15] = std::byte{0xff};
  EXPECT_THAT(message_of([&] { Leaves::parse(changed, chunks); }), HasSubstr("a disk of"));
  changed = bytes;
  changed[24] = std::byte{9};  // the first run begins at leaf 9: the second one lies before its end
  EXPECT_NE(message_of([&] { Leaves::parse(changed, chunks); }), "no error");
  changed = bytes;
  changed[39] = std::byte{0xff};  // a run of 2^63 leaves
  EXPECT_THAT(message_of([&] { Leaves::parse(changed, chunks); }), HasSubstr("run 0"));
}

TEST(BundleCodec, AFrameThatUnpacksToMoreThanItSaysIsRefused) {
  std::vector<std::byte> plain(k_leaf_size);
  plain[7] = std::byte{1};
  Compressor compressor(1);
  const auto stored = compressor.pack(plain);
  ASSERT_LT(stored.size(), plain.size());
  Chunk chunk{sha256(plain), 0, 0, static_cast<std::uint32_t>(stored.size()),
              static_cast<std::uint32_t>(plain.size())};
  std::vector<std::byte> out(plain.size());
  unpack(chunk, stored, out);
  EXPECT_EQ(out, plain);

  out.resize(512);
  chunk.plain = 512;
  EXPECT_THAT(message_of([&] { unpack(chunk, stored, out); }), HasSubstr("unpacking"));
  out.resize(plain.size());
  chunk.plain = static_cast<std::uint32_t>(plain.size());
  chunk.digest[0] ^= std::byte{1};
  EXPECT_THAT(message_of([&] { unpack(chunk, stored, out); }), HasSubstr("another checksum"));
}

TEST(BundleFacts, RefusesPathsAndTwins) {
  model::Domain domain;
  domain.name = "web01";
  const Facts facts{
      "web01", {{"xvda", ByteCount{1024}, ByteCount{512}}}, "host/kernel/vmlinuz-1", ""};
  const std::string json = to_json(facts, domain, {{}});
  const Facts read = parse_facts(json);
  EXPECT_EQ(read.guest, "web01");
  EXPECT_EQ(read.disks.at(0).size, ByteCount{1024});
  EXPECT_EQ(read.kernel, "host/kernel/vmlinuz-1");

  std::string bad = json;
  bad.replace(bad.find("host/kernel/vmlinuz-1"), 21, "host/kernel/../../../x");
  EXPECT_THAT(message_of([&] { parse_facts(bad); }), HasSubstr("is no kernel"));
  EXPECT_THAT(message_of([&] { parse_facts("{"); }), HasSubstr("cannot be understood"));
  EXPECT_THAT(message_of([&] { parse_facts("[]"); }), HasSubstr("cannot be understood"));
}

TEST(BundleNames, AreFewAndPlain) {
  for (const char* good :
       {"chunks", "disks/0.leaves", "disks/255.leaves", "host/initrd/initrd.img-6.1"}) {
    EXPECT_TRUE(is_file_name(good)) << good;
  }
  for (const char* bad : {"", "manifest", "disks/.leaves", "disks/1000.leaves", "disks/a.leaves",
                          "packs/abc", "host/kernel/", "host/kernel/a/b", "host/kernel/a b",
                          "host/kernel/-x", "host/kernel/x\n", "packs/../manifest"}) {
    EXPECT_FALSE(is_file_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace vmconvert::bundle
