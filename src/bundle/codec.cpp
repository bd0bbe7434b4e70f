#include "bundle/codec.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/owned.hpp"

namespace vmconvert::bundle {
namespace {

// Less than a twentieth saved is not worth the time that unpacking takes.
bool is_worth_it(std::size_t stored, std::size_t plain) {
  return stored < plain - plain / 20;
}

}  // namespace

struct Compressor::State {
  int level = 1;
  Owned<ZSTD_CCtx, ZSTD_freeCCtx> context{ZSTD_createCCtx()};
  std::vector<std::byte> out;
};

Compressor::Compressor(int level) : m_state(std::make_unique<State>()) {
  m_state->level = level;
}
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;
Compressor::~Compressor() = default;

std::span<const std::byte> Compressor::pack(std::span<const std::byte> plain) {
  m_state->out.resize(ZSTD_compressBound(plain.size()));
  const std::size_t size =
      ZSTD_compressCCtx(m_state->context.get(), m_state->out.data(), m_state->out.size(),
                        plain.data(), plain.size(), m_state->level);
  if (ZSTD_isError(size) != 0) {
    throw Error(ErrorKind::internal, fmt::format("compressing: {}", ZSTD_getErrorName(size)));
  }
  return is_worth_it(size, plain.size()) ? std::span<const std::byte>(m_state->out).first(size)
                                         : plain;
}

void unpack(const Chunk& chunk, std::span<const std::byte> stored, std::span<std::byte> plain) {
  if (chunk.stored == chunk.plain) {
    std::copy(stored.begin(), stored.end(), plain.begin());
  } else {
    // Never writes more than `plain` has room for, whatever the frame claims.
    const std::size_t size =
        ZSTD_decompress(plain.data(), plain.size(), stored.data(), stored.size());
    if (ZSTD_isError(size) != 0) {
      throw Error(ErrorKind::bad_input, fmt::format("unpacking: {}", ZSTD_getErrorName(size)));
    }
    if (size != plain.size()) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("it unpacks to {} bytes, not to {}", size, plain.size()));
    }
  }
  if (sha256(plain) != chunk.digest) {
    throw Error(ErrorKind::bad_input, "its content has another checksum than its name");
  }
}

}  // namespace vmconvert::bundle
