// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_assembler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "addons/daq/testing/test_host.h"
#include "addons/daq/testing/wire_source.h"

namespace summit::daq {
namespace {

using testing::Datagram;
using testing::TestHost;
using testing::WireSource;

constexpr uint64_t kMs = 1000000;
constexpr uint64_t kLinkTimeoutNs = 750 * kMs;
constexpr uint8_t kSensor = 3;

// An assembler with a clock of its own; delivered frames are kept, their slots given back.
class WireAssemblerTest : public ::testing::Test {
 protected:
  void Give(const Datagram& datagram) {
    assembler_.OnDatagram(datagram, now_);
    Collect();
  }
  void Give(const std::vector<Datagram>& datagrams) {
    for (const Datagram& datagram : datagrams) Give(datagram);
  }
  void Idle(uint64_t ms) {
    now_ += ms * kMs;
    assembler_.OnIdle(now_);
    Collect();
  }
  void Collect() {
    SummitFrame frame;
    while (assembler_.Pop(&frame)) {
      if (frame.event_type == SUMMIT_EVENT_STAMP && frame.token != 0) {
        pixels_.emplace_back(static_cast<const uint8_t*>(frame.data), static_cast<const uint8_t*>(frame.data) + frame.bytes);
        if (!keep_slots_) host_.pool().Release(frame.token);
      } else if (frame.event_type != SUMMIT_EVENT_STAMP) {
        texts_.emplace_back(static_cast<const char*>(frame.data), frame.data == nullptr ? 0 : frame.bytes);
      }
      assembler_.Release(frame);
      (frame.event_type == SUMMIT_EVENT_STAMP ? stamps_ : events_).push_back(frame);
    }
  }
  const WireCounters& counters() const { return assembler_.counters(); }
  void TearDown() override {
    assembler_.Abandon();
    if (!keep_slots_) {
      EXPECT_EQ(host_.pool().in_use(), 0u);
    }
    EXPECT_EQ(host_.pool().stale_releases(), 0u);
  }

