#include "fuzz.hpp"

#include <cstdio>
#include <fstream>

#include "base/error.hpp"
#include "base/temp_dir.hpp"

namespace vmconvert::fuzz {

void fail(std::string_view why) {
  std::fprintf(stderr, "fuzz: %.*s\n", static_cast<int>(why.size()), why.data());
  std::abort();
}

bool attempt(const std::function<void()>& body) {
  try {
    body();
    return true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) {
      fail("an internal error: " + to_text(error));
    }
    return false;
  }
}

void run_one(Body body, Input input) {
  attempt([&] { body(input); });
}

const std::filesystem::path& scratch_folder() {
  static const TempDir folder(std::filesystem::is_directory("/dev/shm")
                                  ? std::filesystem::path("/dev/shm")
                                  : std::filesystem::temp_directory_path(),
                              "vmconvert-fuzz");
  return folder.path();
}

std::filesystem::path scratch_file(const std::string& name, std::string_view content) {
  const std::filesystem::path path = scratch_folder() / name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  require(static_cast<bool>(file), "the scratch folder is full");
  return path;
}

}  // namespace vmconvert::fuzz
