// How libext2fs reads a Volume: an I/O manager of ours that refuses to write.
#pragma once

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#include <memory>

#include "allocation/volume.hpp"

namespace vmconvert::allocation {

struct FilesystemCloser {
  void operator()(ext2_filsys fs) const { ext2fs_close_free(&fs); }
};
using Filesystem = std::unique_ptr<struct_ext2_filsys, FilesystemCloser>;

// While one lives, manager() opens its volume, whatever name is given: the library passes no other
// word through. One at a time in a thread.
class ExtChannel {
 public:
  explicit ExtChannel(const Volume& volume);
  ExtChannel(const ExtChannel&) = delete;
  ExtChannel& operator=(const ExtChannel&) = delete;
  ~ExtChannel();

  [[nodiscard]] io_manager manager() const;

 private:
  const Volume* m_outer;
};

}  // namespace vmconvert::allocation
