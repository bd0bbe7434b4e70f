#include "bundle/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/interrupt.hpp"

namespace vmconvert::bundle {

void for_each_index(std::size_t count, const std::function<void(std::size_t)>& body) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr first;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) {
        throw_if_interrupted();
        body(i);
      }
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      first = first ? first : std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    // Twice as many as processors: some of them wait for a disk.
    const std::size_t workers =
        std::min<std::size_t>(2 * std::max(2U, std::thread::hardware_concurrency()), count);
    for (std::size_t i = 0; i < workers; ++i) {
      threads.emplace_back(work);
    }
  }
  if (first) {
    std::rethrow_exception(first);
  }
}

}  // namespace vmconvert::bundle
