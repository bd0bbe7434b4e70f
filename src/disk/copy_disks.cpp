// Several disks of one guest at once. Their threads are their own; the buffers, and with them the
// memory and the requests in flight, are shared.
#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/copy.hpp"

namespace vmconvert::disk {
namespace {

// One measure for all, so that what is shown only grows.
class Together {
 public:
  Together(const std::vector<CopyRequest>& requests, const model::ProgressSink& sink)
      : m_sink(sink), m_each(requests.size()) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const model::ExtentTotals sum = model::totals(requests[i].extents);
      m_each[i] = {"copy", requests[i].disk, {}, sum.patched + sum.needed, sum.skipped, ""};
      names.push_back(requests[i].disk);
    }
    m_names = join(names, ", ");
  }

  void show(std::size_t disk, const model::Progress& progress) {
    if (!m_sink) {
      return;
    }
    const std::lock_guard lock(m_mutex);
    m_each[disk] = progress;
    model::Progress sum{"copy", m_names, {}, {}, {}, progress.held_up_by};
    for (const model::Progress& each : m_each) {
      sum.done = sum.done + each.done;
      sum.total = sum.total + each.total;
      sum.skipped = sum.skipped + each.skipped;
    }
    m_sink(sum);
  }

 private:
  const model::ProgressSink& m_sink;
  std::mutex m_mutex;
  std::string m_names;
  std::vector<model::Progress> m_each;
};

}  // namespace

std::vector<CopyResult> copy_disks(const std::vector<CopyRequest>& requests,
                                   const model::ProgressSink& progress) {
  Together together(requests, progress);
  UnitBudget budget(requests.size());
  std::vector<CopyResult> results(requests.size());
  std::mutex mutex;
  std::exception_ptr first_error;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      threads.emplace_back([&, i]() noexcept {
        const UnitShare share{budget, i};
        try {
          CopyRequest request = requests[i];
          request.share = &share;
          results[i] =
              copy_disk(request, [&, i](const model::Progress& at) { together.show(i, at); });
        } catch (...) {
          const std::lock_guard lock(mutex);
          first_error = first_error ? first_error : std::current_exception();
          budget.stop();
        }
        budget.leave(i);
      });
    }
  }
  if (first_error) {
    std::rethrow_exception(first_error);
  }
  return results;
}

}  // namespace vmconvert::disk
