// SPDX-License-Identifier: Apache-2.0
// The conservation law, exact, over a network that loses, repeats, swaps, cuts and damages: datagrams through
// assembler and worker, against what the source knows that it sent.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "addons/daq/testing/test_host.h"
#include "addons/daq/testing/wire_source.h"
#include "addons/daq/wire_assembler.h"
#include "addons/daq/worker.h"

namespace summit::daq {
namespace {

using testing::Datagram;
using testing::StatusEntry;
using testing::TestHost;
using testing::WireSource;

constexpr std::array<uint8_t, 3> kSensors = {3, 4, 220};

struct Faults {
  double drop = 0;          // of datagrams
  double repeat = 0;        // of datagrams
  double repeat_stamp = 0;  // of stamps, whole
  double swap = 0;          // of stamps with the next one
  double damage = 0;        // of datagrams
  double cut = 0;           // of datagrams
  double lose_event = 0;    // START, RESUME, PAUSE, STOP
  bool interleave = false;  // fragments of all sensors mixed
  uint32_t slots = 8;
  uint32_t fragment = 600;  // bytes: a stamp has 2000
};

class Plant {
 public:
  Plant(const Faults& faults, uint64_t seed) : faults_(faults), random_(seed), host_(faults.slots) {
    source_.fragment = faults.fragment;
    std::vector<SensorSetup> setups;
    for (const uint8_t location : kSensors) setups.push_back({.location = location, .measure = {}});
    std::string message;
    worker_ = Worker::Create(setups, &host_.pool(), &leases_, &outbox_, &message);
    EXPECT_NE(worker_, nullptr) << message;
  }

  void Run(unsigned series, unsigned visits, unsigned stamps) {
    Status(SUMMIT_STATE_IDLECLEARING, {});
    for (unsigned s = 0; s < series; ++s) {
      source_.sequence = static_cast<uint16_t>(65534 + s);
      std::array<uint64_t, kSensors.size()> sent{};
      for (const uint8_t sensor : kSensors) Event(source_.Start(sensor));
      for (unsigned visit = 0; visit < visits; ++visit) Visit(stamps, &sent);
      for (size_t i = 0; i < kSensors.size(); ++i) Event(source_.Stop(kSensors[i], sent[i]));
      Entries(SUMMIT_STATE_IDLECLEARING, sent);
      for (size_t i = 0; i < kSensors.size(); ++i) total_[i] += sent[i];
    }
  }

  void Check() {
    for (size_t i = 0; i < kSensors.size(); ++i) {
      const SensorCounters& c = worker_->counters(i);
      EXPECT_EQ(c.seen.Get(), c.complete.Get() + c.incomplete.Get() + c.bad.Get() + c.duplicate.Get() + c.dropped.Get());
      EXPECT_EQ(total_[i], c.complete.Get() + c.incomplete.Get() + c.dropped.Get() + c.lost.Get()) << "sensor " << i;
      EXPECT_GT(c.complete.Get(), 0u);
    }
    EXPECT_EQ(host_.pool().in_use(), 0u);
    EXPECT_EQ(host_.pool().stale_releases(), 0u);
  }

  const Worker& worker() const { return *worker_; }

 private:
  bool Chance(double probability) { return std::uniform_real_distribution<>(0, 1)(random_) < probability; }

  void Give(const Datagram& datagram) {
    now_ += 1000;
    assembler_.OnDatagram(datagram, now_);
    SummitFrame frame;
    while (assembler_.Pop(&frame)) {
      worker_->OnFrame(frame);
      assembler_.Release(frame);
    }
    std::array<Record, 64> records;
    while (ring_.Pop(records) > 0) {
    }
  }

  void Network(Datagram datagram) {
    if (Chance(faults_.drop)) return;
    if (Chance(faults_.damage)) datagram[random_() % datagram.size()] ^= 0x10;
    if (Chance(faults_.cut)) datagram.resize(random_() % datagram.size());
    Give(datagram);
    if (Chance(faults_.repeat)) Give(datagram);
  }

  void Event(const Datagram& datagram) {
    if (Chance(faults_.lose_event)) return;
    Give(datagram);
    if (Chance(faults_.repeat)) Give(datagram);
  }

  void Status(uint8_t state, const std::vector<StatusEntry>& entries) { Give(source_.Status(entries, state)); }

  void Entries(uint8_t state, const std::array<uint64_t, kSensors.size()>& sent) {
    std::vector<StatusEntry> entries;
    for (size_t i = 0; i < kSensors.size(); ++i) entries.push_back({kSensors[i], state, source_.sequence, sent[i]});
    Status(state, entries);
  }

