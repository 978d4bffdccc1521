// SPDX-License-Identifier: Apache-2.0
// The whole link over loopback: real datagrams in, records out, threads and slots accounted for.
#include "addons/daq/link.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>

#include "addons/daq/testing/link_rig.h"
#include "addons/daq/testing/udp_sender.h"
#include "addons/daq/testing/wire_source.h"

#if !defined(SUMMIT_SANITIZED)
// Counts every allocation of the process, for the one test that asks for none.
namespace {
std::atomic<uint64_t> allocations{0};
}
void* operator new(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace summit::daq {
namespace {

using testing::Datagram;
using testing::LinkRig;
using testing::UdpSender;
using testing::WireSource;

constexpr uint8_t kSensor = 3;

std::string Settings(const std::string& options = "", const std::string& more = "") {
  return R"({"driver":"wire","slots":8,"slotBytes":4096,"hugePages":false,"options":{"address":"127.0.0.1","port":0)" + options +
         R"(},"sensors":[{"location":3,"badSegments":[5]}])" + more + "}";
}

// The port that the link chose, as it says in its log.
uint16_t PortOf(LinkRig* rig) {
  for (const LogLine& line : rig->link().TakeLog()) {
    const size_t at = line.text.find("stamps on UDP 127.0.0.1:");
    if (at != std::string::npos) return static_cast<uint16_t>(std::atoi(line.text.c_str() + at + 24));
  }
  return 0;
}

class LinkTest : public ::testing::Test {
 protected:
  void Begin(const std::string& settings) {
    rig_ = std::make_unique<LinkRig>(settings);
    ASSERT_EQ(rig_->Start(), SUMMIT_OK) << rig_->message();
    sender_ = std::make_unique<UdpSender>(PortOf(rig_.get()));
  }
  void Send(const Datagram& datagram) { ASSERT_TRUE(sender_->Send(datagram)); }
  void SendStamp(uint64_t number) {
    for (const Datagram& datagram : source_.Stamp(kSensor, number)) Send(datagram);
  }
  // Until the link has taken what is in the socket, or 10 s.
  void WaitForQuiet() {
    const uint64_t deadline = MonotonicNs() + 10000000000u;
    uint64_t before = UINT64_MAX;
    for (uint64_t now = 0; now != before && MonotonicNs() < deadline;) {
      before = now;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      now = rig_->link().Snapshot().link.packets;
    }
  }
  // The link has taken as many stamps, so that a burst is never more than the socket holds.
  void AwaitSeen(uint64_t count) {
    const uint64_t deadline = MonotonicNs() + 10000000000u;
    while (counters().seen.Get() < count && MonotonicNs() < deadline) std::this_thread::yield();
  }
  bool Stamps(size_t count) {
    return rig_->Until([&] { return rig_->Count(SUMMIT_EVENT_STAMP) == count; });
  }
  const SensorCounters& counters() { return rig_->link().worker().counters(0); }

  WireSource source_;
  std::unique_ptr<LinkRig> rig_;
  std::unique_ptr<UdpSender> sender_;
};

TEST_F(LinkTest, MeasuresAndOrdersASeries) {
  Begin(Settings());
  Send(source_.Start(kSensor));
  Send(source_.Resume(kSensor, "MC_O_20261124_000001"));
  for (uint64_t n = 0; n < 20; ++n) SendStamp(n);
  Send(source_.Pause(kSensor, 20));
  ASSERT_TRUE(rig_->Until([&] { return rig_->Count(SUMMIT_EVENT_PAUSE) == 1; }));
  ASSERT_EQ(rig_->records().size(), 24u);  // LINK_UP, START, RESUME, 20 stamps, PAUSE
  EXPECT_EQ(rig_->records()[1].series.common.nrows, 20);
  EXPECT_STREQ(rig_->records()[2].text, "MC_O_20261124_000001");
  for (uint64_t n = 0; n < 20; ++n) {
    const Record& record = rig_->records()[3 + n];
    EXPECT_EQ(record.frame.stamp_index, n);
    EXPECT_EQ(record.outcome, static_cast<uint8_t>(Outcome::kMeasured));
    EXPECT_EQ(record.frame.data, nullptr);
    EXPECT_EQ(record.frame.token, 0u);
    EXPECT_GE(record.t_measured_ns, record.frame.t_last_ns);
  }
  EXPECT_EQ(counters().complete.Get(), 20u);
  EXPECT_TRUE(rig_->link().Stop(1000));
  EXPECT_EQ(rig_->link().pool().in_use(), 0u);
}

TEST_F(LinkTest, AStampWithoutAnyLightIsRefusedButComplete) {
  Begin(Settings());
  const std::vector<uint8_t> nothing(2000, 0);
  WireHeader header = source_.StampHeader(kSensor, 0);
  header.segment = 5;
  for (const Datagram& datagram : source_.Message(header, nothing)) Send(datagram);
  ASSERT_TRUE(Stamps(1));
  const Record& record = rig_->records().back();
  EXPECT_EQ(record.outcome, static_cast<uint8_t>(Outcome::kRefused));
  EXPECT_NE(record.measurement.flags & pixels::kFault, 0u);
  EXPECT_NE(record.measurement.flags & pixels::kBadAmp, 0u);
  EXPECT_EQ(counters().complete.Get(), 1u);
  EXPECT_EQ(counters().refused.Get(), 1u);
}

TEST_F(LinkTest, ASensorThatRepeatsItsPixelsIsFrozenUntilItHasOthers) {
  Begin(Settings());
  const uint64_t pixels_of[] = {0, 1, 1, 1, 2, 1};
  for (uint64_t n = 0; n < 6; ++n) {
    for (const Datagram& part : source_.Message(source_.StampHeader(kSensor, n), source_.Pixels(pixels_of[n]))) Send(part);
  }
  ASSERT_TRUE(Stamps(6));
  std::string frozen;
  for (const Record& record : rig_->records()) {
    if (record.frame.event_type != SUMMIT_EVENT_STAMP) continue;
    frozen += (record.measurement.flags & pixels::kFrozen) != 0 ? 'f' : '.';
  }
  EXPECT_EQ(frozen, "..ff..");
}

TEST_F(LinkTest, AnIncompleteStampCarriesNoNumbers) {
  Begin(Settings());
  std::vector<Datagram> parts = source_.Stamp(kSensor, 0);
  parts.pop_back();
  for (const Datagram& part : parts) Send(part);
  SendStamp(1);
  ASSERT_TRUE(Stamps(2));
  const Record& record = rig_->records()[1];
  EXPECT_EQ(record.outcome, static_cast<uint8_t>(Outcome::kIncomplete));
  EXPECT_EQ(record.measurement.x, 0.0);
  EXPECT_EQ(record.frame.missing, 200u);
}

TEST_F(LinkTest, PixelsStayForWhoAskedUntilGivenBack) {
  Begin(Settings());
  rig_->link().Want(kSensor, true);
  for (uint64_t n = 0; n < 6; ++n) SendStamp(n);
  ASSERT_TRUE(Stamps(6));
  Leases& leases = rig_->link().leases();
  uint64_t given = 0;
  for (const Record& record : rig_->records()) {
    if (record.lease == 0) continue;
    ++given;
    ASSERT_EQ(leases.Bytes(record.lease), 2000u);
    const std::vector<uint8_t> pixels = source_.Pixels(record.frame.stamp_index);
    EXPECT_EQ(std::memcmp(leases.Pixels(record.lease), pixels.data(), pixels.size()), 0);
  }
  EXPECT_EQ(given, 4u) << "half of the slots";
  EXPECT_EQ(leases.refused(), 2u);
  for (const Record& record : rig_->records()) leases.Release(record.lease);
  EXPECT_EQ(rig_->link().pool().in_use(), 0u);
}

TEST_F(LinkTest, StampsOfOtherSensorsAreNotOurs) {
  Begin(Settings());
  for (const Datagram& datagram : source_.Stamp(99, 0)) Send(datagram);
  SendStamp(0);
  ASSERT_TRUE(Stamps(1));
  EXPECT_EQ(rig_->link().Snapshot().pool["unconfigured"], 1u);
}

TEST_F(LinkTest, TheHeartbeatAdvancesWithoutTraffic) {
  Begin(Settings());
  const uint64_t before = rig_->link().Snapshot().heartbeat;
  ASSERT_TRUE(rig_->Until([&] { return rig_->link().Snapshot().heartbeat > before + 2; }));
}

TEST_F(LinkTest, ASlowReaderGetsTheNewestAndEveryLossIsCounted) {
  Begin(Settings("", R"(,"ringRecords":16)"));
  for (uint64_t n = 0; n < 200; ++n) {
    SendStamp(n);
    // The reader is slow, not the network.
    if (n % 50 == 49) AwaitSeen(n + 1);
  }
  ASSERT_TRUE(rig_->Until([&] { return !rig_->records().empty() && rig_->records().back().frame.stamp_index == 199; }));
  uint64_t superseded = 0;
  for (const Record& record : rig_->records()) superseded += record.superseded;
  EXPECT_EQ(superseded, counters().superseded.Get());
  EXPECT_EQ(rig_->Count(SUMMIT_EVENT_STAMP) + superseded, 200u);
}

TEST_F(LinkTest, WhatHadArrivedBeforeTheStopIsDelivered) {
  Begin(Settings(R"(,"receiveBufferBytes":8388608)", R"(,"ringRecords":1024)"));
  Send(source_.Start(kSensor));
  Send(source_.Resume(kSensor, "MC_O_20261124_000001"));
  for (uint64_t n = 0; n < 100; ++n) SendStamp(n);
  Send(source_.Pause(kSensor, 100));
  EXPECT_TRUE(rig_->link().Stop(20000));
  rig_->Drain();
  EXPECT_EQ(counters().seen.Get(), 100u);
  EXPECT_EQ(rig_->Count(SUMMIT_EVENT_PAUSE), 1u);
}

TEST_F(LinkTest, StopsAtOnceUnderLoadWithAllSlotsBack) {
  Begin(Settings());
  std::atomic<bool> done{false};
  std::thread load([&] {
    for (uint64_t n = 0; !done.load(); ++n) {
      for (const Datagram& datagram : source_.Stamp(kSensor, n)) sender_->Send(datagram);
    }
  });
  ASSERT_TRUE(rig_->Until([&] { return rig_->Count(SUMMIT_EVENT_STAMP) > 50; }));
  const uint64_t before = MonotonicNs();
  EXPECT_TRUE(rig_->link().Stop(5000));
  EXPECT_LT(MonotonicNs() - before, 5000000000u);
  done.store(true);
  load.join();
  EXPECT_EQ(rig_->link().pool().in_use(), 0u);
  EXPECT_TRUE(rig_->link().Stop(5000)) << "again is nothing";
  std::string message;
  EXPECT_EQ(rig_->link().Start(&message), SUMMIT_ERR_STATE);
}

TEST_F(LinkTest, SurvivesAFloodOfGarbageAndGoesOnMeasuring) {
  Begin(Settings(R"(,"receiveBufferBytes":8388608)"));
  uint32_t state = 5;
  constexpr uint64_t kRounds = 300;
  for (uint64_t n = 0; n < kRounds; ++n) {
    for (int k = 0; k < 10; ++k) {
      Datagram garbage((state = state * 1664525u + 1013904223u) >> 18);
      for (uint8_t& byte : garbage) byte = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
      if (k % 2 == 0 && garbage.size() > 5) std::memcpy(garbage.data(), "SDAQ\x01", 5);
      Send(garbage);
    }
    // The last stamp meets an empty socket: it must arrive, to tell what was dropped before it.
    if (n == kRounds - 1) WaitForQuiet();
    SendStamp(n);
  }
  ASSERT_TRUE(rig_->Until([&] { return rig_->Count(SUMMIT_EVENT_STAMP) > 0 && rig_->records().back().frame.stamp_index == kRounds - 1; }));
  const SummitLinkStats link = rig_->link().Snapshot().link;
  EXPECT_EQ(link.packets + link.kernel_drops, kRounds * 14);
  EXPECT_GT(link.bad_magic, 0u);
  EXPECT_GT(link.bad_header, 0u);
  EXPECT_EQ(counters().complete.Get() + counters().incomplete.Get() + counters().lost.Get(), kRounds);
}

TEST_F(LinkTest, SaysWhatBecameOfEachWish) {
  Begin(Settings("", R"(,"schedFifo":10,"cpu":0,"lockMemory":true)"));
  ASSERT_TRUE(rig_->Until([&] { return !rig_->link().Snapshot().outcomes["cpu"].empty(); }));
  auto outcomes = rig_->link().Snapshot().outcomes;
  EXPECT_FALSE(outcomes["sched_fifo"].empty());
  EXPECT_FALSE(outcomes["lock_memory"].empty());
  EXPECT_FALSE(outcomes["huge_pages"].empty());
  EXPECT_FALSE(outcomes["receive_buffer"].empty());
}

TEST(LinkSettings, ListsWhatIsWrong) {
  LinkSettings settings;
  std::string message;
  EXPECT_FALSE(ReadLinkSettings("nonsense", &settings, &message));
  EXPECT_FALSE(ReadLinkSettings(R"({"driver":"wire","slots":1,"colour":2,"cpu":"x"})", &settings, &message));
  EXPECT_NE(message.find("slots: expected"), std::string::npos) << message;
  EXPECT_NE(message.find("cpu: expected"), std::string::npos) << message;
  EXPECT_NE(message.find("colour: not a key"), std::string::npos) << message;
  EXPECT_FALSE(ReadLinkSettings(R"({"driver":"wire","sensors":[{"location":225}]})", &settings, &message));
  EXPECT_NE(message.find("location: expected"), std::string::npos) << message;
  int code = SUMMIT_OK;
  settings.driver = "carrier-pigeon";
  EXPECT_EQ(Link::Create(settings, [] {}, &code, &message), nullptr);
  EXPECT_EQ(code, SUMMIT_ERR_CONFIG);
}

#if !defined(SUMMIT_SANITIZED)
TEST_F(LinkTest, AllocatesNothingPerStamp) {
  Begin(Settings(R"(,"receiveBufferBytes":4194304)"));
  std::vector<std::vector<Datagram>> stamps;
  for (uint64_t n = 0; n < 300; ++n) stamps.push_back(source_.Stamp(kSensor, n));
  for (uint64_t n = 0; n < 100; ++n) {
    for (const Datagram& datagram : stamps[n]) Send(datagram);
    if (n % 50 == 49) AwaitSeen(n + 1);
  }
  ASSERT_TRUE(Stamps(100));
  const uint64_t before = allocations.load();
  for (uint64_t n = 100; n < 300; ++n) {
    for (const Datagram& datagram : stamps[n]) Send(datagram);
    if (n % 50 == 49) AwaitSeen(n + 1);
  }
  EXPECT_EQ(counters().complete.Get(), 300u);
  EXPECT_EQ(allocations.load(), before);
}
#endif

}  // namespace
}  // namespace summit::daq
