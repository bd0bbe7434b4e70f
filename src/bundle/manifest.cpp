#include "bundle/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "bundle/json.hpp"
#include "bundle/names.hpp"

namespace vmconvert::bundle {
namespace {

using Json = nlohmann::json;

constexpr std::string_view k_head = "vmconvert-bundle 1 sha256:";
constexpr std::size_t k_most_files = 400000;

[[noreturn]] void refuse(const std::string& origin, const std::string& why) {
  throw Error(ErrorKind::bad_input, fmt::format("{}: {}", origin, why),
              "copy it again from where the bundle was made");
}

StoredFile file_from_json(const Json& json, const std::string& origin) {
  StoredFile file;
  file.path = json.at("path").get<std::string>();
  if (!is_file_name(file.path)) {
    refuse(origin, fmt::format("names the file \"{}\", which no bundle has",
                               printable(file.path.substr(0, 200))));
  }
  if (!json.at("size").is_number_unsigned()) {
    refuse(origin, fmt::format("the size of {} is no number", file.path));
  }
  file.size = json.at("size").get<std::uint64_t>();
  if (file.size > largest_size(file.path)) {
    refuse(origin, fmt::format("{} has {} bytes, more than any such file", file.path, file.size));
  }
  const auto digest = digest_from_hex(json.at("sha256").get<std::string>());
  if (!digest) {
    refuse(origin, fmt::format("the checksum of {} is no SHA-256", file.path));
  }
  file.digest = *digest;
  if (is_pack_name(file.path) && file.path != pack_name(file.digest)) {
    refuse(origin, fmt::format("{} has another checksum than its name says", file.path));
  }
  return file;
}

Manifest from_json(const Json& json, const std::string& origin) {
  Manifest manifest;
  manifest.written_by = json.at("written_by").get<std::string>();
  manifest.created = json.at("created").get<std::string>();
  const Json& encryption = json.at("encryption");
  if (!encryption.is_null() && encryption != "age") {
    refuse(origin, fmt::format("encrypted in an unknown way: {}", printable(encryption.dump())));
  }
  manifest.encrypted = !encryption.is_null();
  manifest.recipients = manifest.encrypted ? json.at("recipients").get<std::string>() : "";
  const Json& files = json.at("files");
  if (!files.is_array() || files.size() > k_most_files) {
    refuse(origin, "its list of files is none, or too long");
  }
  std::set<std::string> seen;
  for (const Json& entry : files) {
    manifest.files.push_back(file_from_json(entry, origin));
    if (!seen.insert(manifest.files.back().path).second) {
      refuse(origin, fmt::format("{} is named twice", manifest.files.back().path));
    }
  }
  for (const char* needed : {k_chunks_name, k_domain_name, k_facts_name}) {
    if (seen.count(needed) == 0) {
      refuse(origin, fmt::format("{} is not named", needed));
    }
  }
  return manifest;
}

}  // namespace

const StoredFile* Manifest::find(std::string_view path) const {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const StoredFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

std::vector<StoredFile> Manifest::packs() const {
  std::vector<StoredFile> found;
  std::copy_if(files.begin(), files.end(), std::back_inserter(found),
               [](const StoredFile& file) { return is_pack_name(file.path); });
  return found;
}

std::uint64_t Manifest::stored_bytes() const {
  std::uint64_t sum = 0;
  for (const StoredFile& file : files) {
    sum += file.size;
  }
  return sum;
}

std::string to_text(Manifest& manifest) {
  Json json = {{"written_by", manifest.written_by},
               {"created", manifest.created},
               {"encryption", manifest.encrypted ? Json("age") : Json(nullptr)},
               {"recipients", manifest.encrypted ? Json(manifest.recipients) : Json(nullptr)},
               {"files", Json::array()}};
  for (const StoredFile& file : manifest.files) {
    json["files"].push_back(
        {{"path", file.path}, {"size", file.size}, {"sha256", to_hex(file.digest)}});
  }
  const std::string body = json.dump(1) + "\n";
  manifest.root = sha256(as_bytes(body));
  return fmt::format("{}{}\n{}", k_head, to_hex(manifest.root), body);
}

Manifest parse_manifest(std::string_view text, const std::string& origin) {
  const std::size_t end = text.find('\n');
  if (!text.starts_with("vmconvert-bundle ") || end == std::string_view::npos) {
    refuse(origin, "is not the manifest of a bundle");
  }
  const std::string_view head = text.substr(0, end);
  const auto root = head.starts_with(k_head) ? digest_from_hex(head.substr(k_head.size()))
                                             : std::optional<Digest>();
  if (!root) {
    refuse(origin,
           fmt::format("was written by another version: \"{}\"", printable(head.substr(0, 120))));
  }
  const std::string_view body = text.substr(end + 1);
  if (sha256(as_bytes(body)) != *root) {
    refuse(origin, "was cut short or changed: its checksum is not the one in its first line");
  }
  try {
    Manifest manifest = from_json(parse_json(body), origin);
    manifest.root = *root;
    return manifest;
  } catch (const Json::exception& error) {
    refuse(origin, fmt::format("cannot be understood: {}", printable(error.what())));
  }
}

void require_root(const Manifest& manifest, const std::string& expected) {
  const std::string root = "sha256:" + to_hex(manifest.root);
  if (!expected.empty() && expected != root) {
    throw Error(ErrorKind::mismatch,
                fmt::format("the bundle's root is {}, not {}", root, printable(expected)),
                "this is another bundle than the one that was exported, or it was changed");
  }
}

Manifest read_manifest(const std::filesystem::path& bundle) {
  const std::filesystem::path path = bundle / k_manifest_name;
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorKind::not_found, fmt::format("{} has no manifest", bundle.string()),
                "it is written and sent last: wait for the rest of the bundle, or name its folder");
  }
  return parse_manifest(read_text_file(path, k_largest_manifest), path.string());
}

}  // namespace vmconvert::bundle
