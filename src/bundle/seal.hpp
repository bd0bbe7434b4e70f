// Encryption of a bundle's files by age(1), each by itself, to public keys: who exports needs no
// secret, and who imports names the file that holds one. Files keep their names; the manifest says
// that they are encrypted.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "base/subprocess.hpp"

namespace vmconvert::bundle {

// `recipients` is a file of public keys, one a line, as `age -R` reads it. From any thread.
std::vector<std::byte> seal(std::span<const std::byte> plain,
                            const std::filesystem::path& recipients, CommandRunner& commands);

// `identity` is the file that age-keygen made. Never more than `limit` bytes.
std::vector<std::byte> unseal(std::span<const std::byte> sealed,
                              const std::filesystem::path& identity, std::uint64_t limit,
                              CommandRunner& commands);

}  // namespace vmconvert::bundle
