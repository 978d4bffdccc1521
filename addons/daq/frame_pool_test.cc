// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/frame_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace summit::daq {
namespace {

std::unique_ptr<FramePool> Pool(uint32_t slots, uint64_t bytes) {
  std::string message;
  auto pool = FramePool::Create({.slots = slots, .slot_bytes = bytes, .huge_pages = false}, &message);
  EXPECT_NE(pool, nullptr) << message;
  return pool;
}

TEST(FramePool, LendsEachSlotOnceAlignedAndApart) {
  const auto pool = Pool(5, 1000);
  std::set<void*> addresses;
  std::vector<uint64_t> tokens;
  for (int i = 0; i < 5; ++i) {
    void* memory = nullptr;
    tokens.push_back(pool->Acquire(1000, &memory));
    ASSERT_NE(tokens.back(), 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
    EXPECT_TRUE(addresses.insert(memory).second);
    EXPECT_EQ(pool->Memory(tokens.back()), memory);
    std::memset(memory, i, 1000);
  }
  void* memory = nullptr;
  EXPECT_EQ(pool->Acquire(1, &memory), 0u);
  EXPECT_EQ(memory, nullptr);
  EXPECT_EQ(pool->exhausted(), 1u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pool->Memory(tokens[static_cast<size_t>(i)])[999], i);
  for (const uint64_t token : tokens) EXPECT_TRUE(pool->Release(token));
  EXPECT_EQ(pool->in_use(), 0u);
  EXPECT_EQ(pool->high_water(), 5u);
}

TEST(FramePool, RefusesMoreThanASlot) {
  const auto pool = Pool(2, 1000);
  void* memory = nullptr;
  EXPECT_EQ(pool->Acquire(1001, &memory), 0u);
  EXPECT_EQ(pool->exhausted(), 0u);
}

TEST(FramePool, CountsASecondReleaseAndKeepsTheNewHolderSafe) {
  const auto pool = Pool(1, 64);
  void* memory = nullptr;
  const uint64_t first = pool->Acquire(64, &memory);
  EXPECT_TRUE(pool->Release(first));
  EXPECT_FALSE(pool->Release(first));
  const uint64_t second = pool->Acquire(64, &memory);
  EXPECT_NE(second, first);
  EXPECT_FALSE(pool->Release(first));
  EXPECT_EQ(pool->Memory(first), nullptr);
  EXPECT_NE(pool->Memory(second), nullptr);
  EXPECT_FALSE(pool->Release(0));
  EXPECT_FALSE(pool->Release(77));
  EXPECT_EQ(pool->stale_releases(), 4u);
  EXPECT_EQ(pool->in_use(), 1u);
  EXPECT_TRUE(pool->Release(second));
}

TEST(FramePool, SaysWhatBecameOfItsWishes) {
  std::string message;
  const auto pool = FramePool::Create({.slots = 4, .slot_bytes = 4096, .huge_pages = true, .lock_memory = true}, &message);
  ASSERT_NE(pool, nullptr);
  EXPECT_FALSE(pool->huge_pages_outcome().empty());
  EXPECT_FALSE(pool->lock_memory_outcome().empty());
  EXPECT_EQ(FramePool::Create({.slots = 0}, &message), nullptr);
  EXPECT_NE(message.find("slots"), std::string::npos);
}

TEST(FramePool, ThreadsNeverShareASlot) {
  const auto pool = Pool(6, 64);
  constexpr int kThreads = 4;
  constexpr int kTurns = 20000;
  std::vector<std::thread> threads;
  std::atomic<int> clashes{0};
  for (int id = 0; id < kThreads; ++id) {
    threads.emplace_back([&, id] {
      for (int turn = 0; turn < kTurns; ++turn) {
        void* memory = nullptr;
        const uint64_t token = pool->Acquire(64, &memory);
        if (token == 0) continue;
        // A plain write: a slot with two holders is a data race that the thread sanitizer sees too.
        *static_cast<int*>(memory) = id;
        if (*static_cast<int*>(memory) != id || !pool->Release(token)) clashes.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(clashes.load(), 0);
  EXPECT_EQ(pool->in_use(), 0u);
  EXPECT_EQ(pool->stale_releases(), 0u);
  EXPECT_LE(pool->high_water(), 6u);
}

}  // namespace
}  // namespace summit::daq
