/* A fixer of an ABI that is not there yet. */
#include <vmconvert/fixer.h>

static int fix(const struct vmconvert_host* host) {
  (void)host;
  return 0;
}

const struct vmconvert_fixer* vmconvert_fixer_entry(void) {
  static const struct vmconvert_fixer entry = {sizeof(struct vmconvert_fixer),
                                               VMCONVERT_FIXER_ABI + 1,
                                               "other-abi",
                                               "from the future",
                                               1,
                                               fix};
  return &entry;
}