  TestHost host_;
  uint64_t now_ = 1000 * kMs;
  WireAssembler assembler_{host_.host(), kLinkTimeoutNs, now_};
  WireSource source_;
  bool keep_slots_ = false;
  std::vector<SummitFrame> stamps_;
  std::vector<SummitFrame> events_;
  std::vector<std::vector<uint8_t>> pixels_;
  std::vector<std::string> texts_;
};

TEST_F(WireAssemblerTest, PutsFragmentsTogetherInAnyOrder) {
  for (uint64_t stamp = 0; stamp < 4; ++stamp) {
    std::vector<Datagram> parts = source_.Stamp(kSensor, stamp);
    ASSERT_EQ(parts.size(), 4u);
    std::rotate(parts.begin(), parts.begin() + static_cast<long>(stamp), parts.end());
    now_ += kMs;
    const uint64_t first = now_;
    for (const Datagram& part : parts) {
      Give(part);
      now_ += kMs;
    }
    ASSERT_EQ(stamps_.size(), stamp + 1);
    EXPECT_EQ(stamps_.back().t_first_ns, first);
    EXPECT_EQ(stamps_.back().t_last_ns, first + 3 * kMs);
    EXPECT_EQ(stamps_.back().bytes, 2000u);
    EXPECT_EQ(stamps_.back().missing, 0u);
    EXPECT_EQ(pixels_.back(), source_.Pixels(stamp));
  }
  EXPECT_EQ(counters().packets_lost.Get(), 0u);
  EXPECT_EQ(counters().duplicate_packets.Get(), 0u);
}

TEST_F(WireAssemblerTest, ClosesAnIncompleteFrameAtTheNextStamp) {
  std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  parts.erase(parts.begin() + 1);
  Give(parts);
  EXPECT_TRUE(stamps_.empty());
  Give(source_.Stamp(kSensor, 1));
  ASSERT_EQ(stamps_.size(), 2u);
  EXPECT_EQ(stamps_[0].flags, static_cast<uint32_t>(SUMMIT_FRAME_INCOMPLETE));
  EXPECT_EQ(stamps_[0].missing, 600u);
  EXPECT_EQ(stamps_[0].token, 0u);
  EXPECT_EQ(stamps_[0].data, nullptr);
  EXPECT_EQ(stamps_[1].flags, 0u);
  EXPECT_EQ(counters().packets_lost.Get(), 1u);
}

TEST_F(WireAssemblerTest, ClosesAnIncompleteFrameAfterHalfAPeriod) {
  std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  parts.pop_back();
  Give(parts);
  Idle(74);
  EXPECT_TRUE(stamps_.empty()) << "unmeasured period: 50 ms integration + 100 ms";
  Idle(2);
  ASSERT_EQ(stamps_.size(), 1u);
  EXPECT_EQ(stamps_[0].flags, static_cast<uint32_t>(SUMMIT_FRAME_INCOMPLETE | SUMMIT_FRAME_LATE));

  now_ += 524 * kMs;  // 600 ms from stamp to stamp
  Give(source_.Stamp(kSensor, 1));
  now_ += 600 * kMs;
  parts = source_.Stamp(kSensor, 2);
  parts.pop_back();
  Give(parts);
  Idle(299);
  EXPECT_EQ(stamps_.size(), 2u);
  Idle(2);
  EXPECT_EQ(stamps_.size(), 3u);
}

TEST_F(WireAssemblerTest, OtherSensorsDoNotCloseAFrame) {
  std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  const Datagram last = parts.back();
  parts.pop_back();
  Give(parts);
  Give(source_.Stamp(kSensor + 1, 1));
  Give(last);
  ASSERT_EQ(stamps_.size(), 2u);
  EXPECT_EQ(stamps_[0].location, kSensor + 1);
  EXPECT_EQ(stamps_[1].location, kSensor);
  EXPECT_EQ(stamps_[1].flags, 0u);
}

TEST_F(WireAssemblerTest, FragmentsOfAClosedFrameAreLatePackets) {
  std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  const Datagram last = parts.back();
  parts.pop_back();
  Give(parts);
  Give(source_.Stamp(kSensor, 1));
  Give(last);
  Give(parts);
  EXPECT_EQ(stamps_.size(), 2u);
  EXPECT_EQ(counters().late_packets.Get(), 4u);
}

TEST_F(WireAssemblerTest, ARepeatedPacketIsNoRepeatedStamp) {
  for (const Datagram& part : source_.Stamp(kSensor, 0)) {
    Give(part);
    Give(part);
  }
  EXPECT_EQ(stamps_.size(), 1u);
  EXPECT_EQ(counters().duplicate_packets.Get(), 4u);
}

TEST_F(WireAssemblerTest, AWholeStampThatComesAgainIsOneDuplicate) {
  const std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  Give(parts);
  Give(parts);
  ASSERT_EQ(stamps_.size(), 2u);
  EXPECT_NE(stamps_[1].flags & SUMMIT_FRAME_DUPLICATE, 0u);
  EXPECT_EQ(stamps_[1].token, 0u);
  Give(source_.Stamp(kSensor, 1));
  Give(parts);
  EXPECT_EQ(stamps_.size(), 4u);
  EXPECT_NE(stamps_[3].flags & SUMMIT_FRAME_DUPLICATE, 0u);
}

TEST_F(WireAssemblerTest, AnOlderStampNeverSeenIsDelivered) {
  Give(source_.Stamp(kSensor, 0));
  const std::vector<Datagram> late = source_.Stamp(kSensor, 1);
  Give(source_.Stamp(kSensor, 2));
  Give(late);
  ASSERT_EQ(stamps_.size(), 3u);
  EXPECT_EQ(stamps_[2].stamp, 1);
  EXPECT_NE(stamps_[2].token, 0u);
  EXPECT_EQ(counters().packets_lost.Get(), 0u);
}

TEST_F(WireAssemblerTest, AnOlderStampMayInterleaveWithANewerOne) {
  Give(source_.Stamp(kSensor, 0));
  const std::vector<Datagram> older = source_.Stamp(kSensor, 1);
  const std::vector<Datagram> newer = source_.Stamp(kSensor, 2);
  for (size_t i = 0; i < older.size(); ++i) {
    Give(newer[i]);
    Give(older[i]);
  }
  ASSERT_EQ(stamps_.size(), 3u);
  EXPECT_EQ(pixels_[1], source_.Pixels(2));
  EXPECT_EQ(pixels_[2], source_.Pixels(1));
}

TEST_F(WireAssemblerTest, WithoutAFreeSlotTheFrameIsDroppedOnce) {
  keep_slots_ = true;
  std::vector<Datagram> last;
  for (uint64_t stamp = 0; stamp < 9; ++stamp) Give(last = source_.Stamp(kSensor, stamp));
  ASSERT_EQ(stamps_.size(), 9u);
  EXPECT_NE(stamps_[7].token, 0u);
  EXPECT_EQ(stamps_[8].token, 0u);
  EXPECT_EQ(stamps_[8].flags, 0u);
  Give(last);
  ASSERT_EQ(stamps_.size(), 10u);
  EXPECT_NE(stamps_[9].flags & SUMMIT_FRAME_DUPLICATE, 0u);
}

TEST_F(WireAssemblerTest, GeometryThatContradictsItselfIsOneBadFrame) {
  WireHeader header = source_.StampHeader(kSensor, 0);
  const std::vector<uint8_t> pixels = source_.Pixels(0);
  header.cols = 24;
  Give(source_.Message(header, pixels));
  ASSERT_EQ(stamps_.size(), 1u);
  EXPECT_NE(stamps_[0].flags & SUMMIT_FRAME_LEN, 0u);
  Give(source_.Message(header, pixels));
  EXPECT_EQ(stamps_.size(), 2u) << "another bad frame";
  header = source_.StampHeader(kSensor, 1);
  header.pixel_type = 77;
  Give(source_.Message(header, pixels));
  EXPECT_EQ(stamps_.size(), 3u);
}

TEST_F(WireAssemblerTest, AFrameLargerThanASlotIsBad) {
  source_.rows = 400;
  source_.cols = 400;
  source_.fragment = 8900;
  Give(source_.Stamp(kSensor, 0));
  ASSERT_EQ(stamps_.size(), 1u);
  EXPECT_NE(stamps_[0].flags & SUMMIT_FRAME_MAX, 0u);
}

TEST_F(WireAssemblerTest, AnotherWindowThanStartAnnouncedIsBad) {
  Give(source_.Start(kSensor));
  Give(source_.Stamp(kSensor, 0));
  std::swap(source_.rows, source_.cols);
  Give(source_.Stamp(kSensor, 1));
  std::swap(source_.rows, source_.cols);
  Give(source_.Stamp(kSensor, 2));
  ASSERT_EQ(stamps_.size(), 3u);
  EXPECT_EQ(stamps_[0].flags, 0u);
  EXPECT_NE(stamps_[1].flags & SUMMIT_FRAME_LEN, 0u);
  EXPECT_EQ(stamps_[2].flags, 0u);
}

TEST_F(WireAssemblerTest, APayloadThatFailsItsChecksumIsMissing) {
  std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  parts[2][100] ^= 1;
  Give(parts);
  EXPECT_EQ(counters().bad_payload.Get(), 1u);
  Give(source_.Stamp(kSensor, 1));
  ASSERT_EQ(stamps_.size(), 2u);
  EXPECT_NE(stamps_[0].flags & SUMMIT_FRAME_INCOMPLETE, 0u);
  EXPECT_NE(stamps_[0].flags & SUMMIT_FRAME_CRC, 0u);
  EXPECT_EQ(stamps_[0].missing, 600u);
}

TEST_F(WireAssemblerTest, ACutDatagramIsMissingAndTold) {
  std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  parts[3].resize(parts[3].size() - 50);
  Give(parts);
  Idle(200);
  ASSERT_EQ(stamps_.size(), 1u);
  EXPECT_NE(stamps_[0].flags & SUMMIT_FRAME_TRUNCATED, 0u);
  EXPECT_EQ(counters().bad_payload.Get(), 1u);
}

TEST_F(WireAssemblerTest, AHeaderThatCannotBeTrustedIsTheLinksMatter) {
  Datagram damaged = source_.Stamp(kSensor, 0)[0];
  damaged[16] ^= 1;
  Datagram future = source_.Stamp(kSensor, 0)[0];
  future[4] = 2;
  Give(damaged);
  Give(future);
  Give(Datagram{1, 2, 3});
  Give(Datagram(9000, 0x55));
  EXPECT_EQ(counters().bad_header.Get(), 1u);
  EXPECT_EQ(counters().bad_version.Get(), 1u);
  EXPECT_EQ(counters().bad_magic.Get(), 2u);
  EXPECT_EQ(counters().packets.Get(), 4u);
  EXPECT_TRUE(stamps_.empty());
  EXPECT_TRUE(events_.empty()) << "garbage is no sign of life";
}

TEST_F(WireAssemblerTest, UnknownEventsPassThroughAndLinkEventsOfTheWireDoNot) {
  Give(source_.Message(source_.Header(42, kSensor), {}));
  Give(source_.Message(source_.Header(SUMMIT_EVENT_LINK_DOWN, kSensor), {}));
  Give(source_.Message(source_.Header(SUMMIT_EVENT_STAMP, 230), {}));
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(events_[0].event_type, SUMMIT_EVENT_LINK_UP);
  EXPECT_EQ(events_[1].event_type, 42);
  EXPECT_EQ(counters().unknown_event.Get(), 2u);
  EXPECT_EQ(counters().unknown_sensor.Get(), 1u);
}

TEST_F(WireAssemblerTest, PauseClosesWhatIsOpenBeforeIt) {
  Give(source_.Start(kSensor));
  std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  parts.pop_back();
  Give(parts);
  const Datagram pause = source_.Pause(kSensor, 1);
  Give(pause);
  ASSERT_EQ(stamps_.size(), 1u);
  EXPECT_EQ(events_.back().event_type, SUMMIT_EVENT_PAUSE);
  EXPECT_EQ(events_.back().stamps_sent, 1u);

  Give(source_.Resume(kSensor, "MC_O_20261124_000001"));
  EXPECT_EQ(texts_.back(), "MC_O_20261124_000001");
  parts = source_.Stamp(kSensor, 1);
  Give(parts[0]);
  Give(pause);
  EXPECT_EQ(stamps_.size(), 1u) << "a copy of PAUSE does not close a later stamp";
  parts.erase(parts.begin());
  Give(parts);
  EXPECT_EQ(stamps_.size(), 2u);
}

TEST_F(WireAssemblerTest, StatusOfAPausedSensorClosesWhatIsOpen) {
  std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  parts.pop_back();
  Give(parts);
  Give(source_.Status({{kSensor, SUMMIT_STATE_RUNNING, 1, 1}}, SUMMIT_STATE_RUNNING));
  EXPECT_TRUE(stamps_.empty());
  Give(source_.Status({{kSensor, SUMMIT_STATE_PAUSED, 1, 1}}, SUMMIT_STATE_PAUSED));
  EXPECT_EQ(stamps_.size(), 1u);
}

TEST_F(WireAssemblerTest, ANewSeriesClosesTheOldOne) {
  std::vector<Datagram> parts = source_.Stamp(kSensor, 9);
  const Datagram last = parts.back();
  parts.pop_back();
  Give(parts);
  source_.sequence = 2;
  Give(source_.Stamp(kSensor, 0));
  Give(last);
  ASSERT_EQ(stamps_.size(), 2u);
  EXPECT_NE(stamps_[0].flags & SUMMIT_FRAME_INCOMPLETE, 0u);
  EXPECT_EQ(stamps_[1].sequence, 2);
  EXPECT_EQ(counters().late_packets.Get(), 1u);
}

TEST_F(WireAssemblerTest, ARestartedSourceClosesEverything) {
  std::vector<Datagram> parts = source_.Stamp(kSensor, 9);
  parts.pop_back();
  Give(parts);
  WireSource again;
  again.session = 555;
  Give(again.Start(kSensor));
  Give(again.Stamp(kSensor, 0));
  ASSERT_EQ(stamps_.size(), 2u);
  EXPECT_NE(stamps_[0].flags & SUMMIT_FRAME_INCOMPLETE, 0u);
  EXPECT_EQ(stamps_[1].session, 555u);
  EXPECT_EQ(counters().source_restarts.Get(), 1u);
}

TEST_F(WireAssemblerTest, StampNumbersMayWrap) {
  for (uint64_t stamp = 65533; stamp < 65540; ++stamp) Give(source_.Stamp(kSensor, stamp));
  ASSERT_EQ(stamps_.size(), 7u);
  for (const SummitFrame& frame : stamps_) EXPECT_EQ(frame.flags, 0u);
}

TEST_F(WireAssemblerTest, SilenceIsToldOnceAndSoIsItsEnd) {
  Give(source_.Status({}, SUMMIT_STATE_IDLECLEARING));
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(events_[0].event_type, SUMMIT_EVENT_LINK_UP);
  Idle(749);
  EXPECT_EQ(events_.size(), 2u);
  EXPECT_EQ(assembler_.NextDeadline(), now_ + kMs);
  Idle(1);
  ASSERT_EQ(events_.size(), 3u);
  EXPECT_EQ(events_[2].event_type, SUMMIT_EVENT_LINK_DOWN);
  Idle(1000);
  EXPECT_EQ(events_.size(), 3u);
  Give(source_.Status({}, SUMMIT_STATE_IDLECLEARING));
  ASSERT_EQ(events_.size(), 5u);
  EXPECT_EQ(events_[3].event_type, SUMMIT_EVENT_LINK_UP);
  EXPECT_NE(texts_[3].find("1.750 s"), std::string::npos) << texts_[3];
}

}  // namespace
}  // namespace summit::daq
