#include "bundle/content.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "bundle/codec.hpp"
#include "bundle/names.hpp"

namespace vmconvert::bundle {
namespace {

namespace fs = std::filesystem;

// What was wrong with it, with the file's name before.
template <class Body>
decltype(auto) naming(const fs::path& file, Body&& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(
        error.kind(), fmt::format("{}: {}", file.string(), error.message()),
        error.remedy().empty() ? "copy it again from where the bundle was made" : error.remedy());
  }
}

// Never through a link: a bundle's files are its own. Never blocks on a pipe.
Fd open_plain(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    throw_errno(errno, fmt::format("opening {}", path.string()));
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::bad_input, fmt::format("{} is no file", path.string()));
  }
  return fd;
}

}  // namespace

bool is_bundle(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder, ignored) && (fs::exists(folder / k_manifest_name, ignored) ||
                                               fs::is_directory(folder / "packs", ignored));
}

std::vector<std::byte> read_checked(const fs::path& folder, const StoredFile& file) {
  const fs::path path = folder / file.path;
  const Fd fd = open_plain(path);
  struct stat status {};
  ::fstat(fd.get(), &status);
  if (static_cast<std::uint64_t>(status.st_size) != file.size) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} has {} bytes, the manifest says {}", path.string(), status.st_size,
                            file.size),
                "copy it again from where the bundle was made");
  }
  std::vector<std::byte> bytes(file.size);
  pread_exactly(fd.get(), bytes, 0, path.string());
  if (sha256(bytes) != file.digest) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} has another checksum than the manifest says", path.string()),
                "copy it again from where the bundle was made");
  }
  return bytes;
}

std::vector<Problem> find_missing(const fs::path& folder, const Manifest& manifest) {
  std::vector<Problem> missing;
  for (const StoredFile& file : manifest.files) {
    struct stat status {};
    if (::lstat((folder / file.path).c_str(), &status) != 0) {
      missing.push_back({file.path, "has not arrived"});
    } else if (!S_ISREG(status.st_mode)) {
      missing.push_back({file.path, "is no file"});
    } else if (static_cast<std::uint64_t>(status.st_size) != file.size) {
      missing.push_back({file.path, fmt::format("has {} bytes of {}", status.st_size, file.size)});
    }
  }
  return missing;
}

std::shared_ptr<const Content> Content::open(const fs::path& folder) {
  const std::shared_ptr<Content> content(new Content());
  content->m_folder = fs::absolute(folder);
  content->m_manifest = read_manifest(folder);
  const Manifest& manifest = content->m_manifest;
  const auto missing = find_missing(folder, manifest);
  if (!missing.empty()) {
    throw Error(ErrorKind::not_found,
                fmt::format("{}: {} of {} files are not there or not whole; {} {}", folder.string(),
                            missing.size(), manifest.files.size(), missing.front().file,
                            missing.front().what),
                "vmconvert bundle missing lists them; go on when they have arrived");
  }
  if (manifest.encrypted) {
    throw Error(ErrorKind::unsupported, fmt::format("the bundle {} is encrypted", folder.string()),
                "vmconvert import --key FILE opens it, with the file of the secret key");
  }
  content->m_packs = manifest.packs();
  const auto load = [&](const char* name, auto&& parse) {
    naming(folder / name, [&] { parse(read_checked(folder, *manifest.find(name))); });
  };
  load(k_facts_name, [&](const auto& bytes) { content->m_facts = parse_facts(as_text(bytes)); });
  load(k_chunks_name, [&](const auto& bytes) {
    content->m_chunks = parse_chunks(bytes, content->m_packs.size());
  });
  const Facts& facts = content->m_facts;
  for (std::size_t i = 0; i < content->m_chunks.size(); ++i) {
    const Chunk& chunk = content->m_chunks[i];
    const StoredFile& pack = content->m_packs[chunk.pack];
    if (chunk.offset + std::uint64_t{chunk.stored} > pack.size) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{}: chunk {} ends behind the end of {}",
                              (folder / k_chunks_name).string(), i, pack.path));
    }
  }
  for (const std::string& name : {facts.kernel, facts.initrd}) {
    if (!name.empty() && manifest.find(name) == nullptr) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{}: the manifest does not name {}", folder.string(), name));
    }
  }
  return content;
}

std::string Content::domain_xml() const {
  const auto bytes = read_checked(m_folder, *m_manifest.find(k_domain_name));
  return std::string(as_text(bytes));
}

Leaves Content::leaves(std::size_t disk) const {
  const std::string name = leaves_name(disk);
  const StoredFile* file = m_manifest.find(name);
  if (file == nullptr || disk >= m_facts.disks.size()) {
    throw Error(ErrorKind::bad_input, fmt::format("{} has no {}", m_folder.string(), name));
  }
  Leaves leaves = naming(m_folder / name,
                         [&] { return Leaves::parse(read_checked(m_folder, *file), m_chunks); });
  if (leaves.size() != m_facts.disks[disk].size) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} is of a disk of {} bytes, {} says {}", (m_folder / name).string(),
                            leaves.size().value, k_facts_name, m_facts.disks[disk].size.value));
  }
  return leaves;
}

void Content::read(const Chunk& chunk, std::span<std::byte> plain) const {
  const fs::path path = m_folder / m_packs.at(chunk.pack).path;
  std::vector<std::byte> stored(chunk.stored);
  {
    const Fd fd = open_plain(path);
    pread_exactly(fd.get(), stored, chunk.offset, path.string());
  }
  try {
    unpack(chunk, stored, plain);
  } catch (const Error& error) {
    throw Error(error.kind(),
                fmt::format("{}: the chunk {} at byte {} is damaged: {}", path.string(),
                            to_hex(chunk.digest).substr(0, 16), chunk.offset, error.message()),
                "vmconvert bundle verify names all such files: copy those again");
  }
}

}  // namespace vmconvert::bundle
