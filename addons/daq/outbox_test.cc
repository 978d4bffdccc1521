// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/outbox.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <thread>
#include <vector>

#include "addons/daq/predictions.h"

namespace summit::daq {
namespace {

class OutboxTest : public ::testing::Test {
 protected:
  static Record Make(Outcome outcome, uint64_t number) {
    Record record;
    std::memset(static_cast<void*>(&record), 0, sizeof(record));
    record.outcome = static_cast<uint8_t>(outcome);
    record.frame.stamp_index = number;
    return record;
  }
  void Stamp(size_t sensor, uint64_t number, uint32_t gap = 0) {
    Record record = Make(Outcome::kMeasured, number);
    record.frame.location = static_cast<uint8_t>(sensor);
    record.frame.gap = gap;
    outbox_.PutStamp(sensor, record, &superseded_[sensor]);
  }
  std::vector<Record> DrainAll() {
    std::vector<Record> all;
    std::array<Record, 5> some;
    for (size_t count = ring_.Pop(some); count > 0; count = ring_.Pop(some)) all.insert(all.end(), some.begin(), some.begin() + static_cast<long>(count));
    return all;
  }
  static std::unique_ptr<FramePool> MakePool() {
    std::string message;
    return FramePool::Create({.slots = 8, .slot_bytes = 64, .huge_pages = false}, &message);
  }

  std::unique_ptr<FramePool> pool_ = MakePool();
  Leases leases_{pool_.get(), pool_->slots() / 2};
  RecordRing ring_{16};
  Outbox outbox_{&ring_, &leases_, 2};
  std::array<Counter, 2> superseded_;
};

TEST_F(OutboxTest, PassesEverythingWhileThereIsRoom) {
  for (uint64_t n = 0; n < 12; ++n) Stamp(n % 2, n);
  const std::vector<Record> all = DrainAll();
  ASSERT_EQ(all.size(), 12u);
  for (uint64_t n = 0; n < 12; ++n) EXPECT_EQ(all[n].frame.stamp_index, n);
  EXPECT_EQ(ring_.high_water(), 12u);
}

TEST_F(OutboxTest, TheNewestOfEachSensorWaitsWhenJavaScriptIsSlow) {
  for (uint64_t n = 0; n < 12; ++n) Stamp(0, n);
  for (uint64_t n = 12; n < 20; ++n) Stamp(0, n, n == 13 ? 3 : 0);
  Stamp(1, 7);
  EXPECT_EQ(DrainAll().size(), 12u);
  outbox_.Flush();
  const std::vector<Record> rest = DrainAll();
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].frame.stamp_index, 19u);
  EXPECT_EQ(rest[0].superseded, 7u);
  EXPECT_EQ(rest[0].frame.gap, 3u) << "the loss that an overtaken result told is still told";
  EXPECT_EQ(superseded_[0].Get(), 7u);
  EXPECT_EQ(rest[1].superseded, 0u);
  Stamp(0, 20);
  EXPECT_EQ(DrainAll()[0].superseded, 0u);
}

TEST_F(OutboxTest, AStampWithoutNumbersThatGivesWayIsToldAsLost) {
  for (uint64_t n = 0; n < 12; ++n) Stamp(0, n);
  outbox_.PutStamp(0, Make(Outcome::kIncomplete, 12), &superseded_[0]);
  outbox_.PutStamp(0, Make(Outcome::kDropped, 13), &superseded_[0]);
  Stamp(0, 14, 1);
  DrainAll();
  outbox_.Flush();
  const std::vector<Record> rest = DrainAll();
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].frame.gap, 3u);
  EXPECT_EQ(rest[0].superseded, 0u);
  EXPECT_EQ(superseded_[0].Get(), 0u);
}

