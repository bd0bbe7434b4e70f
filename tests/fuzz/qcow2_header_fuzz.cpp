// qcow2 headers: the names of other files in them are only looked at.
#include "disk/image_header.hpp"

#include "fuzz.hpp"

using namespace vmconvert;

FUZZ_TARGET(qcow2_header) {
  const model::ImageHeader header =
      disk::read_image_header(fuzz::scratch_file("image.qcow2", input.text()), "disk vda");
  fuzz::require(header.chain.size() <= 32, "a chain without an end");
  fuzz::require(header.snapshots.size() <= 65, "more snapshots than are named");
}
