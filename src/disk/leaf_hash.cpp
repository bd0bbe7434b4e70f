#include "disk/leaf_hash.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/owned.hpp"

namespace vmconvert::disk {

using model::HashKind;

namespace {

LeafHash canonical(XXH128_hash_t hash) {
  XXH128_canonical_t form;
  XXH128_canonicalFromHash(&form, hash);
  LeafHash leaf;
  std::memcpy(leaf.bytes.data(), form.digest, sizeof(form.digest));
  return leaf;
}

void require(bool good) {
  if (!good) {
    throw Error(ErrorKind::internal, "computing a checksum failed");
  }
}

}  // namespace

std::size_t hash_length(HashKind kind) {
  return kind == HashKind::xxh3_128 ? 16 : 32;
}

LeafHash hash_of(HashKind kind, std::span<const std::byte> content) {
  if (kind == HashKind::xxh3_128) {
    return canonical(XXH3_128bits(content.data(), content.size()));
  }
  LeafHash leaf;
  unsigned length = 0;
  require(EVP_Digest(content.data(), content.size(),
                     reinterpret_cast<unsigned char*>(leaf.bytes.data()), &length, EVP_sha256(),
                     nullptr) == 1);
  return leaf;
}

struct RunningHash::State {
  static void free_xxh(XXH3_state_t* state) { XXH3_freeState(state); }

  HashKind kind = HashKind::xxh3_128;
  Owned<XXH3_state_t, free_xxh> xxh;
  Owned<EVP_MD_CTX, EVP_MD_CTX_free> evp;
};

RunningHash::RunningHash(HashKind kind) : m_state(std::make_unique<State>()) {
  m_state->kind = kind;
  if (kind == HashKind::xxh3_128) {
    m_state->xxh.reset(XXH3_createState());
    require(m_state->xxh && XXH3_128bits_reset(m_state->xxh.get()) == XXH_OK);
  } else {
    m_state->evp = Owned<EVP_MD_CTX, EVP_MD_CTX_free>(EVP_MD_CTX_new());
    require(m_state->evp && EVP_DigestInit_ex(m_state->evp.get(), EVP_sha256(), nullptr) == 1);
  }
}

RunningHash::~RunningHash() = default;

void RunningHash::add(std::span<const std::byte> bytes) {
  if (m_state->kind == HashKind::xxh3_128) {
    require(XXH3_128bits_update(m_state->xxh.get(), bytes.data(), bytes.size()) == XXH_OK);
  } else {
    require(EVP_DigestUpdate(m_state->evp.get(), bytes.data(), bytes.size()) == 1);
  }
}

LeafHash RunningHash::finish() {
  if (m_state->kind == HashKind::xxh3_128) {
    return canonical(XXH3_128bits_digest(m_state->xxh.get()));
  }
  LeafHash leaf;
  unsigned length = 0;
  require(EVP_DigestFinal_ex(m_state->evp.get(),
                             reinterpret_cast<unsigned char*>(leaf.bytes.data()), &length) == 1);
  return leaf;
}

std::string to_text(HashKind kind, const LeafHash& hash) {
  std::string text = kind == HashKind::xxh3_128 ? "xxh3-128:" : "sha256:";
  for (const std::byte byte : std::span(hash.bytes).first(hash_length(kind))) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

}  // namespace vmconvert::disk
