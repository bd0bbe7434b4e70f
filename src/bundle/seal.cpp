#include "bundle/seal.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/digest.hpp"

namespace vmconvert::bundle {
namespace {

std::vector<std::byte> run_age(std::vector<std::string> argv, std::span<const std::byte> input,
                               std::uint64_t limit, CommandRunner& commands,
                               const std::string& remedy) {
  Command command{std::move(argv), std::string(as_text(input))};
  command.output_limit = limit;
  const CommandResult result = commands.run(command);
  if (result.exit_code != 0 || result.said_too_much) {
    throw Error(ErrorKind::tool_failed,
                fmt::format("age: {}", result.said_too_much ? "more came out than can be right"
                                                            : printable(trim(result.err))),
                remedy);
  }
  const auto out = as_bytes(result.out);
  return {out.begin(), out.end()};
}

}  // namespace

std::vector<std::byte> seal(std::span<const std::byte> plain,
                            const std::filesystem::path& recipients, CommandRunner& commands) {
  return run_age({"age", "--encrypt", "--recipients-file", recipients.string()}, plain,
                 plain.size() + plain.size() / 8 + 65536, commands,
                 "name a file of public keys, one a line: age-keygen -y KEY-FILE > FILE");
}

std::vector<std::byte> unseal(std::span<const std::byte> sealed,
                              const std::filesystem::path& identity, std::uint64_t limit,
                              CommandRunner& commands) {
  return run_age({"age", "--decrypt", "--identity", identity.string()}, sealed, limit, commands,
                 "name the file with the secret key that the bundle was made for: --key FILE");
}

}  // namespace vmconvert::bundle
