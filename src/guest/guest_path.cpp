#include "guest/guest_path.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

constexpr std::size_t k_path_limit = 4096;
constexpr std::size_t k_match_limit = 100'000;
// fnmatch tries every way to share a name among the stars: too many of them take for ever.
constexpr std::ptrdiff_t k_star_limit = 8;

bool is_pattern(std::string_view component) {
  return component.find_first_of("*?[\\") != std::string_view::npos;
}

void check_stars(const std::string& component) {
  if (std::count(component.begin(), component.end(), '*') > k_star_limit) {
    throw Error(ErrorKind::bad_input,
                fmt::format("the pattern {} has too many stars", printable(component)));
  }
}

// What `component` matches in each of the folders `bases` (without a slash at the end).
std::vector<std::string> match_one(GuestRoot& root, const std::vector<std::string>& bases,
                                   const std::string& component) {
  std::vector<std::string> found;
  for (const std::string& base : bases) {
    if (!is_pattern(component)) {
      found.push_back(base + "/" + component);
      continue;
    }
    for (const std::string& name : root.list(base.empty() ? "/" : base)) {
      if (::fnmatch(component.c_str(), name.c_str(), FNM_PERIOD) == 0) {
        found.push_back(base + "/" + name);
      }
    }
    if (found.size() > k_match_limit) {
      throw Error(ErrorKind::bad_input, fmt::format("more than {} files match {} in the guest",
                                                    k_match_limit, printable(component)));
    }
  }
  return found;
}

}  // namespace

std::vector<std::string> path_components(std::string_view path) {
  if (path.empty() || path.front() != '/') {
    throw Error(ErrorKind::bad_input,
                fmt::format("the guest path \"{}\" is not absolute", printable(path)));
  }
  if (path.size() >= k_path_limit || path.find('\0') != std::string_view::npos) {
    throw Error(ErrorKind::bad_input, fmt::format("the guest path \"{}...\" is too long or broken",
                                                  printable(path.substr(0, 80))));
  }
  std::vector<std::string> parts = split(path, '/');
  parts.erase(std::remove_if(parts.begin(), parts.end(),
                             [](const std::string& part) { return part.empty() || part == "."; }),
              parts.end());
  return parts;
}

std::string path_of(const std::vector<std::string>& components) {
  return "/" + join(components, "/");
}

std::vector<std::string> glob_over(GuestRoot& root, std::string_view pattern) {
  std::vector<std::string> found = {""};
  bool last_is_pattern = false;
  for (const std::string& component : path_components(pattern)) {
    check_stars(component);
    last_is_pattern = is_pattern(component);
    found = match_one(root, found, component);
  }
  if (!last_is_pattern) {  // names out of list() are there; others must be looked at
    found.erase(std::remove_if(found.begin(), found.end(),
                               [&](const std::string& path) {
                                 return root.lstat(path.empty() ? "/" : path).kind ==
                                        FileKind::missing;
                               }),
                found.end());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace vmconvert::guest
