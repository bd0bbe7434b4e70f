// Identifiers on a guest's disks: MD's superblocks, headers of LUKS, FAT and LVM. Whatever is read
// is also set, and set back: nothing else may have changed.
#include "base/error.hpp"
#include "fuzz.hpp"
#include "guest/array_ids.hpp"
#include "guest/fat_ids.hpp"
#include "guest/luks_ids.hpp"
#include "guest/lvm_ids.hpp"

using namespace vmconvert;

namespace {

constexpr std::size_t k_smallest = 192U << 10U;

// One disk, and no files.
class Disk final : public guest::GuestRoot {
 public:
  explicit Disk(std::string_view content) : m_bytes(content) {
    m_bytes.resize(std::max(m_bytes.size(), k_smallest), '\0');
  }
  [[nodiscard]] const std::string& bytes() const { return m_bytes; }

  std::string read_disk(std::string_view, std::uint64_t offset, std::uint64_t length) override {
    check(offset, length);
    return m_bytes.substr(offset, length);
  }
  void write_disk(std::string_view, std::uint64_t offset, std::string_view content) override {
    check(offset, content.size());
    m_bytes.replace(offset, content.size(), content);
  }

  guest::FileStat stat(std::string_view) override { return {}; }
  guest::FileStat lstat(std::string_view) override { return {}; }
  std::string read(std::string_view, std::uint64_t) override { none(); }
  std::string read_link(std::string_view) override { none(); }
  std::vector<std::string> list(std::string_view) override { return {}; }
  std::vector<std::string> glob(std::string_view) override { return {}; }
  void write(std::string_view, std::string_view, unsigned) override { none(); }
  void symlink(std::string_view, std::string_view) override { none(); }
  void remove(std::string_view) override { none(); }
  void remove_tree(std::string_view) override { none(); }
  guest::ProgramResult run(const std::vector<std::string>&) override { none(); }

 private:
  [[noreturn]] static void none() { throw Error(ErrorKind::internal, "there are no files"); }
  void check(std::uint64_t offset, std::uint64_t length) const {
    if (offset > m_bytes.size() || length > m_bytes.size() - offset) {
      throw Error(ErrorKind::bad_input, "the disk ends there");
    }
  }

  std::string m_bytes;
};

// Another one of its length, in the same letters.
std::string other_id(std::string id) {
  for (char& letter : id) {
    if (letter >= '0' && letter <= '9') {
      letter = letter == '9' ? '0' : static_cast<char>(letter + 1);
    }
  }
  return id;
}

template <class Read, class Set>
void set_and_set_back(std::string_view content, const Read& read, const Set& set) {
  fuzz::attempt([&] {
    Disk disk(content);
    const std::string before = disk.bytes();
    const std::optional<std::string> id = read(disk);
    if (!id) {
      return;
    }
    const std::string other = other_id(*id);
    fuzz::require(set(disk, *id, other), "an id that was read can be set");
    fuzz::require(read(disk) == other, "it is read as it was set");
    fuzz::require(set(disk, other, *id) && disk.bytes() == before, "nothing else was changed");
  });
}

}  // namespace

FUZZ_TARGET(storage_ids) {
  const std::string_view content = input.text();
  const ByteCount size{std::max(content.size(), k_smallest)};
  set_and_set_back(
      content, [&](Disk& disk) { return guest::read_array_id(disk, "vda1", size); },
      [&](Disk& disk, const std::string& from, const std::string& to) {
        return guest::set_array_id(disk, "vda1", size, from, to);
      });
  set_and_set_back(
      content, [](Disk& disk) { return guest::read_luks_id(disk, "vda1"); },
      [](Disk& disk, const std::string& from, const std::string& to) {
        return guest::set_luks_id(disk, "vda1", from, to);
      });
  set_and_set_back(
      content, [](Disk& disk) { return guest::read_fat_id(disk, "vda1"); },
      [](Disk& disk, const std::string& from, const std::string& to) {
        return guest::set_fat_id(disk, "vda1", from, to);
      });
  fuzz::attempt([&] {
    Disk disk(content);
    if (const auto ids = guest::read_lvm_ids(disk, "vda1")) {
      static_cast<void>(guest::volume_of_ids(disk, "vda1", ids->group, ids->volume));
      guest::set_lvm_ids(disk, "vda1", {});
      fuzz::require(guest::read_lvm_ids(disk, "vda1").has_value(), "it is written as it was read");
    }
  });
}
