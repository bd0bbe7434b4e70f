// Sectors that a source has lost: read as zeros where the operator asked for that, and written down
// at once, as a mapfile that ddrescue understands.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "disk/block_reader.hpp"
#include "model/extent.hpp"

namespace vmconvert::disk {

// More than this is no disk with bad sectors, but one that is gone.
inline constexpr std::uint64_t k_most_bad_bytes = 256 * k_mib;

enum class OnBadSector { stop, map };

class BadSectors {
 public:
  // `map`: written with each find, and taken up if it is there; empty: only in memory.
  // Error(bad_input) if it is no map of this size.
  BadSectors(std::filesystem::path map, ByteCount size, std::string what);

  // From any thread; on the device when it returns. Error(io) when there are too many.
  void add(const std::vector<model::ByteRange>& ranges);
  [[nodiscard]] std::vector<model::ByteRange> ranges() const;  // ascending, apart
  [[nodiscard]] const std::filesystem::path& map() const noexcept { return m_map; }
  [[nodiscard]] const std::string& what() const noexcept { return m_what; }

 private:
  std::filesystem::path m_map;
  ByteCount m_size;
  std::string m_what;
  mutable std::mutex m_mutex;
  std::vector<model::ByteRange> m_ranges;
};

// The text of a mapfile, and back. Positions are of the source device, so that `ddrescue SOURCE
// COPY MAP` tries those sectors again and no others. Error(bad_input) naming `what`.
std::string to_mapfile(const std::vector<model::ByteRange>& bad, ByteCount size);
std::vector<model::ByteRange> parse_mapfile(const std::string& text, ByteCount size,
                                            const std::string& what);

// What cannot be read is zeros, sector by sector, and noted. Any other error than a bad sector's
// goes through.
class SalvageReader final : public BlockReader {
 public:
  SalvageReader(std::shared_ptr<BlockReader> inner, BadSectors& bad)
      : m_inner(std::move(inner)), m_bad(bad) {}
  [[nodiscard]] ByteCount size() const override { return m_inner->size(); }
  void read(std::span<std::byte> buffer, ByteCount offset) override;
  Run run_at(ByteCount offset) override { return m_inner->run_at(offset); }

 private:
  std::shared_ptr<BlockReader> m_inner;
  BadSectors& m_bad;
};

}  // namespace vmconvert::disk
