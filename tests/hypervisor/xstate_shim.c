// Lets User-Mode Linux start on processors with a large register state (AMX), as an LD_PRELOAD library.
//
// linux.uml up to 6.12 keeps a process's floating-point registers in a buffer of 2696 bytes, sized for
// AVX-512. PTRACE_SETREGSET refuses (EFAULT) a set that is smaller than what the processor has, which
// is 11008 bytes with AMX; the machine panics with "ptrace set fp regs failed, errno = 14". Here a set
// that was refused is padded with zeros, which means "in its initial state" for a component whose bit
// in the XSAVE header is 0. Bits of components that did not fit in the buffer are cleared when
// registers are read, so that half a component is never written back. Programs in the machine must
// therefore not use such components; none does. Without AMX no call is changed.
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum {
  k_xstate_note = 0x202,  // NT_X86_XSTATE
  k_header_at = 512,      // XSAVE area: 512 bytes legacy, then the header, whose first 8 bytes are XSTATE_BV
  k_extended_at = 576,
  k_xsave_leaf = 0xd,
  k_largest = 65536,
};

typedef long (*ptrace_call)(enum __ptrace_request, pid_t, void*, void*);

// A bit for every component that lies in the first `size` bytes of the standard format. The processor is
// asked once for a size: UML reads the registers at each page fault of its processes, and in a virtual
// machine cpuid is an exit to the host: 0.3 ms for all components, ten times what the fault costs.
static uint64_t components_within(size_t size) {
  static size_t known_size;
  static uint64_t mask;
  if (size == known_size) {
    return mask;
  }
  known_size = size;
  mask = 3;  // x87 and SSE are in the legacy part
  for (unsigned component = 2; component < 63; ++component) {
    unsigned length = 0;
    unsigned offset = 0;
    unsigned ignored_c = 0;
    unsigned ignored_d = 0;
    if (__get_cpuid_count(k_xsave_leaf, component, &length, &offset, &ignored_c, &ignored_d) &&
        length != 0 && offset >= k_extended_at && (size_t)offset + length <= size) {
      mask |= 1ULL << component;
    }
  }
  return mask;
}

static void drop_cut_components(const struct iovec* set) {
  uint64_t present = 0;
  if (set->iov_len < k_extended_at) {
    return;
  }
  char* header = (char*)set->iov_base + k_header_at;
  memcpy(&present, header, sizeof present);
  present &= components_within(set->iov_len);
  memcpy(header, &present, sizeof present);
}

long ptrace(enum __ptrace_request request, ...) {
  static ptrace_call real;
  static char padded[k_largest] __attribute__((aligned(64)));  // UML's kernel is one thread

  va_list arguments;
  va_start(arguments, request);
  const pid_t pid = va_arg(arguments, pid_t);
  void* address = va_arg(arguments, void*);
  void* data = va_arg(arguments, void*);
  va_end(arguments);
  if (!real) {
    real = (ptrace_call)dlsym(RTLD_NEXT, "ptrace");
  }

  const size_t buffer = (uintptr_t)address == k_xstate_note && data ? ((struct iovec*)data)->iov_len : 0;
  const long result = real(request, pid, address, data);
  if ((uintptr_t)address != k_xstate_note || !data) {
    return result;
  }
  struct iovec* set = data;
  if (request == PTRACE_GETREGSET && result == 0 && set->iov_len == buffer) {
    drop_cut_components(set);  // the buffer is full: there may have been more
  }
  if (request == PTRACE_SETREGSET && result != 0 && errno == EFAULT && buffer <= k_largest) {
    memset(padded, 0, sizeof padded);
    memcpy(padded, set->iov_base, buffer);
    struct iovec whole = {padded, sizeof padded};
    return real(request, pid, address, &whole);
  }
  return result;
}
