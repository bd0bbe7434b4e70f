// Initramfs images: cpio archives, plain and compressed, one behind the other.
#include "fuzz.hpp"
#include "guest/initramfs.hpp"

using namespace vmconvert;

FUZZ_TARGET(initramfs) {
  const std::vector<std::string> paths = guest::list_initramfs(input.text());
  static_cast<void>(guest::initramfs_has_driver(paths, "virtio_blk"));
  static_cast<void>(guest::read_initramfs_file(input.text(), "conf/modules"));
}
