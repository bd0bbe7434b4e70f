// The metadata that LVM2 keeps in a guest's physical volumes.
#include "allocation/lvm_text.hpp"

#include "fuzz.hpp"

using namespace vmconvert;

FUZZ_TARGET(lvm_text) {
  const allocation::LvmSection text = allocation::parse_lvm_text(input.text());
  for (const allocation::LvmSection& section : text.sections) {
    fuzz::attempt([&] { static_cast<void>(section.need_number("extent_size")); });
    fuzz::attempt([&] { static_cast<void>(section.need_text("id")); });
    fuzz::attempt([&] { static_cast<void>(section.texts("status")); });
  }
}
