// What is in an initramfs image: cpio archives one after another, plain (microcode comes first that
// way) or compressed with gzip, xz, lzma, bzip2, zstd or lz4, as the kernel unpacks them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vmconvert::guest {

// All throw Error(bad_input) for what is truncated, too large, or no initramfs.

// Paths without a leading "/" or "./", in the image's order.
std::vector<std::string> list_initramfs(std::string_view image);

// Content of the regular file at `path` ("conf/modules"), of the last one if there are several:
// later archives replace what earlier ones brought. Nothing if it is not there.
std::optional<std::string> read_initramfs_file(std::string_view image, std::string_view path);

// Whether one of `values` stands in the name or the content of a file in the image. Files of more
// than 1 MiB, and drivers, are passed over: programs, not configuration.
bool initramfs_holds(std::string_view image, const std::vector<std::string>& values);

// "virtio_blk" in a list of paths: as a module file, plain or compressed; - and _ are the same.
// Says nothing about drivers built into the kernel.
bool initramfs_has_driver(const std::vector<std::string>& paths, std::string_view driver);

}  // namespace vmconvert::guest
