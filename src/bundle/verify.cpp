// Looks at every byte of a bundle.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/codec.hpp"
#include "bundle/content.hpp"
#include "bundle/names.hpp"
#include "bundle/parallel.hpp"

namespace vmconvert::bundle {
namespace {

namespace fs = std::filesystem;

class Verification {
 public:
  Verification(const fs::path& folder, const Manifest& manifest)
      : m_folder(folder), m_manifest(manifest) {}

  Verdict run() {
    if (!m_manifest.encrypted) {
      load_tables();
    }
    // Packs in the order of their numbers: a chunk knows its pack by it.
    std::vector<std::size_t> pack_of(m_manifest.files.size());
    std::size_t packs = 0;
    for (std::size_t i = 0; i < pack_of.size(); ++i) {
      pack_of[i] = is_pack_name(m_manifest.files[i].path) ? packs++ : k_none;
    }
    for_each_index(m_manifest.files.size(), [&](std::size_t i) { check(i, pack_of[i]); });
    look_for_strays();
    std::sort(m_verdict.problems.begin(), m_verdict.problems.end(),
              [](const Problem& a, const Problem& b) { return a.file < b.file; });
    m_verdict.bytes = m_bytes;
    m_verdict.chunks = m_chunks_read;
    return std::move(m_verdict);
  }

 private:
  static constexpr std::size_t k_none = static_cast<std::size_t>(-1);

  void load_tables() {
    try {
      const auto content = Content::open(m_folder);
      for (std::size_t disk = 0; disk < content->facts().disks.size(); ++disk) {
        static_cast<void>(content->leaves(disk));
      }
      m_chunks.resize(content->packs().size());
      for (const Chunk& chunk : content->chunks()) {
        m_chunks[chunk.pack].push_back(chunk);
      }
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::interrupted) {
        throw;
      }
      m_table_problem = error.message();  // said unless a file's checksum says it better
    }
  }

  void check(std::size_t index, std::size_t pack) {
    const StoredFile& file = m_manifest.files[index];
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(m_folder / file.path, ignored))) {
      note({file.path, "has not arrived"});
      return;
    }
    try {
      const std::vector<std::byte> bytes = read_checked(m_folder, file);
      m_bytes += bytes.size();
      if (pack < m_chunks.size()) {
        check_chunks(bytes, m_chunks[pack]);
      }
    } catch (const Error& error) {
      note({file.path, error.message()});
    }
  }

  void check_chunks(std::span<const std::byte> pack, const Chunks& chunks) {
    std::vector<std::byte> plain;
    for (const Chunk& chunk : chunks) {
      plain.resize(chunk.plain);
      while_chunk(chunk, [&] { unpack(chunk, pack.subspan(chunk.offset, chunk.stored), plain); });
      ++m_chunks_read;
    }
  }

  template <class Body>
  static void while_chunk(const Chunk& chunk, Body&& body) {
    try {
      body();
    } catch (const Error& error) {
      throw Error(error.kind(),
                  fmt::format("the chunk at byte {}: {}", chunk.offset, error.message()));
    }
  }

  void note(Problem problem) {
    const std::lock_guard lock(m_mutex);
    m_verdict.problems.push_back(std::move(problem));
  }

  void look_for_strays() {
    for (const auto& entry : fs::recursive_directory_iterator(m_folder)) {
      const std::string path = entry.path().lexically_relative(m_folder).string();
      if (!entry.is_directory() && path != k_manifest_name && m_manifest.find(path) == nullptr) {
        m_verdict.strays.push_back(path);
      }
    }
    if (m_verdict.problems.empty() && !m_table_problem.empty()) {
      m_verdict.problems.push_back({k_chunks_name, m_table_problem});
    }
  }

  const fs::path& m_folder;
  const Manifest& m_manifest;
  std::vector<Chunks> m_chunks;  // by pack
  std::string m_table_problem;
  std::atomic<std::uint64_t> m_bytes = 0;
  std::atomic<std::uint64_t> m_chunks_read = 0;
  std::mutex m_mutex;
  Verdict m_verdict;
};

}  // namespace

Verdict verify(const fs::path& folder, const Manifest& manifest) {
  return Verification(folder, manifest).run();
}

}  // namespace vmconvert::bundle
