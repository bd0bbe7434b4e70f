// How a staged change is shown to people.
#include <fmt/format.h>

#include "base/diff.hpp"
#include "base/text.hpp"
#include "guest/staged_root.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_diff_limit = 1U << 20U;  // nobody reads a longer one

bool is_binary(const std::optional<std::string>& content) {
  return content && (content->size() > k_diff_limit || content->find('\0') != std::string::npos);
}

std::string describe_binary(const StagedChange& change) {
  if (!change.before) {
    return fmt::format("binary, new, {} bytes", change.after->size());
  }
  if (!change.after) {
    return fmt::format("binary, {} bytes, removed", change.before->size());
  }
  return fmt::format("binary, {} bytes -> {} bytes", change.before->size(), change.after->size());
}

std::string as_text(const std::optional<std::string>& content, FileKind kind) {
  switch (kind) {
    case FileKind::symlink: return fmt::format("symlink to {}\n", content.value_or(""));
    case FileKind::other: return "a pipe, socket or device\n";
    default: return content.value_or("");
  }
}

// Path, size and why: nothing of what a secret says.
std::string describe_concealed(const StagedChange& change) {
  const std::string note = printable(change.note);
  if (change.kind == ChangeKind::tree_removal) {
    return fmt::format("folder removed with all that is in it: {}", note);
  }
  if (change.kind == ChangeKind::removal) {
    return change.before_kind == FileKind::symlink
               ? fmt::format("link removed: {}", note)
               : fmt::format("removed, {} bytes: {}", change.before_size, note);
  }
  if (change.after && change.after->empty()) {
    return fmt::format("emptied, {} bytes: {}", change.before_size, note);
  }
  return fmt::format("changed, {} bytes -> {} bytes: {}", change.before_size,
                     change.after ? change.after->size() : 0, note);
}

std::string describe_file(const StagedChange& change) {
  if (change.concealed) {
    return describe_concealed(change);
  }
  if (change.kind == ChangeKind::tree_removal) {
    return "folder removed with all that is in it";
  }
  if (is_binary(change.before) || is_binary(change.after)) {
    return describe_binary(change);
  }
  const FileKind after_kind =
      change.kind == ChangeKind::symlink ? FileKind::symlink : FileKind::file;
  const std::string diff = unified_diff(
      change.before ? "a" + change.path : "/dev/null", as_text(change.before, change.before_kind),
      change.after ? "b" + change.path : "/dev/null", as_text(change.after, after_kind));
  if (!diff.empty()) {
    return diff;
  }
  return change.after ? "empty file, new" : "empty file, removed";
}

}  // namespace

model::Edit to_edit(const StagedChange& change) {
  if (change.kind != ChangeKind::disk) {
    return {change.fixer, change.path, describe_file(change)};
  }
  const std::size_t size = change.after ? change.after->size() : 0;
  return {change.fixer,
          fmt::format("{}: bytes {} to {}", change.path, change.offset, change.offset + size),
          fmt::format("{}, {} bytes", printable(change.what), size)};
}

}  // namespace vmconvert::guest
