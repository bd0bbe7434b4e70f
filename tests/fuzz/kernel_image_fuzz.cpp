// Kernel images: a bzImage with a packed vmlinux in it, or that by itself.
#include "fuzz.hpp"
#include "guest/kernel_pvh.hpp"
#include "guest/linux_kernel.hpp"

using namespace vmconvert;

FUZZ_TARGET(kernel_image) {
  const auto header = guest::read_kernel_header(input.text());
  const std::string version = header ? header->version : "";
  const guest::PvhVerdict verdict = guest::can_run_as_pvh(input.text(), "", version);
  fuzz::require(!verdict.how.empty(), "a verdict without a reason");
  fuzz::require(!verdict.can ||
                    *verdict.can == (guest::find_pvh_entry(input.text()) == guest::PvhEntry::there),
                "a verdict that the image does not give");
}
