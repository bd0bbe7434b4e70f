/* The door through which every fixer comes in, ours and anyone's.
 *
 * A fixer is a shared object with one entry point, vmconvert_fixer_entry(), that returns a struct
 * with its size and ABI version first. Both structs only ever grow at the end; a fixer checks
 * host->size before it uses a member newer than version 1. No exception and no C++ type crosses
 * this line. C++ fixers use the wrapper in fixer.hpp, which keeps that promise for them.
 *
 * Every fixer is run once over the guest, in ascending `order`. Its writes are staged in memory
 * and shown as diffs; nothing reaches the disk before all fixers have agreed. A fixer that finds
 * nothing wrong must change nothing.
 */
#ifndef VMCONVERT_FIXER_H
#define VMCONVERT_FIXER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VMCONVERT_FIXER_ABI 1

enum vmconvert_severity {
  VMCONVERT_BLOCKS = 0, /* the conversion is refused unless the operator accepts the finding */
  VMCONVERT_WARNS = 1,
  VMCONVERT_INFORMS = 2
};

enum vmconvert_file_kind {
  VMCONVERT_MISSING = 0,
  VMCONVERT_FILE = 1,
  VMCONVERT_DIRECTORY = 2,
  VMCONVERT_SYMLINK = 3,
  VMCONVERT_OTHER = 4
};

/* Bytes owned by the host until it is given back with release(); data is never null, and a zero
 * byte follows it (not counted in size). Lists of names come as one text, each ended by '\n'. */
struct vmconvert_text {
  char* data;
  size_t size;
};

/* What the host lends to a fixer during one call of fix(). Functions return 0, or -1 after which
 * last_error() says why: pass that on by returning -1 from fix(), unless you expected it. */
struct vmconvert_host {
  uint32_t size; /* sizeof(struct vmconvert_host) as the host knows it */
  uint32_t abi;  /* VMCONVERT_FIXER_ABI of the host */
  void* context; /* first argument of every function below */

  const char* (*last_error)(void* context);
  void (*release)(void* context, struct vmconvert_text text);

  /* JSON: see vmconvert-plugin(7), "Facts". */
  int (*facts)(void* context, struct vmconvert_text* json);

  /* kind is one of vmconvert_file_kind; links are followed. */
  int (*kind)(void* context, const char* path, int* kind);
  int (*link_kind)(void* context, const char* path, int* kind);
  int (*read)(void* context, const char* path, uint64_t limit, struct vmconvert_text* content);
  int (*read_link)(void* context, const char* path, struct vmconvert_text* target);
  int (*list)(void* context, const char* folder, struct vmconvert_text* names);
  int (*glob)(void* context, const char* pattern, struct vmconvert_text* paths);

  /* Staged. mode is used for new files only. */
  int (*write)(void* context, const char* path, const char* data, size_t size, uint32_t mode);
  int (*symlink)(void* context, const char* path, const char* target);
  int (*remove)(void* context, const char* path);
  int (*write_disk)(void* context, const char* disk, uint64_t offset, const char* data, size_t size,
                    const char* what);
  int (*read_disk)(void* context, const char* disk, uint64_t offset, uint64_t length,
                   struct vmconvert_text* content);

  /* A program of the guest, run in the appliance after all staged writes were applied, in the
   * order in which it was asked for. words: one argument a line. `why` is shown in the plan.
   * With must_succeed, a failure fails the conversion; else it becomes a warning. */
  int (*run_later)(void* context, const char* words, const char* why, int must_succeed);

  /* A program of the hypervisor host (grub-mkimage...); its stdout is returned. */
  int (*host_tool)(void* context, const char* words, struct vmconvert_text* output);
  /* A file of the hypervisor host, read-only (a kernel kept outside the guest, GRUB's modules). */
  int (*host_file)(void* context, const char* path, uint64_t limit, struct vmconvert_text* content);

  int (*finding)(void* context, const char* id, int severity, const char* message,
                 const char* remedy);
  void (*log)(void* context, const char* message);

  /* Names of the drivers and files in an initramfs image of the guest, one path a line; -1 if it
   * cannot be read. Follows microcode archives, gzip, xz, zstd, lz4, bzip2. Of a unified kernel
   * image, its initrd is read. */
  int (*initramfs_list)(void* context, const char* path, struct vmconvert_text* paths);

  /* The members below came later: a fixer looks at `size` first. */

  /* Staged, like remove(), but the content is neither read nor shown: for secrets, identities and
   * logs of any size. The plan shows path, size and `note`. A folder goes with all that is in it.
   * With keep_empty a file stays, empty, with its owner and mode; links are followed then. What is
   * not there, or empty already, is no change. */
  int (*forget)(void* context, const char* path, int keep_empty, const char* note);
  /* What this fixer does to `path` from now on is shown by size and `note` alone. */
  int (*conceal)(void* context, const char* path, const char* note);
  /* Once everything is applied, the guest's configuration is searched for `value` (7 bytes or
   * more). Where it still stands becomes one finding: `message`, and the files. The value itself is
   * not shown. */
  int (*watch)(void* context, const char* id, int severity, const char* value, const char* message,
               const char* remedy);
};

struct vmconvert_fixer {
  uint32_t size;       /* sizeof(struct vmconvert_fixer) as the fixer knows it */
  uint32_t abi;        /* VMCONVERT_FIXER_ABI that the fixer was built against */
  const char* name;    /* fstab, bootloader...: also the folder's name */
  const char* summary; /* one line */
  uint32_t order;      /* ascending: 100 fstab, 200 kernel, 300 network ... 900 initramfs */
  int (*fix)(const struct vmconvert_host* host);
};

/* The one symbol that a fixer exports. */
#if defined(__GNUC__)
__attribute__((visibility("default"))) /* also where a build hides symbols by default */
#endif
const struct vmconvert_fixer*
vmconvert_fixer_entry(void);

#ifdef __cplusplus
}
#endif

#endif /* VMCONVERT_FIXER_H */
