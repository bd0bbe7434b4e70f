/* A fixer in C, built against the first ABI: changes /etc/motd, tells what it read. */
#include <string.h>
#include <vmconvert/fixer.h>

static int fix(const struct vmconvert_host* host) {
  static const char text[] = "moved\n";
  struct vmconvert_text content = {0, 0};
  int kind = 0;
  if (host->kind(host->context, "/etc/motd", &kind) != 0) {
    return -1;
  }
  if (kind != VMCONVERT_FILE || host->read(host->context, "/etc/motd", 64, &content) != 0) {
    return kind == VMCONVERT_FILE ? -1 : 0;
  }
  host->log(host->context, content.data);
  kind = strcmp(content.data, text);
  host->release(host->context, content);
  return kind == 0 ? 0 : host->write(host->context, "/etc/motd", text, strlen(text), 0644);
}

const struct vmconvert_fixer* vmconvert_fixer_entry(void) {
  static const struct vmconvert_fixer entry = {sizeof(struct vmconvert_fixer),  1,   "plain",
                                               "says that the guest has moved", 950, fix};
  return &entry;
}