TEST_F(OutboxTest, EventsKeepTheirReserveAndTheirOrder) {
  for (uint64_t n = 0; n < 14; ++n) Stamp(0, n);
  outbox_.PutEvent(Make(Outcome::kEvent, 100), false);
  outbox_.PutEvent(Make(Outcome::kEvent, 101), true);
  const std::vector<Record> all = DrainAll();
  ASSERT_EQ(all.size(), 14u);
  EXPECT_EQ(all[12].frame.stamp_index, 13u) << "the waiting stamp goes before the event";
  EXPECT_EQ(all[12].superseded, 1u);
  EXPECT_EQ(all[13].frame.stamp_index, 100u);
  EXPECT_EQ(outbox_.events_lost(), 0u);
}

TEST_F(OutboxTest, CountsEventsThatFindNoRoomAtAll) {
  for (uint64_t n = 0; n < 20; ++n) outbox_.PutEvent(Make(Outcome::kEvent, n), false);
  EXPECT_EQ(outbox_.events_lost(), 4u);
  EXPECT_EQ(DrainAll().size(), 16u);
}

TEST_F(OutboxTest, AnOvertakenResultGivesItsPixelsBack) {
  for (uint64_t n = 0; n < 12; ++n) Stamp(0, n);
  void* memory = nullptr;
  const uint64_t token = pool_->Acquire(64, &memory);
  ASSERT_TRUE(leases_.Grant(token, 64));
  Record record = Make(Outcome::kMeasured, 12);
  record.lease = token;
  outbox_.PutStamp(0, record, &superseded_[0]);
  EXPECT_EQ(pool_->in_use(), 1u);
  Stamp(0, 13);
  EXPECT_EQ(pool_->in_use(), 0u);
  EXPECT_EQ(leases_.out(), 0u);
}

TEST_F(OutboxTest, LeasesTakeAtMostHalfOfTheSlots) {
  std::vector<uint64_t> tokens;
  for (int i = 0; i < 5; ++i) {
    void* memory = nullptr;
    const uint64_t token = pool_->Acquire(64, &memory);
    if (leases_.Grant(token, 64)) {
      tokens.push_back(token);
    } else {
      pool_->Release(token);
    }
  }
  EXPECT_EQ(tokens.size(), 4u);
  EXPECT_EQ(leases_.refused(), 1u);
  EXPECT_EQ(leases_.Bytes(tokens[0]), 64u);
  EXPECT_TRUE(leases_.Release(tokens[0]));
  EXPECT_FALSE(leases_.Release(tokens[0]));
  EXPECT_EQ(leases_.Bytes(tokens[0]), 0u);
  EXPECT_FALSE(leases_.Release(12345));
  for (size_t i = 1; i < tokens.size(); ++i) leases_.Release(tokens[i]);
  EXPECT_EQ(pool_->in_use(), 0u);
}

TEST(RecordRing, KeepsOrderBetweenTwoThreads) {
  RecordRing ring(32);
  constexpr uint64_t kRecords = 20000;
  std::thread writer([&ring] {
    Record record;
    std::memset(static_cast<void*>(&record), 0, sizeof(record));
    for (uint64_t n = 0; n < kRecords;) {
      record.frame.stamp_index = n;
      if (ring.Push(record)) {
        ++n;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::array<Record, 7> some;
  uint64_t expected = 0;
  while (expected < kRecords) {
    const size_t count = ring.Pop(some);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(some[i].frame.stamp_index, expected++);
    if (count == 0) std::this_thread::yield();
  }
  writer.join();
}

TEST(Predictions, AreNeverTorn) {
  Predictions predictions;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int n = 1; n <= 50000; ++n) {
      const double value = n;
      predictions.Set(7, {.valid = true, .x = value, .y = 2 * value, .radius = 3 * value});
    }
    done.store(true);
  });
  while (!done.load()) {
    const pixels::Prediction got = predictions.Get(7);
    if (!got.valid) continue;
    ASSERT_EQ(got.y, 2 * got.x);
    ASSERT_EQ(got.radius, 3 * got.x);
  }
  writer.join();
  EXPECT_EQ(predictions.Get(7).x, 50000);
  predictions.Set(7, {});
  EXPECT_FALSE(predictions.Get(7).valid);
  predictions.Set(255, {.valid = true});
  EXPECT_FALSE(predictions.Get(255).valid);
}

}  // namespace
}  // namespace summit::daq
