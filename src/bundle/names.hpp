// The names that a bundle's files may have, and how large each may be. A bundle comes from
// strangers: what is not on this list is never opened, made or followed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/units.hpp"
#include "bundle/digest.hpp"

namespace vmconvert::bundle {

inline constexpr const char* k_manifest_name = "manifest";
inline constexpr const char* k_chunks_name = "chunks";
inline constexpr const char* k_domain_name = "domain.xml";
inline constexpr const char* k_facts_name = "facts.json";
inline constexpr const char* k_blueprint_name = "blueprint.toml";

// The unit that is compressed, named by its content and stored once: what a change of a byte costs.
inline constexpr std::uint64_t k_leaf_size = 64 * k_kib;
// Leaves travel in packs of about this size: few enough files for any mover, small enough to be
// sent again.
inline constexpr std::uint64_t k_pack_size = 16 * k_mib;

inline constexpr std::uint64_t k_largest_manifest = 32 * k_mib;
inline constexpr std::uint64_t k_largest_disk = std::uint64_t{1} << 50U;
inline constexpr std::size_t k_most_disks = 256;

std::string leaves_name(std::size_t disk);
bool is_leaves_name(std::string_view path);
std::string pack_name(const Digest& digest);
bool is_pack_name(std::string_view path);

// "vmlinuz-6.1.0-9-xen"; no blank, slash or control character, and no dot first.
bool is_host_file_name(std::string_view name);

// Any of the above and below, but not the manifest.
bool is_file_name(std::string_view path);
// In bytes, for a name of is_file_name() or the manifest's.
std::uint64_t largest_size(std::string_view path);

}  // namespace vmconvert::bundle
