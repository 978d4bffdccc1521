// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/sensor_account.h"

#include <gtest/gtest.h>

namespace summit::daq {
namespace {

// One sensor's book, fed by hand.
class SensorAccountTest : public ::testing::Test {
 protected:
  SummitFrame Frame(uint8_t type, uint64_t time) {
    SummitFrame frame{};
    frame.struct_size = sizeof(frame);
    frame.event_type = type;
    frame.location = 3;
    frame.sequence = sequence_;
    frame.t_src_tai_ns = time;
    frame.stamps_sent = UINT64_MAX;
    frame.flags = flags_;
    return frame;
  }

  SummitFrame StampFrame(uint64_t number) {
    SummitFrame frame = Frame(SUMMIT_EVENT_STAMP, 1000000 + 1000 * number);
    frame.stamp = static_cast<uint16_t>(number);
    frame.token = 1;
    frame.rows = 10;
    frame.cols = 10;
    return frame;
  }

  SummitFrame Stamp(uint64_t number, Verdict expected = Verdict::kComplete, uint32_t flags = 0, uint64_t token = 1) {
    SummitFrame frame = StampFrame(number);
    frame.flags |= flags;
    frame.token = token;
    EXPECT_EQ(account_.OnStamp(&frame, &clock_), expected) << "stamp " << number;
    ++given_;
    return frame;
  }

  bool Start(uint64_t time = 1) {
    SummitFrame frame = Frame(SUMMIT_EVENT_START, time);
    SummitSeriesMetadata series{};
    series.common.nrows = 10;
    series.common.ncols = 10;
    frame.data = &series;
    frame.bytes = sizeof(series);
    return account_.OnEvent(&frame, &clock_);
  }

  // Returns the frame's gap; -1 for a copy.
  int64_t Close(uint8_t type, uint64_t sent, uint64_t time) {
    SummitFrame frame = Frame(type, time);
    frame.stamps_sent = sent;
    return account_.OnEvent(&frame, &clock_) ? int64_t{frame.gap} : -1;
  }
  int64_t Pause(uint64_t sent, uint64_t time = 5000000) { return Close(SUMMIT_EVENT_PAUSE, sent, time); }
  int64_t Stop(uint64_t sent, uint64_t time = 6000000) { return Close(SUMMIT_EVENT_STOP, sent, time); }
  void Status(uint64_t sent, bool settled) {
    account_.OnStatus(sequence_, sent, settled, (flags_ & SUMMIT_FRAME_ONE_BASED) != 0, &clock_);
  }

  uint64_t Lost() const { return account_.counters().lost.Get(); }
  uint64_t Sent() const {
    const SensorCounters& c = account_.counters();
    return c.complete.Get() + c.incomplete.Get() + c.dropped.Get() + c.lost.Get();
  }
  void TearDown() override {
    const SensorCounters& c = account_.counters();
    EXPECT_EQ(c.seen.Get(), given_);
    EXPECT_EQ(c.seen.Get(), c.complete.Get() + c.incomplete.Get() + c.bad.Get() + c.duplicate.Get() + c.dropped.Get());
  }

