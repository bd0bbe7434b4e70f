// Staged nodes are kept by their real path: every link on the way, staged or not, is resolved here,
// component by component. So the root under this one is only ever asked for real paths, and a link
// that a fixer just made counts as one that was there.
#include "guest/staged_root.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "guest/guest_path.hpp"

namespace vmconvert::guest {
namespace {

constexpr int k_link_limit = 40;
constexpr std::size_t k_bytes_limit = 2U << 30U;  // of all that is kept, before and after

[[noreturn]] void throw_bad(std::string_view path, std::string_view why) {
  throw Error(ErrorKind::bad_input, fmt::format("{} in the guest {}", printable(path), why));
}

// "/etc/fstab" is in "/etc".
std::string folder_of(const std::string& real_path) {
  const std::size_t slash = real_path.rfind('/');
  return slash == 0 ? "/" : real_path.substr(0, slash);
}

std::string child_of(const std::string& folder, const std::string& name) {
  return folder == "/" ? "/" + name : folder + "/" + name;
}

std::size_t bytes_of(const std::optional<std::string>& content) {
  return content ? content->size() : 0;
}

bool is_unchanged(const StagedChange& change) {
  const FileKind after_kind =
      change.kind == ChangeKind::symlink ? FileKind::symlink : FileKind::file;
  if (change.kind == ChangeKind::tree_removal || (change.concealed && !change.before)) {
    return false;  // something was there, it is only not told what
  }
  return change.before == change.after && (!change.before || change.before_kind == after_kind);
}

}  // namespace

std::optional<std::string> StagedRoot::try_resolve(std::string_view path, LastLink last_link) {
  const std::vector<std::string> components = path_components(path);
  std::deque<std::string> ahead(components.begin(), components.end());
  std::string real = "/";
  int links = 0;
  while (!ahead.empty()) {
    const std::string name = std::move(ahead.front());
    ahead.pop_front();
    if (name == "..") {
      real = folder_of(real);
      continue;
    }
    const std::string next = child_of(real, name);
    const bool follow = !ahead.empty() || last_link == LastLink::follow;
    if (!follow || look(next).kind != FileKind::symlink) {
      real = next;
      continue;
    }
    if (++links > k_link_limit) {
      return std::nullopt;
    }
    const std::string target = target_of(next);
    real = target.starts_with('/') ? "/" : real;
    const std::vector<std::string> more = path_components("/" + target);
    ahead.insert(ahead.begin(), more.begin(), more.end());
  }
  return real;
}

std::string StagedRoot::resolve(std::string_view path, LastLink last_link) {
  if (auto real = try_resolve(path, last_link)) {
    return *std::move(real);
  }
  throw_bad(path, "is a loop of links");
}

bool StagedRoot::is_hidden(const std::string& real_path) const {
  if (m_staged.empty()) {
    return false;
  }
  for (std::string at = real_path; at != "/"; at = folder_of(at)) {
    if (m_staged.count(at) != 0) {
      return true;
    }
  }
  return false;
}

FileStat StagedRoot::look(const std::string& real_path) {
  if (const auto staged = m_staged.find(real_path); staged != m_staged.end()) {
    return staged->second.stat;
  }
  if (is_hidden(real_path)) {
    return {};
  }
  const auto known = m_known.find(real_path);
  return known != m_known.end()
             ? known->second
             : m_known.emplace(real_path, m_under.lstat(real_path)).first->second;
}

std::string StagedRoot::target_of(const std::string& real_path) {
  const auto staged = m_staged.find(real_path);
  return staged != m_staged.end() ? staged->second.content : m_under.read_link(real_path);
}

FileStat StagedRoot::lstat(std::string_view path) {
  const auto real = try_resolve(path, LastLink::keep);
  return real ? look(*real) : FileStat{};
}

FileStat StagedRoot::stat(std::string_view path) {
  const auto real = try_resolve(path, LastLink::follow);
  return real ? look(*real) : FileStat{};
}

std::string StagedRoot::read(std::string_view path, std::uint64_t limit) {
  const std::string real = resolve(path, LastLink::follow);
  const FileStat found = look(real);
  if (found.kind == FileKind::missing) {
    throw Error(ErrorKind::not_found, fmt::format("{} is not in the guest", printable(path)));
  }
  if (found.kind != FileKind::file) {
    throw_bad(path, "is no regular file");
  }
  const auto staged = m_staged.find(real);
  if (staged == m_staged.end()) {
    return m_under.read(real, limit);
  }
  if (staged->second.content.size() > limit) {
    throw_bad(path, fmt::format("is larger than {} bytes", limit));
  }
  return staged->second.content;
}

std::string StagedRoot::read_link(std::string_view path) {
  const std::string real = resolve(path, LastLink::keep);
  const FileKind kind = look(real).kind;
  if (kind == FileKind::missing) {
    throw Error(ErrorKind::not_found, fmt::format("{} is not in the guest", printable(path)));
  }
  if (kind != FileKind::symlink) {
    throw_bad(path, "is no symbolic link");
  }
  return target_of(real);
}

std::vector<std::string> StagedRoot::list(std::string_view folder) {
  const auto real = try_resolve(folder, LastLink::follow);
  if (!real || look(*real).kind != FileKind::directory) {
    return {};
  }
  std::set<std::string> names;
  if (!is_hidden(*real)) {
    const std::vector<std::string> under = m_under.list(*real);
    names.insert(under.begin(), under.end());
  }
  const std::string prefix = child_of(*real, "");
  for (auto it = m_staged.lower_bound(prefix);
       it != m_staged.end() && it->first.starts_with(prefix); ++it) {
    const std::string name = it->first.substr(prefix.size());
    if (name.find('/') != std::string::npos) {
      continue;
    }
    if (it->second.stat.kind == FileKind::missing) {
      names.erase(name);
    } else {
      names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> StagedRoot::glob(std::string_view pattern) {
  return glob_over(*this, pattern);
}

// The state before a change: a file's bytes, a link's target; empty for a pipe or device.
std::optional<std::string> StagedRoot::content_of(const std::string& real_path) {
  switch (look(real_path).kind) {
    case FileKind::missing: return std::nullopt;
    case FileKind::symlink: return target_of(real_path);
    case FileKind::file: return read(real_path, k_binary_limit);
    case FileKind::other: return std::string();
    case FileKind::directory: break;
  }
  throw_bad(real_path, "is a folder: only files and links are changed");
}

void StagedRoot::make_parents(const std::string& real_path) {
  const std::string folder = folder_of(real_path);
  const FileKind kind = look(folder).kind;
  if (folder == "/" || kind == FileKind::directory) {
    return;
  }
  if (kind != FileKind::missing) {
    throw_bad(folder, "is no folder");
  }
  make_parents(folder);
  m_staged[folder] = Node{{FileKind::directory, 0, 0755, 0, 0}, {}};
}

void StagedRoot::record(StagedChange change) {
  // The last change of this place, if it is of the same author and not made yet, is the same edit.
  const auto same = std::find_if(m_changes.rbegin(), m_changes.rend(), [&](const auto& old) {
    return old.path == change.path &&
           (old.kind == ChangeKind::disk) == (change.kind == ChangeKind::disk) &&
           old.offset == change.offset &&
           (change.kind != ChangeKind::disk || bytes_of(old.after) == bytes_of(change.after));
  });
  const bool merge = same != m_changes.rend() && same->fixer == change.fixer &&
                     static_cast<std::size_t>(m_changes.rend() - same) > m_applied;
  const std::size_t released = merge ? bytes_of(same->after) : 0;
  const std::size_t added = bytes_of(change.after) + (merge ? 0 : bytes_of(change.before));
  if (m_bytes - released + added > k_bytes_limit) {
    throw_bad(change.path, fmt::format("cannot be changed as well: the staged changes would need "
                                       "more than {} bytes of memory",
                                       k_bytes_limit));
  }
  m_bytes = m_bytes - released + added;
  if (!merge) {
    m_changes.push_back(std::move(change));
    return;
  }
  same->kind = change.kind;
  same->after = std::move(change.after);
  same->mode = change.mode;
  same->what = std::move(change.what);
  if (change.concealed) {
    same->concealed = true;
    same->note = std::move(change.note);
    same->before_size = same->before ? same->before->size() : same->before_size;
  }
}

void StagedRoot::stage(const std::string& real_path, ChangeKind kind, Node node) {
  StagedChange change{m_author,
                      real_path,
                      kind,
                      content_of(real_path),
                      std::nullopt,
                      look(real_path).kind,
                      node.stat.mode,
                      0,
                      {},
                      false,
                      {},
                      0};
  if (const auto note = m_concealed.find(real_path); note != m_concealed.end()) {
    change.concealed = true;
    change.note = note->second;
    change.before_size = bytes_of(change.before);
  }
  if (kind != ChangeKind::removal) {
    make_parents(real_path);
    change.after = node.content;
  }
  record(std::move(change));
  m_staged[real_path] = std::move(node);
}

void StagedRoot::write(std::string_view path, std::string_view content, unsigned mode) {
  const std::string real = resolve(path, LastLink::follow);
  FileStat found = look(real);
  if (real == "/" || (found.kind != FileKind::missing && found.kind != FileKind::file)) {
    throw_bad(path, "is no regular file");
  }
  if (found.kind == FileKind::missing) {
    found = {FileKind::file, 0, mode & 07777U, 0, 0};
  }
  found.size = content.size();
  stage(real, ChangeKind::file, {found, std::string(content)});
}

void StagedRoot::symlink(std::string_view path, std::string_view target) {
  const std::string real = resolve(path, LastLink::keep);
  if (real == "/" || target.empty() || target.find('\0') != std::string_view::npos) {
    throw_bad(path, "cannot become a link to " + printable(target));
  }
  stage(real, ChangeKind::symlink,
        {{FileKind::symlink, target.size(), 0777, 0, 0}, std::string(target)});
}

void StagedRoot::remove(std::string_view path) {
  const auto real = try_resolve(path, LastLink::keep);
  if (real && look(*real).kind != FileKind::missing) {
    stage(*real, ChangeKind::removal, {});
  }
}

void StagedRoot::drop_tree(const std::string& real_path, const std::string& note, bool concealed) {
  const std::string prefix = child_of(real_path, "");
  m_staged.erase(m_staged.lower_bound(prefix), m_staged.lower_bound(prefix + '\xff'));
  record({m_author,
          real_path,
          ChangeKind::tree_removal,
          std::nullopt,
          std::nullopt,
          FileKind::directory,
          0,
          0,
          {},
          concealed,
          note,
          0});
  m_staged[real_path] = Node{};
}

void StagedRoot::remove_tree(std::string_view path) {
  const auto real = try_resolve(path, LastLink::keep);
  if (!real || look(*real).kind == FileKind::missing) {
    return;
  }
  if (*real == "/") {
    throw_bad(path, "is not to be removed");
  }
  if (look(*real).kind != FileKind::directory) {
    return remove(*real);
  }
  drop_tree(*real, "", false);
}

void StagedRoot::forget(std::string_view path, Forget what, const std::string& note) {
  const auto real = try_resolve(path, what == Forget::content ? LastLink::follow : LastLink::keep);
  if (!real) {
    return;
  }
  FileStat found = look(*real);
  if (found.kind == FileKind::missing) {
    return;
  }
  if (*real == "/") {
    throw_bad(path, "is not to be removed");
  }
  if (what == Forget::content && found.kind != FileKind::file) {
    throw_bad(path, "is no regular file, so it cannot be emptied");
  }
  if (found.kind == FileKind::directory) {
    return drop_tree(*real, note, true);
  }
  if (what == Forget::content && found.size == 0) {
    return;
  }
  const std::uint64_t size = found.size;
  const bool empty = what == Forget::content;
  found.size = 0;
  record({m_author,
          *real,
          empty ? ChangeKind::file : ChangeKind::removal,
          std::nullopt,
          empty ? std::optional<std::string>("") : std::nullopt,
          found.kind,
          found.mode,
          0,
          {},
          true,
          note,
          size});
  m_staged[*real] = empty ? Node{found, {}} : Node{};
}

void StagedRoot::conceal(std::string_view path, const std::string& note) {
  m_concealed[resolve(path, LastLink::follow)] = note;
}

ProgramResult StagedRoot::run(const std::vector<std::string>& argv) {
  throw Error(ErrorKind::unsupported,
              fmt::format("\"{}\" cannot be run before the staged changes are applied",
                          printable(join(argv, " "))));
}

std::string StagedRoot::read_disk(std::string_view disk, std::uint64_t offset,
                                  std::uint64_t length) {
  std::string content = m_under.read_disk(disk, offset, length);
  for (const DiskPiece& piece : m_pieces) {
    const std::uint64_t first = std::max(offset, piece.offset);
    const std::uint64_t last = std::min(offset + length, piece.offset + piece.content.size());
    if (piece.disk == disk && first < last) {
      content.replace(first - offset, last - first, piece.content, first - piece.offset,
                      last - first);
    }
  }
  return content;
}

void StagedRoot::write_disk(std::string_view disk, std::uint64_t offset, std::string_view content) {
  write_disk(disk, offset, content, "data");
}

void StagedRoot::write_disk(std::string_view disk, std::uint64_t offset, std::string_view content,
                            std::string_view what) {
  const std::string before = read_disk(disk, offset, content.size());  // also: is it on the disk?
  record({m_author,
          std::string(disk),
          ChangeKind::disk,
          before,
          std::string(content),
          FileKind::file,
          0,
          offset,
          std::string(what),
          false,
          {},
          0});
  m_pieces.push_back({std::string(disk), offset, std::string(content)});
}

std::vector<StagedChange> StagedRoot::changes() const {
  std::vector<StagedChange> found;
  std::copy_if(m_changes.begin(), m_changes.end(), std::back_inserter(found),
               [](const StagedChange& change) { return !is_unchanged(change); });
  return found;
}

model::Edits StagedRoot::edits() const {
  model::Edits found;
  for (const StagedChange& change : m_changes) {
    if (!is_unchanged(change)) {
      found.push_back(to_edit(change));
    }
  }
  return found;
}

void StagedRoot::apply_one(const StagedChange& change) {
  switch (change.kind) {
    case ChangeKind::file:
      if (change.before_kind == FileKind::symlink || change.before_kind == FileKind::other) {
        m_under.remove(change.path);  // else the link would be followed
      }
      return m_under.write(change.path, *change.after, change.mode);
    case ChangeKind::symlink: return m_under.symlink(change.path, *change.after);
    case ChangeKind::removal: return m_under.remove(change.path);
    case ChangeKind::tree_removal: return m_under.remove_tree(change.path);
    case ChangeKind::disk: return m_under.write_disk(change.path, change.offset, *change.after);
  }
}

void StagedRoot::apply() {
  for (; m_applied < m_changes.size(); ++m_applied) {
    const StagedChange& change = m_changes[m_applied];
    if (!is_unchanged(change)) {
      while_doing(fmt::format("changing {} for the fixer {}", printable(change.path), change.fixer),
                  [&] { apply_one(change); });
    }
  }
  m_staged.clear();
  m_pieces.clear();
  m_known.clear();
}

}  // namespace vmconvert::guest
