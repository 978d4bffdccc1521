// SPDX-License-Identifier: Apache-2.0
// Calibrations on their way to the link thread: whole, the newest, of this very ROI, and freed elsewhere.
#include "addons/daq/calibrations.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "addons/daq/testing/test_host.h"
#include "addons/daq/testing/wire_source.h"
#include "addons/daq/worker.h"
#include "addons/pixels/testing/star_stamp.h"

namespace summit::daq {
namespace {

constexpr uint8_t kSensor = 3;

std::unique_ptr<SensorCalibration> Numbered(uint16_t number) {
  auto calibration = std::make_unique<SensorCalibration>();
  calibration->rows = number;
  calibration->cols = static_cast<uint16_t>(number + 1);
  calibration->maps.offset.assign(500, static_cast<float>(number));
  return calibration;
}

TEST(Calibrations, TheNewestIsInForceUntilAnother) {
  Calibrations calibrations;
  EXPECT_EQ(calibrations.Current(kSensor), nullptr);
  calibrations.Offer(kSensor, Numbered(1));
  calibrations.Offer(kSensor, Numbered(2));
  ASSERT_NE(calibrations.Current(kSensor), nullptr);
  EXPECT_EQ(calibrations.Current(kSensor)->rows, 2);
  EXPECT_EQ(calibrations.Current(kSensor)->rows, 2);
  EXPECT_EQ(calibrations.Current(4), nullptr);
  calibrations.Offer(250, Numbered(9));
  EXPECT_EQ(calibrations.Current(250), nullptr);
}

// Two hands offer as fast as they can while the link thread reads every number of what it is given.
TEST(Calibrations, AHandoverUnderLoadIsWhole) {
  Calibrations calibrations;
  std::atomic<int> offering{2};
  const auto offer = [&](uint16_t first) {
    for (uint16_t i = 0; i < 4000; i++) calibrations.Offer(kSensor, Numbered(static_cast<uint16_t>(first + i)));
    offering.fetch_sub(1);
  };
  std::thread one(offer, 1), other(offer, 20000);
  uint64_t torn = 0, taken = 0;
  const SensorCalibration* before = nullptr;
  while (offering.load() > 0 || taken == 0) {
    const SensorCalibration* now = calibrations.Current(kSensor);
    if (now == nullptr) continue;
    taken += now != before ? 1 : 0;
    before = now;
    torn += now->cols != now->rows + 1 ? 1 : 0;
    for (const float value : now->maps.offset) torn += value != static_cast<float>(now->rows) ? 1 : 0;
  }
  one.join();
  other.join();
  EXPECT_EQ(torn, 0u);
  EXPECT_GE(taken, 1u);
}

// One sensor's stamps through the worker, with what the records say of them.
class CalibratedWorker : public ::testing::Test {
 protected:
  CalibratedWorker() {
    SensorSetup setup;
    setup.location = kSensor;
    setup.measure.gain = 1.0f;
    setup.measure.calibrated = true;
    setup.amplifiers[5] = {2.0f, 8.0f};
    std::string message;
    const std::array<SensorSetup, 1> setups{setup};
    worker_ = Worker::Create(setups, &host_.pool(), &leases_, &outbox_, &message);
    EXPECT_NE(worker_, nullptr) << message;
    pixels::testing::Conditions conditions;
    conditions.gain = 1.0;
    pixels::testing::Stamp stamp(conditions, 11);
    stamp.AddStar({}, 25.2, 24.7, 30000.0);
    pixels_ = stamp.Expose();
  }

  pixels::Measurement Stamp(uint16_t segment, uint16_t start_row) {
    SummitFrame frame{};
    frame.struct_size = sizeof(frame);
    frame.event_type = SUMMIT_EVENT_STAMP;
    frame.location = kSensor;
    frame.pixel_type = SUMMIT_PIXEL_I32;
    frame.sequence = 1;
    frame.stamp = next_++;
    frame.rows = frame.cols = 50;
    frame.segment = segment;
    frame.start_row = start_row;
    frame.start_col = 56;
    frame.integration_ms = 50;
    frame.bytes = 10000;
    void* memory = nullptr;
    frame.token = host_.pool().Acquire(frame.bytes, &memory);
    EXPECT_NE(frame.token, 0u);
    std::memcpy(memory, pixels_.data(), frame.bytes);
    worker_->OnFrame(frame);
    std::array<Record, 4> records;
    EXPECT_EQ(ring_.Pop(records), 1u);
    return records[0].measurement;
  }

  static std::unique_ptr<SensorCalibration> Of(uint16_t segment, uint16_t start_row, float gain) {
    auto calibration = std::make_unique<SensorCalibration>();
    calibration->segment = segment;
    calibration->start_row = start_row;
    calibration->start_col = 56;
    calibration->rows = calibration->cols = 50;
    calibration->integration_ms = 50;
    calibration->gain = gain;
    calibration->read_noise = 9.0f;
    calibration->maps.rows = calibration->maps.cols = 50;
    calibration->maps.complete = true;
    EXPECT_TRUE(pixels::Prepare(&calibration->maps));
    return calibration;
  }

  testing::TestHost host_{8, 16384};
  Leases leases_{&host_.pool(), 2};
  RecordRing ring_{64};
  Outbox outbox_{&ring_, &leases_, 1};
  std::unique_ptr<Worker> worker_;
  std::vector<int32_t> pixels_;
  uint16_t next_ = 0;
};

TEST_F(CalibratedWorker, TheStampsOwnAmplifierGivesTheGain) {
  const double sensors_own = Stamp(4, 800).flux, amplifiers = Stamp(5, 800).flux, again = Stamp(4, 800).flux;
  EXPECT_NEAR(amplifiers / sensors_own, 2.0, 0.04);
  EXPECT_NEAR(again / sensors_own, 1.0, 0.02);
}

TEST_F(CalibratedWorker, OnlyTheRoiThatItIsForIsCalibrated) {
  EXPECT_NE(Stamp(4, 800).flags & pixels::kUncalibrated, 0u);
  const double before = Stamp(4, 800).flux;
  worker_->calibrations().Offer(kSensor, Of(4, 800, 3.0f));
  const pixels::Measurement calibrated = Stamp(4, 800);
  EXPECT_EQ(calibrated.flags & pixels::kUncalibrated, 0u);
  EXPECT_NEAR(calibrated.flux / before, 3.0, 0.06);
  EXPECT_NE(Stamp(4, 801).flags & pixels::kUncalibrated, 0u) << "moved by a row";
  EXPECT_NE(Stamp(0, 0).flags & pixels::kUncalibrated, 0u) << "a stamp that does not tell its ROI";
  EXPECT_EQ(Stamp(4, 800).flags & pixels::kUncalibrated, 0u);
  worker_->calibrations().Offer(kSensor, Of(4, 801, 3.0f));
  EXPECT_NE(Stamp(4, 800).flags & pixels::kUncalibrated, 0u) << "the series moved on";
  EXPECT_EQ(Stamp(4, 801).flags & pixels::kUncalibrated, 0u);
}

}  // namespace
}  // namespace summit::daq