  uint16_t sequence_ = 7;
  uint32_t flags_ = 0;
  SeriesClock clock_;
  SensorAccount account_;
  uint64_t given_ = 0;
};

TEST_F(SensorAccountTest, CountsAPlainSeries) {
  EXPECT_TRUE(Start());
  EXPECT_EQ(Stamp(0).flags & SUMMIT_FRAME_FIRST, SUMMIT_FRAME_FIRST);
  for (uint64_t n = 1; n < 10; ++n) EXPECT_EQ(Stamp(n).flags, 0u);
  EXPECT_EQ(Pause(10), 0);
  EXPECT_EQ(Stop(10), 0);
  EXPECT_EQ(Sent(), 10u);
  EXPECT_EQ(Lost(), 0u);
}

TEST_F(SensorAccountTest, ASeriesWhoseEndNobodyToldIsCountedWithWhatIsKnownOfIt) {
  Start();
  Stamp(0);
  Status(4, false);
  sequence_ = 8;
  EXPECT_TRUE(Start(9000000));
  EXPECT_EQ(account_.counters().unsettled.Get(), 1u);
  EXPECT_EQ(Lost(), 3u) << "the source had spoken of four";
  EXPECT_EQ(account_.counters().err_miss_end.Get(), 3u);
  Stamp(0);
  EXPECT_EQ(Stop(1, 9900000), 0);
  sequence_ = 9;
  EXPECT_TRUE(Start(10000000));
  EXPECT_EQ(account_.counters().unsettled.Get(), 1u) << "STOP told";
  EXPECT_EQ(Pause(0, 10100000), 0);
  Stamp(0);
  sequence_ = 10;
  EXPECT_TRUE(Start(11000000));
  EXPECT_EQ(account_.counters().unsettled.Get(), 2u) << "stamps came after PAUSE";
  Status(0, true);
  account_.Restart();
  EXPECT_EQ(account_.counters().unsettled.Get(), 2u) << "an idle source had told";
  EXPECT_EQ(Sent(), 6u);
}

TEST_F(SensorAccountTest, NumbersAGapInTheNextStamp) {
  Start();
  Stamp(0);
  const SummitFrame next = Stamp(4);
  EXPECT_EQ(next.gap, 3u);
  EXPECT_NE(next.flags & SUMMIT_FRAME_GAP_BEFORE, 0u);
  EXPECT_EQ(Lost(), 3u);
}

TEST_F(SensorAccountTest, CountsLossesBeforeTheFirstStampWhenStartWasSeen) {
  Start();
  EXPECT_EQ(Stamp(2).gap, 2u);
  EXPECT_EQ(account_.counters().err_miss_beg.Get(), 2u);
  EXPECT_EQ(Sent(), 3u);
}

TEST_F(SensorAccountTest, CountsFromTheStartThatAnotherSensorHad) {
  Start();
  SensorAccount other;
  SummitFrame frame = StampFrame(12);
  EXPECT_EQ(other.OnStamp(&frame, &clock_), Verdict::kComplete);
  EXPECT_EQ(frame.gap, 12u);
  EXPECT_EQ(other.counters().lost.Get(), 12u);
}

TEST_F(SensorAccountTest, CountsFromOneWhenTheSourceDoes) {
  flags_ = SUMMIT_FRAME_ONE_BASED;
  Start();
  EXPECT_EQ(Stamp(1).gap, 0u);
  EXPECT_EQ(Stamp(3).gap, 1u);
  EXPECT_EQ(Pause(4), 1);
  EXPECT_EQ(Sent(), 4u);
}

TEST_F(SensorAccountTest, StartsAtTheFirstStampSeenWhenItJoinsLate) {
  EXPECT_EQ(Stamp(500).gap, 0u);
  Stamp(502);
  EXPECT_EQ(Lost(), 1u);
  EXPECT_EQ(Pause(504), 1) << "503 is missing at the tail";
  EXPECT_EQ(Sent(), 4u);
}

TEST_F(SensorAccountTest, AnEarlierStampOfALateJoinerExtendsTheBook) {
  Stamp(500);
  Stamp(497);
  EXPECT_EQ(Lost(), 2u);
  Stamp(498);
  EXPECT_EQ(Lost(), 1u);
  EXPECT_EQ(Sent(), 4u);
}

TEST_F(SensorAccountTest, AReorderedStampFillsItsGap) {
  Start();
  Stamp(0);
  Stamp(3);
  EXPECT_EQ(Lost(), 2u);
  EXPECT_NE(Stamp(1).flags & SUMMIT_FRAME_REORDERED, 0u);
  EXPECT_EQ(Lost(), 1u);
  EXPECT_EQ(account_.counters().reordered.Get(), 1u);
  Stamp(2);
  EXPECT_EQ(Lost(), 0u);
  Stamp(2, Verdict::kDuplicate);
  EXPECT_EQ(Sent(), 4u);
}

TEST_F(SensorAccountTest, CountsCopiesOncePerCopy) {
  Start();
  Stamp(0);
  EXPECT_NE(Stamp(0, Verdict::kDuplicate).flags & SUMMIT_FRAME_DUPLICATE, 0u);
  Stamp(0, Verdict::kDuplicate);
  Stamp(1);
  Stamp(1, Verdict::kDuplicate, SUMMIT_FRAME_DUPLICATE);
  EXPECT_EQ(account_.counters().duplicate.Get(), 3u);
  EXPECT_EQ(Sent(), 2u);
}

TEST_F(SensorAccountTest, IncompleteAndDroppedStampsAreNotLost) {
  Start();
  Stamp(0, Verdict::kIncomplete, SUMMIT_FRAME_INCOMPLETE, 0);
  Stamp(1, Verdict::kDropped, 0, 0);
  EXPECT_EQ(Stamp(2).gap, 0u);
  EXPECT_EQ(Pause(3), 0);
  EXPECT_EQ(account_.counters().err_xfer.Get(), 1u);
  EXPECT_EQ(Sent(), 3u);
}

TEST_F(SensorAccountTest, TheStampOfABadFrameShowsUpAsLost) {
  Start();
  Stamp(0);
  Stamp(1, Verdict::kBad, SUMMIT_FRAME_LEN);
  EXPECT_EQ(Stamp(2).gap, 1u);
  EXPECT_EQ(account_.counters().err_size.Get(), 1u);
  EXPECT_EQ(Sent(), 3u);
}

TEST_F(SensorAccountTest, AGeometryThatStartDidNotPromiseIsBad) {
  Start();
  SummitFrame frame = StampFrame(0);
  frame.cols = 11;
  EXPECT_EQ(account_.OnStamp(&frame, &clock_), Verdict::kBad);
  ++given_;
  Stamp(1);
}

TEST_F(SensorAccountTest, CountsTheTailOfASeriesOnPause) {
  Start();
  Stamp(0);
  EXPECT_EQ(Pause(3), 2);
  EXPECT_EQ(account_.counters().err_miss_end.Get(), 2u);
  EXPECT_EQ(Stamp(3).gap, 0u) << "already told with the pause";
  EXPECT_EQ(Stop(4), 0);
  EXPECT_EQ(Sent(), 4u);
}

TEST_F(SensorAccountTest, AStampThatComesAfterItsPauseFillsItsGap) {
  Start();
  Stamp(0);
  EXPECT_EQ(Pause(2), 1);
  EXPECT_NE(Stamp(1).flags & SUMMIT_FRAME_REORDERED, 0u);
  EXPECT_EQ(Lost(), 0u);
}

TEST_F(SensorAccountTest, ASeriesThatIsLostAsAWholeCounts) {
  Start();
  EXPECT_EQ(Stop(20), 20);
  EXPECT_EQ(Sent(), 20u);
}

TEST_F(SensorAccountTest, CopiesOfLifecycleEventsChangeNothing) {
  EXPECT_TRUE(Start());
  EXPECT_FALSE(Start());
  Stamp(0);
  EXPECT_EQ(Pause(2), 1);
  EXPECT_EQ(Pause(2), -1);
  Stamp(2);
  EXPECT_EQ(Pause(2), -1) << "a copy from before the stamps went on";
  EXPECT_FALSE(Start());
  EXPECT_EQ(Lost(), 1u);
}

TEST_F(SensorAccountTest, StatusReconcilesWhenPauseWasLost) {
  Start();
  Stamp(0);
  Status(3, false);
  EXPECT_EQ(Lost(), 0u) << "it is running: stamps may be under way";
  Status(3, true);
  EXPECT_EQ(Lost(), 2u);
  Status(3, true);
  EXPECT_EQ(Lost(), 2u);
}

TEST_F(SensorAccountTest, ALostStartDoesNotHideTheLossesAfterIt) {
  Start();
  Stamp(0);
  EXPECT_EQ(Stop(1), 0);
  sequence_ = 8;
  const SummitFrame stamp = Stamp(2);
  EXPECT_EQ(stamp.series, 8u);
  EXPECT_EQ(stamp.gap, 2u);
  EXPECT_EQ(Sent(), 4u);
}

TEST_F(SensorAccountTest, StartAfterItsFirstStampsCountsWhatLiesBefore) {
  Stamp(2);
  EXPECT_TRUE(Start());
  EXPECT_EQ(Lost(), 2u);
  EXPECT_NE(Stamp(1).flags & SUMMIT_FRAME_REORDERED, 0u);
  EXPECT_EQ(Sent(), 3u);
}

TEST_F(SensorAccountTest, AStampOfASeriesThatIsOverIsBad) {
  Start();
  sequence_ = 8;
  Start(2);
  sequence_ = 7;
  Stamp(5, Verdict::kBad);
  sequence_ = 8;
  EXPECT_EQ(Stamp(0).gap, 0u);
}

TEST_F(SensorAccountTest, UnwrapsStampAndSequence) {
  sequence_ = 65535;
  Start();
  const uint64_t first = account_.series();
  for (uint64_t n = 0; n < 70000; ++n) {
    SummitFrame frame = StampFrame(n);
    ASSERT_EQ(account_.OnStamp(&frame, &clock_), Verdict::kComplete);
    ASSERT_EQ(frame.stamp_index, n);
    ++given_;
  }
  EXPECT_EQ(Stop(70000), 0);
  sequence_ = 0;
  Start(2);
  EXPECT_EQ(account_.series(), first + 1);
  EXPECT_EQ(Lost(), 0u);
}

TEST_F(SensorAccountTest, ALateJoinerLearnsFromStatusHowOftenTheStampHadWrapped) {
  Stamp(65536 + 100);
  Status(65536 + 101, false);
  EXPECT_EQ(Stamp(65536 + 101).stamp_index, 65536u + 101u);
  EXPECT_EQ(Pause(65536 + 103), 1);
  EXPECT_EQ(Sent(), 3u);
}

TEST_F(SensorAccountTest, AfterALongSilenceStatusSaysWhereTheStampIs) {
  Start();
  Stamp(0);
  Status(200001, false);
  EXPECT_EQ(Stamp(200001).stamp_index, 200001u);
  EXPECT_EQ(Lost(), 200000u);
}

TEST_F(SensorAccountTest, TellsSuspectTimes) {
  Start();
  EXPECT_EQ(Stamp(0).flags & SUMMIT_FRAME_TIME_SUSPECT, 0u);
  SummitFrame frame = StampFrame(1);
  frame.t_src_tai_ns = 0;
  account_.OnStamp(&frame, &clock_);
  EXPECT_NE(frame.flags & SUMMIT_FRAME_TIME_SUSPECT, 0u);
  frame = StampFrame(2);
  frame.t_src_tai_ns = 5;
  account_.OnStamp(&frame, &clock_);
  EXPECT_NE(frame.flags & SUMMIT_FRAME_TIME_SUSPECT, 0u);
  given_ += 2;
}

TEST_F(SensorAccountTest, ARestartedSourceBeginsANewSeriesThatNeverRepeatsANumber) {
  EXPECT_FALSE(clock_.OnSession(11));
  Start();
  Stamp(0);
  const uint64_t before = account_.series();
  EXPECT_TRUE(clock_.OnSession(12));
  account_.Restart();
  Start(1);
  Stamp(0);
  EXPECT_GT(account_.series(), before);
  EXPECT_EQ(Sent(), 2u);
}

TEST_F(SensorAccountTest, ASourceThatCountsItsSeriesAnewIsFollowed) {
  Start(10);
  Stamp(0);
  sequence_ = 1;
  EXPECT_TRUE(Start(20));
  EXPECT_EQ(Stamp(0).gap, 0u);
  EXPECT_FALSE(Start(20));
  EXPECT_EQ(Sent(), 2u);
}

TEST_F(SensorAccountTest, ASeriesAfterAnIdleSourceIsWatchedFromItsBeginning) {
  clock_.SawIdle();
  EXPECT_EQ(Stamp(3).gap, 3u);
}

}  // namespace
}  // namespace summit::daq
