#include "disk/block_owner.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace vmconvert::disk {
namespace {

constexpr std::size_t k_owner_output_limit = 32 * k_mib;
constexpr std::chrono::seconds k_owner_time_limit(60);
constexpr std::string_view k_head = "vmconvert-owners 1";

[[noreturn]] void strange() {
  throw Error(ErrorKind::tool_failed, "the reader of file owners answers in no known form");
}

unsigned hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<unsigned>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<unsigned>(c - 'a') + 10;
  }
  strange();
}

// %XX for all that is not plain.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    if (at + 2 >= text.size()) {
      strange();
    }
    plain += static_cast<char>(hex_digit(text[at + 1]) * 16 + hex_digit(text[at + 2]));
    at += 2;
  }
  return plain;
}

}  // namespace

std::vector<std::string> parse_owners(std::string_view answer, std::size_t places) {
  const std::vector<std::string> said = lines(answer);
  if (said.size() != places + 2 || said.front() != k_head || said.back() != "end") {
    strange();
  }
  std::vector<std::string> owners;
  for (std::size_t i = 1; i + 1 < said.size(); ++i) {
    constexpr std::string_view k_word = "owner ";
    if (!said[i].starts_with(k_word)) {
      strange();
    }
    owners.push_back(unescaped(std::string_view(said[i]).substr(k_word.size())));
  }
  return owners;
}

std::vector<std::string> find_owners(const std::filesystem::path& disk,
                                     const model::ByteRange& region,
                                     const std::vector<ByteCount>& places,
                                     const std::filesystem::path& reader, CommandRunner& commands) {
  try {
    const Fd fd = open_file(disk, O_RDONLY | O_NOCTTY);
    Command command;
    command.argv = {reader.string(), "--owners",
                    fmt::format("{}:{}", region.offset.value, region.length.value)};
    for (const ByteCount place : places) {
      command.argv.push_back(fmt::format("{}", place.value));
    }
    command.stdin_fd = fd.get();
    command.timeout = k_owner_time_limit;
    command.output_limit = k_owner_output_limit;
    return parse_owners(run_or_throw(commands, command), places.size());
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) {
      throw;
    }
    log_detail(fmt::format("files at some bytes of {}: {}", disk.string(), error.message()));
    return {};
  }
}

}  // namespace vmconvert::disk
