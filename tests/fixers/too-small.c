/* A fixer whose struct ends before its function. */
#include <stddef.h>
#include <vmconvert/fixer.h>

const struct vmconvert_fixer* vmconvert_fixer_entry(void) {
  static const struct vmconvert_fixer entry = {
      offsetof(struct vmconvert_fixer, fix), VMCONVERT_FIXER_ABI, "too-small", "cut off", 1, 0};
  return &entry;
}