  void Visit(unsigned stamps, std::array<uint64_t, kSensors.size()>* sent) {
    for (const uint8_t sensor : kSensors) Event(source_.Resume(sensor, "MC_O_20261124_000001"));
    std::array<std::vector<std::vector<Datagram>>, kSensors.size()> queue;
    for (size_t i = 0; i < kSensors.size(); ++i) {
      for (unsigned n = 0; n < stamps; ++n) {
        queue[i].push_back(source_.Stamp(kSensors[i], (*sent)[i]++));
        if (Chance(faults_.repeat_stamp)) queue[i].push_back(queue[i].back());
      }
      for (size_t n = 0; n + 1 < queue[i].size(); ++n) {
        if (Chance(faults_.swap)) std::swap(queue[i][n], queue[i][n + 1]);
      }
    }
    for (size_t n = 0; n < 3u * stamps; ++n) Send(queue, n);
    for (size_t i = 0; i < kSensors.size(); ++i) Event(source_.Pause(kSensors[i], (*sent)[i]));
    Entries(SUMMIT_STATE_PAUSED, *sent);
  }

  void Send(const std::array<std::vector<std::vector<Datagram>>, kSensors.size()>& queue, size_t n) {
    if (!faults_.interleave) {
      for (const auto& stamps : queue) {
        if (n >= stamps.size()) continue;
        for (const Datagram& datagram : stamps[n]) Network(datagram);
      }
      return;
    }
    for (size_t part = 0; part < 8; ++part) {
      for (const auto& stamps : queue) {
        if (n < stamps.size() && part < stamps[n].size()) Network(stamps[n][part]);
      }
    }
  }

  const Faults faults_;
  std::mt19937_64 random_;
  TestHost host_;
  RecordRing ring_{256};
  Leases leases_{&host_.pool(), 4};
  Outbox outbox_{&ring_, &leases_, kSensors.size()};
  std::unique_ptr<Worker> worker_;
  uint64_t now_ = 1000000000;
  WireAssembler assembler_{host_.host(), 0, now_};
  WireSource source_;
  std::array<uint64_t, kSensors.size()> total_{};
};

#if defined(SUMMIT_SANITIZED)
constexpr uint64_t kSeeds = 6;
#else
constexpr uint64_t kSeeds = 20;
#endif

// `shows`: the counter that these faults must have moved.
void HoldsWith(const Faults& faults, Counter SensorCounters::*shows) {
  uint64_t shown = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Plant plant(faults, seed);
    plant.Run(4, 3, 25);
    plant.Check();
    for (size_t i = 0; i < kSensors.size(); ++i) shown += (plant.worker().counters(i).*shows).Get();
  }
  EXPECT_GT(shown, kSeeds);
}

TEST(Conservation, HoldsOnAPerfectNetwork) {
  Plant plant({}, 1);
  plant.Run(3, 2, 30);
  plant.Check();
  EXPECT_EQ(plant.worker().counters(0).complete.Get(), 180u);
}
TEST(Conservation, HoldsWithLostPackets) { HoldsWith({.drop = 0.05}, &SensorCounters::incomplete); }
TEST(Conservation, HoldsWithLostStamps) { HoldsWith({.drop = 0.1, .fragment = 8900}, &SensorCounters::lost); }
TEST(Conservation, HoldsWithLostStampsAndLifecycleEvents) {
  HoldsWith({.drop = 0.3, .repeat_stamp = 0.1, .swap = 0.1, .lose_event = 0.7, .fragment = 8900}, &SensorCounters::lost);
}
TEST(Conservation, HoldsWithRepeatedPacketsAndStamps) { HoldsWith({.repeat = 0.05, .repeat_stamp = 0.1}, &SensorCounters::duplicate); }
TEST(Conservation, HoldsWithSwappedStamps) { HoldsWith({.swap = 0.1}, &SensorCounters::reordered); }
TEST(Conservation, HoldsWithDamagedAndCutDatagrams) {
  HoldsWith({.damage = 0.05, .cut = 0.05}, &SensorCounters::incomplete);
}
TEST(Conservation, HoldsWithLostLifecycleEvents) {
  HoldsWith({.drop = 0.2, .lose_event = 0.5}, &SensorCounters::incomplete);
}
TEST(Conservation, HoldsWithoutFreeSlots) {
  HoldsWith({.drop = 0.02, .repeat_stamp = 0.05, .interleave = true, .slots = 2}, &SensorCounters::dropped);
}
TEST(Conservation, HoldsWithEverythingAtOnce) {
  HoldsWith({.drop = 0.05,
             .repeat = 0.05,
             .repeat_stamp = 0.05,
             .swap = 0.05,
             .damage = 0.05,
             .cut = 0.05,
             .lose_event = 0.2,
             .interleave = true,
             .slots = 3,
             .fragment = 1000},
            &SensorCounters::lost);
}

}  // namespace
}  // namespace summit::daq
