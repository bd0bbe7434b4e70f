#include "disk/checkpoints.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/error.hpp"
#include "unit/disk_scratch.hpp"

namespace vmconvert::disk {
namespace {

constexpr ByteCount k_node{k_node_size};

class CheckpointsTest : public Scratch {
 protected:
  Manifest m_manifest =
      Manifest::create(m_folder.path() / "vda.manifest", {{}, ByteCount{1000 * k_node_size}, {}});
  CheckpointPolicy m_policy{ByteCount{16 * k_node_size}, std::chrono::hours(1), 0};
};

// Calls finished() for the nodes, from as many threads as a copy has.
template <class Each>
void finish_all(std::uint64_t nodes, Each each) {
  std::atomic<std::uint64_t> next = 0;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < k_unit_threads; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t node = next++; node < nodes; node = next++) {
        each(node);
      }
    });
  }
}

TEST_F(CheckpointsTest, NobodyRunsAheadOfASlowFlushByMoreThanAnInterval) {
  std::atomic<std::uint64_t> finished = 0;
  std::atomic<std::uint64_t> recorded = 0;
  std::atomic<std::uint64_t> most = 0;
  std::atomic<int> flushes = 0;
  Checkpoints checkpoints(m_manifest, m_policy, [&] {
    ++flushes;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    most = std::max(most.load(), finished - m_manifest.head().durable_nodes);
  });
  finish_all(400, [&](std::uint64_t node) {
    checkpoints.finished(node, 1, k_node);
    ++finished;
  });
  recorded = m_manifest.head().durable_nodes;
  EXPECT_GT(flushes, 20);
  EXPECT_GT(most, 0U);
  EXPECT_LE(most, 16 + k_unit_threads);
  EXPECT_LE(400 - recorded, 16 + k_unit_threads);
}

TEST_F(CheckpointsTest, WhatLiesBehindAGapIsNotRecordedAndCountsForTheNext) {
  int flushes = 0;
  Checkpoints checkpoints(m_manifest, m_policy, [&] { ++flushes; });
  for (std::uint64_t node = 1; node < 20; ++node) {  // node 0 takes long
    checkpoints.finished(node, 1, k_node);
  }
  EXPECT_EQ(flushes, 0);
  checkpoints.finished(0, 1, k_node);
  EXPECT_EQ(flushes, 1);
  EXPECT_EQ(m_manifest.head().durable_nodes, 20U);
  for (std::uint64_t node = 20; node < 28; ++node) {
    checkpoints.finished(node == 20 ? 27 : node - 1, 1, k_node);
  }
  EXPECT_EQ(flushes, 2);
  EXPECT_EQ(m_manifest.head().durable_nodes, 28U);
}

TEST_F(CheckpointsTest, AFlushThatTakesLongIsNotSoonFollowedByTheNext) {
  std::chrono::steady_clock::time_point now;
  int flushes = 0;
  m_policy.rest = 9;
  m_policy.clock = [&] { return now; };
  Checkpoints checkpoints(m_manifest, m_policy, [&] {
    ++flushes;
    now += std::chrono::milliseconds(100);
  });
  std::uint64_t node = 0;
  for (; node < 100; ++node) {
    checkpoints.finished(node, 1, k_node);
  }
  EXPECT_EQ(flushes, 1);
  now += std::chrono::milliseconds(899);
  checkpoints.finished(node++, 1, k_node);
  EXPECT_EQ(flushes, 1);
  now += std::chrono::milliseconds(1);
  checkpoints.finished(node++, 1, k_node);
  EXPECT_EQ(flushes, 2);
  EXPECT_EQ(m_manifest.head().durable_nodes, 102U);
}

TEST_F(CheckpointsTest, AfterTheLongestTimeOneIsDueWhateverAFlushCosts) {
  std::chrono::steady_clock::time_point now;
  int flushes = 0;
  m_policy.rest = 1000;
  m_policy.time = std::chrono::milliseconds(200);
  m_policy.clock = [&] { return now; };
  Checkpoints checkpoints(m_manifest, m_policy, [&] {
    ++flushes;
    now += std::chrono::milliseconds(10);
  });
  for (std::uint64_t node = 0; node < 8; ++node) {
    checkpoints.finished(node, 1, k_node);
  }
  EXPECT_EQ(flushes, 1);
  now += std::chrono::milliseconds(199);
  checkpoints.finished(8, 1, k_node);
  EXPECT_EQ(flushes, 1);
  now += std::chrono::milliseconds(1);
  checkpoints.finished(9, 1, k_node);
  EXPECT_EQ(flushes, 2);
}

TEST_F(CheckpointsTest, AFailedFlushLeavesNobodyWaiting) {
  std::atomic<int> failed = 0;
  Checkpoints checkpoints(m_manifest, m_policy, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    throw Error(ErrorKind::io, "flushing: no");
  });
  finish_all(100, [&](std::uint64_t node) {
    try {
      checkpoints.finished(node, 1, k_node);
    } catch (const Error&) {
      ++failed;
    }
  });
  EXPECT_GT(failed, 0);
  EXPECT_EQ(m_manifest.head().durable_nodes, 0U);
}

}  // namespace
}  // namespace vmconvert::disk
