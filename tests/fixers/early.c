/* A fixer that comes before the others and changes nothing. */
#include <vmconvert/fixer.h>

static int fix(const struct vmconvert_host* host) {
  (void)host;
  return 0;
}

const struct vmconvert_fixer* vmconvert_fixer_entry(void) {
  static const struct vmconvert_fixer entry = {
      sizeof(struct vmconvert_fixer), 1, "early", "does nothing", 10, fix};
  return &entry;
}
