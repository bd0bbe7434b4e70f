// What all fuzz targets share. A target is one file, NAME_fuzz.cpp, with its seeds in corpus/NAME:
//
//   FUZZ_TARGET(fstab) {
//     static_cast<void>(guest::read_fstab(input.text()));
//   }
//
// With clang's libFuzzer each target is a program of its own (tests/fuzz/run builds and runs them).
// Everywhere else all of them are in one program, fuzz-replay, which gives each the files of its
// corpus.
//
// A target passes when nothing but an Error leaves it: not of the kind `internal`, which is a bug
// of ours by its own account, and no other exception at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace vmconvert::fuzz {

struct Input {
  std::span<const std::uint8_t> data;

  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(data); }
};

using Body = void (*)(Input);

// As the whole target, for one of several parsers that get the same input. Whether no Error came.
bool attempt(const std::function<void()>& body);

// Ends the program, with the words on stderr.
[[noreturn]] void fail(std::string_view why);
inline void require(bool holds, std::string_view what) {
  if (!holds) {
    fail(what);
  }
}

void run_one(Body body, Input input);

// A private folder in memory, for parsers that open files; removed at the end.
const std::filesystem::path& scratch_folder();
// A file in it, with that content.
std::filesystem::path scratch_file(const std::string& name, std::string_view content);

// For fuzz-replay.
struct Registration {
  Registration(const char* name, Body body);
};

}  // namespace vmconvert::fuzz

// The programs of libFuzzer are linked with one target each, fuzz-replay with all of them.
#ifdef VMCONVERT_LIBFUZZER
#define FUZZ_TARGET(name)                                                             \
  static void fuzz_##name(vmconvert::fuzz::Input input);                              \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    vmconvert::fuzz::run_one(fuzz_##name, {{data, size}});                            \
    return 0;                                                                         \
  }                                                                                   \
  static void fuzz_##name(vmconvert::fuzz::Input input)
#else
#define FUZZ_TARGET(name)                                                                  \
  static void fuzz_##name(vmconvert::fuzz::Input input);                                   \
  static const vmconvert::fuzz::Registration k_registration_of_##name(#name, fuzz_##name); \
  static void fuzz_##name(vmconvert::fuzz::Input input)
#endif
