#include "guest/fixer_loader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "base/error.hpp"
#include "base/log.hpp"

namespace vmconvert::guest {
namespace {

namespace fs = std::filesystem;

// What a fixer of the first ABI has at least; later members are read only if its size covers them.
constexpr std::size_t k_first_size = offsetof(vmconvert_fixer, fix) + sizeof(vmconvert_fixer::fix);

[[noreturn]] void refuse(const fs::path& file, std::string_view why) {
  throw Error(ErrorKind::bad_input, fmt::format("{} is no usable fixer: {}", file.string(), why),
              "rebuild it against the installed vmconvert/fixer.h, or take it out of its folder");
}

void check_entry(const fs::path& file, const vmconvert_fixer* entry) {
  if (entry == nullptr) {
    refuse(file, "vmconvert_fixer_entry() returned nothing");
  }
  if (entry->size < k_first_size) {
    refuse(file, fmt::format("its entry has {} bytes, at least {} are needed", entry->size,
                             k_first_size));
  }
  if (entry->abi != VMCONVERT_FIXER_ABI) {
    refuse(file, fmt::format("it was built for ABI {}, this program speaks ABI {}", entry->abi,
                             VMCONVERT_FIXER_ABI));
  }
  if (entry->name == nullptr || *entry->name == '\0' || entry->summary == nullptr ||
      entry->fix == nullptr) {
    refuse(file, "its name, summary or function is missing");
  }
}

std::vector<fs::path> shared_objects_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".so") {
      found.push_back(it->path());
    }
  }
  if (error) {
    throw Error(
        error == std::errc::no_such_file_or_directory ? ErrorKind::not_found : ErrorKind::io,
        fmt::format("listing the fixers in {}: {}", folder.string(), error.message()),
        "name a folder that holds fixers, or install vmconvert again");
  }
  std::sort(found.begin(), found.end());
  return found;
}

void add(std::vector<LoadedFixer>& fixers, LoadedFixer fixer) {
  const auto same = std::find_if(fixers.begin(), fixers.end(), [&](const LoadedFixer& other) {
    return other.name == fixer.name;
  });
  if (same == fixers.end()) {
    fixers.push_back(std::move(fixer));
    return;
  }
  if (same->file.parent_path() == fixer.file.parent_path()) {
    refuse(fixer.file, fmt::format("{} has the name {} too", same->file.string(), fixer.name));
  }
  log_detail(fmt::format("the fixer {} is taken from {}, not from {}", fixer.name,
                         fixer.file.string(), same->file.string()));
  *same = std::move(fixer);
}

}  // namespace

LoadedFixer load_fixer(const fs::path& file) {
  // An absolute path, so that no search path is consulted.
  SharedObject library(::dlopen(fs::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL));
  if (!library) {
    const char* why = ::dlerror();
    refuse(file, why != nullptr ? why : "it cannot be loaded");
  }
  void* symbol = ::dlsym(library.get(), "vmconvert_fixer_entry");
  if (symbol == nullptr) {
    refuse(file, "it has no vmconvert_fixer_entry()");
  }
  const auto entry_function = reinterpret_cast<decltype(&vmconvert_fixer_entry)>(symbol);
  const vmconvert_fixer* entry = entry_function();
  check_entry(file, entry);
  return {entry->name, entry->summary, entry->order, file, std::move(library), entry};
}

std::vector<LoadedFixer> load_fixers(const std::vector<fs::path>& folders) {
  std::vector<LoadedFixer> fixers;
  for (const fs::path& folder : folders) {
    for (const fs::path& file : shared_objects_in(folder)) {
      add(fixers, load_fixer(file));
    }
  }
  std::sort(fixers.begin(), fixers.end(), [](const LoadedFixer& a, const LoadedFixer& b) {
    return a.order != b.order ? a.order < b.order : a.name < b.name;
  });
  return fixers;
}

}  // namespace vmconvert::guest
