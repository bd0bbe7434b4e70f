#include "allocation/confine.hpp"

#include <grp.h>
#include <linux/close_range.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

#include "base/error.hpp"
#include "base/units.hpp"

// The sanitizers' own memory and threads do not fit into any of this.
#if defined(__has_feature)  // clang
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VMCONVERT_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // gcc
#define VMCONVERT_SANITIZED 1
#endif
#ifndef VMCONVERT_SANITIZED
#define VMCONVERT_SANITIZED 0
#endif

namespace vmconvert::allocation {
namespace {

constexpr unsigned k_nobody = 65534;  // Debian's nobody and nogroup, and the kernel's overflow id

void limit(__rlimit_resource resource, rlim_t value) {
  const rlimit wanted = {value, value};
  if (::setrlimit(resource, &wanted) != 0) {
    throw_errno(errno, "setting a limit of the allocation reader");
  }
}

struct FilterFreer {
  void operator()(void* filter) const { seccomp_release(filter); }
};

class Filter {
 public:
  Filter() : m_filter(seccomp_init(SCMP_ACT_KILL_PROCESS)) {
    if (!m_filter) {
      throw Error(ErrorKind::tool_failed, "making a system call filter failed");
    }
  }

  template <class... Conditions>
  void allow(int call, Conditions... conditions) {
    check(seccomp_rule_add(m_filter.get(), SCMP_ACT_ALLOW, call, sizeof...(conditions),
                           conditions...));
  }
  void load() { check(seccomp_load(m_filter.get())); }

 private:
  static void check(int code) {
    if (code != 0) {
      throw_errno(-code, "setting up the system call filter");
    }
  }

  std::unique_ptr<void, FilterFreer> m_filter;
};

}  // namespace

void limit_resources() {
  if (::close_range(3, ~0U, 0) != 0) {
    throw_errno(errno, "closing descriptors");
  }
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  // UBSan's check of an object's type asks the kernel through a pipe.
  limit(RLIMIT_NOFILE, VMCONVERT_SANITIZED == 0 ? 3 : 5);
  limit(RLIMIT_CPU, 60);  // seconds
  if (VMCONVERT_SANITIZED == 0) {
    limit(RLIMIT_AS, k_gib);
    limit(RLIMIT_NPROC, 0);
  }
}

void drop_privileges() {
  if (::geteuid() == 0 &&
      (::setgroups(0, nullptr) != 0 || ::setresgid(k_nobody, k_nobody, k_nobody) != 0 ||
       ::setresuid(k_nobody, k_nobody, k_nobody) != 0)) {
    throw_errno(errno, "becoming nobody");
  }
  // After the change of identity, which clears it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    throw_errno(errno, "giving up privileges");
  }
}

void allow_only_reading() {
  if (VMCONVERT_SANITIZED != 0) {
    return;
  }
  Filter filter;
  for (const int call : {SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(munmap), SCMP_SYS(brk),
                         SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(exit),
                         SCMP_SYS(exit_group), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
                         SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(rt_sigreturn)}) {
    filter.allow(call);
  }
  filter.allow(SCMP_SYS(write), SCMP_A0(SCMP_CMP_EQ, STDOUT_FILENO));
  filter.allow(SCMP_SYS(write), SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO));
  filter.allow(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  filter.allow(SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  filter.load();
}

}  // namespace vmconvert::allocation
