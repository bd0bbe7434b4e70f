// Collects chunks into packs while a bundle is written. A content that came before, in this export
// or in the one that the bundle holds already, is not stored again.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "bundle/codec.hpp"
#include "bundle/manifest.hpp"
#include "bundle/sink.hpp"
#include "bundle/tables.hpp"

namespace vmconvert::bundle {

// A pack that is in its place, and what is in it (the chunks' pack numbers say nothing).
struct PackRecord {
  StoredFile file;
  Chunks chunks;
};

struct StoreOptions {
  // Plain to stored form: encryption. None: as it is.
  std::function<std::vector<std::byte>(std::span<const std::byte>)> seal = {};
  // Told of each pack when it is in its place: a note for an export that goes on later.
  std::function<void(const PackRecord&)> placed = {};
};

class ChunkStore {
 public:
  // The sink outlives this object.
  ChunkStore(Sink& sink, StoreOptions options) : m_sink(sink), m_options(std::move(options)) {}

  // Before the first add(). A pack whose chunks are all known is of no use and is left out.
  void adopt(const PackRecord& pack);

  // The number of a chunk with this content. From any thread; each has a compressor of its own.
  std::uint32_t add(std::span<const std::byte> content, Compressor& compressor);

  struct Result {
    std::vector<StoredFile> packs;       // those that hold a chunk in use
    Chunks chunks;                       // those in use
    std::vector<std::uint32_t> renamed;  // from the number that add() gave to the one in `chunks`
    std::uint64_t new_bytes = 0;         // in packs that were written now
  };
  // Writes what is left. No add() after it.
  Result finish();

 private:
  struct Open {
    std::uint32_t number = 0;
    std::vector<std::byte> bytes;
    std::vector<std::uint32_t> chunks;
  };
  struct Known {
    Chunk chunk;
    bool used = false;
  };
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };

  void place(Open pack);

  Sink& m_sink;
  StoreOptions m_options;
  std::mutex m_mutex;  // of what follows
  std::unordered_map<Digest, std::uint32_t, DigestHash> m_numbers;
  std::vector<Known> m_chunks;
  std::vector<StoredFile> m_packs;
  Open m_open;
  bool m_has_open = false;
  std::uint64_t m_new_bytes = 0;
};

}  // namespace vmconvert::bundle
