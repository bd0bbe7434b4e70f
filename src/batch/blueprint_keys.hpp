// Every key that a blueprint may have, in one table: the reader, the checker, `blueprint new` and
// the test of vmconvert-blueprint(5) are made from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vmconvert::batch {

enum class KeyType {
  text,
  path,  // relative ones: to the blueprint's folder
  flag,
  number,
  size,  // "4 GiB", or bytes
  choice,
  texts,  // a list
  paths,  // a list of them
  map,    // a table of texts by texts
  argv,   // a list: a program and its arguments
};

enum class KeyScope {
  batch,     // [batch]
  guest,     // [[guest]] alone
  defaults,  // [defaults], and [[guest]], which wins
};

struct KeyEntry {
  std::string name;  // "memory"; "network.mac" in [guest.network]; "hook.run" in [[guest.hook]]
  KeyScope scope;
  KeyType type;
  std::string what;     // one line for people
  std::string example;  // as it would stand in the file; the default where there is one
  std::vector<std::string> choices = {};  // of a choice
  std::uint64_t least = 0;                // of a number or a size
  std::uint64_t most = 0;
};

const std::vector<KeyEntry>& blueprint_keys();

// Those that vmconvert-convert(1) has an option for take its word: dashes for underscores, and
// `define = false` is --no-define.
const KeyEntry* find_key(const std::string& name, KeyScope table);

}  // namespace vmconvert::batch
