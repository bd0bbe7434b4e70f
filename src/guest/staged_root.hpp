// Holds all changes in memory over another root: reads see them, diffs show them, apply() makes
// them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guest/guest_root.hpp"
#include "model/edit.hpp"

namespace vmconvert::guest {

enum class ChangeKind { file, symlink, removal, tree_removal, disk };

// What one fixer did to one path, or to one range of a disk.
struct StagedChange {
  std::string fixer;
  std::string path;  // links resolved; of a disk its name: "vda"
  ChangeKind kind = ChangeKind::file;
  // Content, or a link's target. Absent: nothing is there.
  std::optional<std::string> before;
  std::optional<std::string> after;
  FileKind before_kind = FileKind::missing;  // `before` of a pipe or device is empty
  unsigned mode = 0644;                      // of a new file
  std::uint64_t offset = 0;                  // of a disk's range
  std::string what;                          // of a disk's range: "GRUB 2 core image"
  // Not to be shown: `note` stands for it. `before` may be absent although something was there.
  bool concealed = false;
  std::string note;
  std::uint64_t before_size = 0;  // of what is concealed
};

// One edit as people see it; `diff` is never empty.
model::Edit to_edit(const StagedChange& change);

class StagedRoot final : public GuestRoot {
 public:
  // `under` must not be changed by others while this lives, and must live longer.
  explicit StagedRoot(GuestRoot& under) : m_under(under) {}

  // Whose changes the next ones are.
  void set_author(std::string fixer) {
    m_author = std::move(fixer);
    m_concealed.clear();
  }

  // In the order in which they were made: one a path and author, each against the state before it.
  // What ended as it began is left out. Still told after apply().
  [[nodiscard]] std::vector<StagedChange> changes() const;
  [[nodiscard]] model::Edits edits() const;

  // Makes all changes in the root under this one, in order. A second call makes only new ones.
  void apply();

  FileStat stat(std::string_view path) override;
  FileStat lstat(std::string_view path) override;
  std::string read(std::string_view path, std::uint64_t limit = k_text_limit) override;
  std::string read_link(std::string_view path) override;
  std::vector<std::string> list(std::string_view folder) override;
  std::vector<std::string> glob(std::string_view pattern) override;
  void write(std::string_view path, std::string_view content, unsigned mode = 0644) override;
  void symlink(std::string_view path, std::string_view target) override;
  void remove(std::string_view path) override;
  void remove_tree(std::string_view path) override;
  // As the fixers' door has it: the content is not read, the edit shows size and note.
  enum class Forget { all, content };
  void forget(std::string_view path, Forget what, const std::string& note);
  void conceal(std::string_view path, const std::string& note);
  // Error(unsupported): programs would not see what is staged.
  ProgramResult run(const std::vector<std::string>& argv) override;
  std::string read_disk(std::string_view disk, std::uint64_t offset, std::uint64_t length) override;
  void write_disk(std::string_view disk, std::uint64_t offset, std::string_view content) override;
  // `what` is what the plan shows.
  void write_disk(std::string_view disk, std::uint64_t offset, std::string_view content,
                  std::string_view what);

 private:
  // What is staged at a path whose folders are no links.
  struct Node {
    FileStat stat;
    std::string content;  // or a link's target
  };
  struct DiskPiece {
    std::string disk;
    std::uint64_t offset = 0;
    std::string content;
  };
  enum class LastLink { follow, keep };

  // The path with links resolved; what is missing at its end stays as it is. Nothing: a loop.
  std::optional<std::string> try_resolve(std::string_view path, LastLink last_link);
  std::string resolve(std::string_view path, LastLink last_link);
  // Whether something staged hides all that the root under this one has below `real_path`.
  bool is_hidden(const std::string& real_path) const;
  FileStat look(const std::string& real_path);
  std::string target_of(const std::string& real_path);
  std::optional<std::string> content_of(const std::string& real_path);
  void make_parents(const std::string& real_path);
  void stage(const std::string& real_path, ChangeKind kind, Node node);
  void drop_tree(const std::string& real_path, const std::string& note, bool concealed);
  void record(StagedChange change);
  void apply_one(const StagedChange& change);

  GuestRoot& m_under;
  std::string m_author;
  std::map<std::string, Node> m_staged;
  std::map<std::string, FileStat> m_known;         // of the root under this one
  std::map<std::string, std::string> m_concealed;  // real path -> note, of the present author
  std::vector<DiskPiece> m_pieces;
  std::vector<StagedChange> m_changes;
  std::size_t m_applied = 0;
  std::size_t m_bytes = 0;
};

}  // namespace vmconvert::guest
