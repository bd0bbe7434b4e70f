#include "allocation/ext_channel.hpp"

#include <cstring>
#include <exception>
#include <utility>

namespace vmconvert::allocation {
namespace {

thread_local const Volume* t_volume = nullptr;

struct_io_manager& the_manager();

// Freed by the library's own calls, so it is allocated by them.
errcode_t open_channel(const char* name, int, io_channel* result) {
  io_channel channel = nullptr;
  if (const errcode_t code = ext2fs_get_memzero(sizeof(struct_io_channel), &channel); code != 0) {
    return code;
  }
  if (const errcode_t code = ext2fs_get_mem(std::strlen(name) + 1, &channel->name); code != 0) {
    ext2fs_free_mem(&channel);
    return code;
  }
  std::memcpy(channel->name, name, std::strlen(name) + 1);
  channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
  channel->manager = &the_manager();
  channel->block_size = 1024;
  channel->refcount = 1;
  channel->private_data = const_cast<Volume*>(t_volume);
  *result = channel;
  return 0;
}

errcode_t close_channel(io_channel channel) {
  if (--channel->refcount > 0) {
    return 0;
  }
  ext2fs_free_mem(&channel->name);
  ext2fs_free_mem(&channel);
  return 0;
}

errcode_t set_block_size(io_channel channel, int size) {
  channel->block_size = size;
  return 0;
}

// A negative count is one of bytes.
errcode_t read_blocks(io_channel channel, unsigned long long block, int count, void* data) {
  const auto* volume = static_cast<const Volume*>(channel->private_data);
  const auto block_size = static_cast<std::uint64_t>(channel->block_size);
  const std::uint64_t length = count < 0 ? static_cast<std::uint64_t>(-static_cast<long>(count))
                                         : static_cast<std::uint64_t>(count) * block_size;
  if (volume == nullptr || block_size == 0 || block > volume->size() / block_size) {
    return EXT2_ET_SHORT_READ;
  }
  try {
    volume->read({static_cast<std::byte*>(data), length}, block * block_size);
  } catch (const std::exception&) {  // a C library is above us
    return EXT2_ET_SHORT_READ;
  }
  return 0;
}

errcode_t read_blocks_32(io_channel channel, unsigned long block, int count, void* data) {
  return read_blocks(channel, block, count, data);
}

errcode_t refuse_write(io_channel, unsigned long, int, const void*) {
  return EXT2_ET_RO_FILSYS;
}
errcode_t refuse_write_64(io_channel, unsigned long long, int, const void*) {
  return EXT2_ET_RO_FILSYS;
}
errcode_t refuse_write_byte(io_channel, unsigned long, int, const void*) {
  return EXT2_ET_RO_FILSYS;
}
errcode_t flush(io_channel) {
  return 0;
}

struct_io_manager& the_manager() {
  static struct_io_manager manager = [] {
    struct_io_manager made{};
    made.magic = EXT2_ET_MAGIC_IO_MANAGER;
    made.name = "vmconvert volume";
    made.open = open_channel;
    made.close = close_channel;
    made.set_blksize = set_block_size;
    made.read_blk = read_blocks_32;
    made.read_blk64 = read_blocks;
    made.write_blk = refuse_write;
    made.write_blk64 = refuse_write_64;
    made.write_byte = refuse_write_byte;
    made.flush = flush;
    return made;
  }();
  return manager;
}

}  // namespace

ExtChannel::ExtChannel(const Volume& volume) : m_outer(std::exchange(t_volume, &volume)) {}
ExtChannel::~ExtChannel() {
  t_volume = m_outer;
}

io_manager ExtChannel::manager() const {
  return &the_manager();
}

}  // namespace vmconvert::allocation
