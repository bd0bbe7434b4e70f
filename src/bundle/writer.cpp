#include "bundle/writer.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <set>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "bundle/content.hpp"
#include "bundle/names.hpp"
#include "bundle/seal.hpp"

namespace vmconvert::bundle {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t k_largest_recipients = 1U << 20U;

}  // namespace

Writer::Writer(const fs::path& folder, WriteOptions options, CommandRunner& commands)
    : m_folder(folder), m_options(std::move(options)), m_commands(commands) {
  begin();
  if (fs::exists(folder) && !fs::is_empty(folder) && !is_bundle(folder)) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{} is not empty, and no bundle", folder.string()),
                "name a new folder, or one that an export has made");
  }
  m_notes.emplace(m_options.notes, m_manifest.recipients);
  open_store(std::make_unique<FolderSink>(folder));
  adopt_earlier();
}

Writer::Writer(int fd, WriteOptions options, CommandRunner& commands)
    : m_options(std::move(options)), m_commands(commands) {
  begin();
  open_store(std::make_unique<TarSink>(fd));
}

void Writer::begin() {
  m_manifest.written_by = m_options.written_by;
  m_manifest.created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  m_manifest.encrypted = !m_options.recipients.empty();
  if (m_manifest.encrypted) {
    const std::string keys = read_text_file(m_options.recipients, k_largest_recipients);
    m_manifest.recipients = to_hex(sha256(as_bytes(keys)));
    // A file that age does not take is told of before hours of work.
    static_cast<void>(seal(as_bytes("vmconvert"), m_options.recipients, m_commands));
  }
}

void Writer::open_store(std::unique_ptr<Sink> sink) {
  m_sink = std::move(sink);
  StoreOptions options;
  if (m_manifest.encrypted) {
    options.seal = [this](std::span<const std::byte> bytes) {
      return seal(bytes, m_options.recipients, m_commands);
    };
  }
  if (m_notes) {
    options.placed = [this](const PackRecord& record) { m_notes->add(record); };
  }
  m_store = std::make_unique<ChunkStore>(*m_sink, std::move(options));
}

// Where there is a complete bundle that this one may build on.
std::vector<PackRecord> Writer::earlier_bundle() const {
  if (!fs::exists(*m_folder / k_manifest_name)) {
    return {};
  }
  try {
    const Manifest manifest = read_manifest(*m_folder);
    if (manifest.recipients != m_manifest.recipients) {
      log_warning(
          fmt::format("{} was encrypted otherwise: it is written anew", m_folder->string()));
      return {};
    }
    if (manifest.encrypted && m_options.identity.empty()) {
      log_warning(
          fmt::format("what {} holds cannot be read without its key (--key FILE): it is "
                      "written anew",
                      m_folder->string()));
      return {};
    }
    std::vector<std::byte> table = read_checked(*m_folder, *manifest.find(k_chunks_name));
    if (manifest.encrypted) {
      table = unseal(table, m_options.identity, largest_size(k_chunks_name), m_commands);
    }
    const std::vector<StoredFile> packs = manifest.packs();
    return records_of(packs, parse_chunks(table, packs.size()));
  } catch (const Error& error) {
    log_warning(fmt::format("what {} holds is not used: {}", m_folder->string(), error.message()));
    return {};
  }
}

void Writer::adopt_earlier() {
  std::vector<PackRecord> records = earlier_bundle();
  std::set<std::string> seen;
  for (const PackRecord& record : records) {
    seen.insert(record.file.path);
  }
  for (const PackRecord& record : m_notes->earlier()) {
    if (seen.insert(record.file.path).second) {
      records.push_back(record);
    }
  }
  for (const PackRecord& record : still_good(*m_folder, std::move(records))) {
    m_store->adopt(record);
    ++m_known;
  }
}

void Writer::put(const std::string& path, std::span<const std::byte> bytes) {
  std::vector<std::byte> sealed;
  if (m_manifest.encrypted) {
    sealed = seal(bytes, m_options.recipients, m_commands);
    bytes = sealed;
  }
  m_sink->put(path, bytes);
  m_manifest.files.push_back({path, bytes.size(), sha256(bytes)});
}

Writer::Written Writer::finish(const std::vector<Leaves>& disks) {
  ChunkStore::Result result = m_store->finish();
  for (std::size_t i = 0; i < disks.size(); ++i) {
    put(leaves_name(i), disks[i].renamed(result.renamed).to_bytes());
  }
  put(k_chunks_name, to_bytes(result.chunks));
  m_manifest.files.insert(m_manifest.files.end(), result.packs.begin(), result.packs.end());
  const std::string text = to_text(m_manifest);
  m_sink->put(k_manifest_name, as_bytes(text));
  m_sink->finish();
  if (m_folder) {
    sweep(m_manifest);
    m_notes->remove();
  }
  return {m_manifest, result.new_bytes};
}

// Packs that nothing refers to any more, and what a killed export left half written.
void Writer::sweep(const Manifest& manifest) const {
  std::set<std::string> kept;
  for (const StoredFile& file : manifest.files) {
    kept.insert(file.path);
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(*m_folder / "packs", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') ||
        (is_pack_name("packs/" + name) && kept.count("packs/" + name) == 0)) {
      fs::remove(entry.path(), ignored);
    }
  }
}

}  // namespace vmconvert::bundle
