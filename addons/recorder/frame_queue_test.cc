// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/frame_queue.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>

namespace summit::recorder {
namespace {

constexpr uint64_t kSlotBytes = 64;

std::shared_ptr<daq::FramePool> Pool(uint32_t slots) {
  std::string message;
  return daq::FramePool::Create({.slots = slots, .slot_bytes = kSlotBytes, .huge_pages = false}, &message);
}

// A stamp whose pixels begin with its number; its slot is the caller's.
SummitFrame Stamp(daq::FramePool* pool, uint64_t number) {
  SummitFrame frame{};
  void* memory = nullptr;
  frame.location = 3;
  frame.stamp_index = number;
  frame.token = pool->Acquire(kSlotBytes, &memory);
  if (memory != nullptr) std::memcpy(memory, &number, sizeof(number));
  frame.data = memory;
  return frame;
}

SummitFrame Event(const std::string& text) {
  SummitFrame frame{};
  frame.event_type = SUMMIT_EVENT_RESUME;
  frame.location = 3;
  frame.data = text.data();
  frame.bytes = static_cast<uint32_t>(text.size());
  return frame;
}

TEST(FrameQueue, LeavesOutStampsBeyondItsRoomAndSaysHowMany) {
  const auto pool = Pool(8);
  FrameQueue queue(2, 16);
  queue.Attach(pool);
  for (uint64_t number = 0; number < 5; ++number) {
    const SummitFrame stamp = Stamp(pool.get(), number);
    EXPECT_EQ(queue.PushStamp(stamp), number < 2);
    pool->Release(stamp.token);
  }
  EXPECT_EQ(pool->in_use(), 2u);
  EXPECT_TRUE(queue.PushEvent(Event("a comment that is too long")));
  EXPECT_EQ(queue.stamps_left_out(), 3u);
  for (uint64_t number = 0; number < 2; ++number) {
    ASSERT_NE(queue.Front(), nullptr);
    EXPECT_EQ(queue.Front()->frame.stamp_index, number);
    EXPECT_EQ(queue.Front()->before, number);
    queue.Pop();
  }
  const FrameQueue::Entry* event = queue.Front();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->before, 5u);
  EXPECT_EQ(event->left_out_before, 3u);
  EXPECT_EQ(std::string(static_cast<const char*>(event->frame.data), event->payload_bytes), "a comment that i");
  queue.Pop();
  EXPECT_EQ(queue.Front(), nullptr);
  EXPECT_EQ(pool->in_use(), 0u);
}

TEST(FrameQueue, SaysWhenEventsWereLeftOut) {
  const auto pool = Pool(4);
  FrameQueue queue(1, 16);
  queue.Attach(pool);
  uint64_t taken = 0;
  while (queue.PushEvent(Event("x"))) ++taken;
  EXPECT_GT(taken, 1000u);
  EXPECT_EQ(queue.events_left_out(), 1u);
  for (; taken > 0; --taken) {
    ASSERT_NE(queue.Front(), nullptr);
    EXPECT_FALSE(queue.Front()->after_loss);
    queue.Pop();
  }
  EXPECT_TRUE(queue.PushEvent(Event("y")));
  EXPECT_TRUE(queue.Front()->after_loss);
  queue.Pop();
  EXPECT_TRUE(queue.PushEvent(Event("z")));
  EXPECT_FALSE(queue.Front()->after_loss);
}

TEST(FrameQueue, HandsOverBetweenThreadsWithoutLosingOrMixing) {
  constexpr uint64_t kStamps = 20000;
  const auto pool = Pool(24);
  FrameQueue queue(16, 16);
  queue.Attach(pool);
  uint64_t got = 0;
  uint64_t wrong = 0;
  std::thread reader([&] {
    bool ended = false;
    while (!ended) {
      const FrameQueue::Entry* entry = queue.Front();
      if (entry == nullptr) {
        queue.Wait(1000);
        continue;
      }
      if (entry->frame.event_type == SUMMIT_EVENT_RESUME) {
        ended = true;
      } else {
        uint64_t number = 0;
        std::memcpy(&number, entry->frame.data, sizeof(number));
        if (number != entry->frame.stamp_index) ++wrong;
        ++got;
      }
      queue.Pop();
    }
  });
  for (uint64_t number = 0; number < kStamps; ++number) {
    const SummitFrame stamp = Stamp(pool.get(), number);
    ASSERT_NE(stamp.token, 0u) << "the queue holds no more slots than it may";
    queue.PushStamp(stamp);
    pool->Release(stamp.token);
  }
  while (!queue.PushEvent(Event("end"))) std::this_thread::yield();
  reader.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(got + queue.stamps_left_out(), kStamps);
  EXPECT_EQ(queue.offered(3), kStamps);
  EXPECT_EQ(pool->in_use(), 0u);
}

}  // namespace
}  // namespace summit::recorder
