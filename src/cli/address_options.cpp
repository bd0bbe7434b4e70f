#include "cli/address_options.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/addresses.hpp"

namespace vmconvert::cli {
namespace {

void require(const char* option, const std::optional<model::ValueProblem>& problem) {
  if (problem) {
    throw Error(ErrorKind::usage,
                fmt::format("{} {}: {}", option, printable(problem->text), problem->why),
                problem->remedy);
  }
}

}  // namespace

std::vector<model::AddressChange> parse_addresses(const std::vector<std::string>& texts) {
  require("--address", model::check_addresses(texts));
  return model::address_changes(texts);
}

std::vector<std::string> parse_gateways(const std::vector<std::string>& texts) {
  require("--gateway", model::check_gateways(texts));
  return texts;
}

std::vector<std::string> parse_name_servers(const std::vector<std::string>& texts) {
  require("--dns", model::check_name_servers(texts));
  return texts;
}

std::string parse_host_name(const std::string& text) {
  require("--hostname", model::check_host_name(text));
  return text;
}

}  // namespace vmconvert::cli
