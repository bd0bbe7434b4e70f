#include "allocation/answer.hpp"

#include <fmt/format.h>

#include <iterator>

#include "base/text.hpp"

namespace vmconvert::allocation {
namespace {

constexpr std::size_t k_longest_text = 200;

std::string plain(std::string_view text) {
  std::string made;
  for (const char c : text.substr(0, k_longest_text)) {
    made += c >= ' ' && c <= '~' ? c : '?';
  }
  return made;
}

std::size_t count_runs(const std::vector<std::vector<Content>>& contents) {
  std::size_t count = 0;
  for (const auto& region : contents) {
    for (const Content& content : region) {
      count += content.free.size();
    }
  }
  return count;
}

}  // namespace

std::optional<model::ByteRange> parse_region(std::string_view word) {
  const std::vector<std::string> parts = split(word, ':');
  if (parts.size() != 2) {
    return std::nullopt;
  }
  const auto offset = parse_number(parts[0]);
  const auto length = parse_number(parts[1]);
  if (!offset || !length) {
    return std::nullopt;
  }
  return model::ByteRange{ByteCount{*offset}, ByteCount{*length}};
}

std::string make_answer(const std::vector<model::ByteRange>& regions,
                        std::vector<std::vector<Content>> contents, std::size_t most_runs) {
  for (std::uint64_t shortest = 2 * k_shortest_run; count_runs(contents) > most_runs;
       shortest *= 2) {
    for (auto& region : contents) {
      for (Content& content : region) {
        std::erase_if(content.free, [&](const auto& run) { return run.length.value < shortest; });
      }
    }
  }
  std::string text = "vmconvert-allocation 1\n";
  const auto out = std::back_inserter(text);
  for (std::size_t i = 0; i < regions.size(); ++i) {
    fmt::format_to(out, "region {} {}\n", regions[i].offset.value, regions[i].length.value);
    for (const Content& content : contents.at(i)) {
      fmt::format_to(out, "content {} {}\t{}\t{}\n", content.where.offset.value,
                     content.where.length.value, plain(content.name), plain(content.why));
      for (const model::ByteRange& run : content.free) {
        fmt::format_to(out, "free {} {}\n", run.offset.value, run.length.value);
      }
    }
  }
  return text + "end\n";
}

std::string make_owners_answer(const std::vector<std::string>& owners) {
  std::string text = "vmconvert-owners 1\n";
  for (const std::string& owner : owners) {
    text += "owner ";
    for (const char c : owner) {
      const bool plain = c >= ' ' && c <= '~' && c != '%';
      text += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
    text += '\n';
  }
  return text + "end\n";
}

}  // namespace vmconvert::allocation
