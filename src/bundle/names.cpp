#include "bundle/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace vmconvert::bundle {
namespace {

constexpr std::string_view k_packs = "packs/";
constexpr std::string_view k_disks = "disks/";
constexpr std::string_view k_leaves = ".leaves";
constexpr std::string_view k_kernel = "host/kernel/";
constexpr std::string_view k_initrd = "host/initrd/";

bool is_host_file(std::string_view path) {
  return (path.starts_with(k_kernel) && is_host_file_name(path.substr(k_kernel.size()))) ||
         (path.starts_with(k_initrd) && is_host_file_name(path.substr(k_initrd.size())));
}

}  // namespace

std::string leaves_name(std::size_t disk) {
  return fmt::format("{}{}{}", k_disks, disk, k_leaves);
}

bool is_leaves_name(std::string_view path) {
  if (!path.starts_with(k_disks) || !path.ends_with(k_leaves) ||
      path.size() <= k_disks.size() + k_leaves.size()) {
    return false;
  }
  const std::string_view digits =
      path.substr(k_disks.size(), path.size() - k_disks.size() - k_leaves.size());
  return digits.size() <= 3 &&
         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string pack_name(const Digest& digest) {
  return std::string(k_packs) + to_hex(digest);
}

bool is_pack_name(std::string_view path) {
  return path.starts_with(k_packs) && digest_from_hex(path.substr(k_packs.size())).has_value();
}

bool is_host_file_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '+' || c == '~';
  };
  return !name.empty() && name.size() <= 200 && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), plain);
}

bool is_file_name(std::string_view path) {
  return path == k_chunks_name || path == k_domain_name || path == k_facts_name ||
         path == k_blueprint_name || is_leaves_name(path) || is_pack_name(path) ||
         is_host_file(path);
}

std::uint64_t largest_size(std::string_view path) {
  if (path == k_manifest_name) {
    return k_largest_manifest;
  }
  if (is_pack_name(path)) {
    return 2 * k_pack_size;
  }
  if (path == k_chunks_name || is_leaves_name(path)) {
    return 4 * k_gib;  // loaded whole: 80 TiB of content
  }
  return is_host_file(path) ? 512 * k_mib : 16 * k_mib;
}

}  // namespace vmconvert::bundle
