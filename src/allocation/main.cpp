// vmconvert-allocation --owners OFFSET:LENGTH PLACE... <DISK: says which files of the ext2, ext3 or
// ext4 in this region these bytes of the disk belong to.
// vmconvert-allocation OFFSET:LENGTH... <DISK: reads the allocation maps of what is in these
// regions of the disk, which is its standard input and the only thing that it has. Started by
// vmconvert.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>

#include "allocation/answer.hpp"
#include "allocation/confine.hpp"
#include "allocation/content.hpp"
#include "allocation/ext_owner.hpp"
#include "base/text.hpp"

namespace {

using namespace vmconvert;

// Not stdio: it asks for the kind of its file first, and that call is not allowed any more.
void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno != EINTR) {
      ::_exit(1);
    }
    text.remove_prefix(put > 0 ? static_cast<std::size_t>(put) : 0);
  }
}

std::vector<model::ByteRange> parse_regions(std::span<char* const> words) {
  std::vector<model::ByteRange> regions;
  for (const char* word : words) {
    const auto region = allocation::parse_region(word);
    if (!region) {
      throw Error(ErrorKind::usage, fmt::format("'{}' is not OFFSET:LENGTH", word));
    }
    regions.push_back(*region);
  }
  return regions;
}

std::vector<std::uint64_t> parse_places(std::span<char* const> words,
                                        const model::ByteRange& region) {
  std::vector<std::uint64_t> places;
  for (const char* word : words) {
    const auto place = parse_number(word);
    if (!place || *place < region.offset.value ||
        *place - region.offset.value >= region.length.value) {
      throw Error(ErrorKind::usage, fmt::format("'{}' is no byte of the region", word));
    }
    places.push_back(*place - region.offset.value);
  }
  return places;
}

void run(std::span<char* const> words) {
  const bool owners = words.size() > 1 && std::string_view(words[0]) == "--owners";
  const std::vector<model::ByteRange> regions = parse_regions(owners ? words.subspan(1, 1) : words);
  const std::vector<std::uint64_t> places =
      owners ? parse_places(words.subspan(2), regions.front()) : std::vector<std::uint64_t>();
  const int flags = ::fcntl(STDIN_FILENO, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) != O_RDONLY) {
    throw Error(ErrorKind::usage, "standard input is not a disk that was opened for reading only");
  }
  allocation::limit_resources();
  allocation::drop_privileges();
  allocation::allow_only_reading();

  const allocation::DescriptorSource disk(STDIN_FILENO);
  if (owners) {
    write_all(STDOUT_FILENO, allocation::make_owners_answer(allocation::ext_owners(
                                 allocation::Volume(disk, regions), places)));
    return;
  }
  std::vector<std::vector<allocation::Content>> contents;
  contents.reserve(regions.size());
  for (const model::ByteRange& region : regions) {
    contents.push_back(allocation::read_region(disk, region));
  }
  write_all(STDOUT_FILENO, allocation::make_answer(regions, std::move(contents)));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
  } catch (const std::exception& error) {
    write_all(STDERR_FILENO, fmt::format("vmconvert-allocation: {}\n", error.what()));
    ::_exit(1);
  }
  ::_exit(0);  // no clean-up: nothing to clean, and few calls to do it with
}
