// Compressed members of an initramfs image: what they are, where they end, what is in them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "guest/initramfs_cpio.hpp"

namespace vmconvert::guest {

enum class Compression { gzip, bzip2, lzma, xz, lz4, lz4_legacy, zstd };

// By the first bytes, as the kernel does it.
std::optional<Compression> compression_of(std::string_view data);

// Bytes of the first frame in `data`, for the formats that tell by structure; nothing for the
// others (gzip, bzip2, lzma: the decoder knows its end). Throws bad_input when it does not end in
// `data`.
std::optional<std::size_t> frame_length(Compression compression, std::string_view data);

// Decompresses. `budget` is what may still come out of the whole image; it is taken from.
class CompressedSource final : public ByteSource {
 public:
  CompressedSource(Compression compression, std::string_view data, std::uint64_t& budget);
  CompressedSource(const CompressedSource&) = delete;
  CompressedSource& operator=(const CompressedSource&) = delete;
  ~CompressedSource() override;

  std::string_view next() override;
  // Of the compressed bytes; call it at the end.
  [[nodiscard]] std::size_t consumed() const;

 private:
  struct Decoder;
  [[noreturn]] void fail() const;

  std::unique_ptr<Decoder> m_decoder;
  std::uint64_t& m_budget;
  std::optional<std::size_t> m_frame;
};

}  // namespace vmconvert::guest
