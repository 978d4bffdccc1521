// SPDX-License-Identifier: Apache-2.0
// What the link thread does with each frame: book it, measure it, hand on the result, give the slot back.
// Thread: OnFrame on the link thread; accounts' counters, Want, predictions and calibrations from any thread.
// Owns: one account and one measurer per configured sensor; every slot that OnFrame is given.
#ifndef SUMMIT_DAQ_WORKER_H_
#define SUMMIT_DAQ_WORKER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "addons/daq/calibrations.h"
#include "addons/daq/frame_pool.h"
#include "addons/daq/frame_tap.h"
#include "addons/daq/leases.h"
#include "addons/daq/outbox.h"
#include "addons/daq/predictions.h"
#include "addons/daq/record.h"
#include "addons/daq/sensor_account.h"
#include "addons/pixels/measure.h"

namespace summit::daq {

struct SensorSetup {
  uint8_t location = 0;
  pixels::MeasureSettings measure;
  uint32_t bad_segments = 0;  // bit n: amplifier label n (0-7, 10-17)
  // By amplifier label; gain 0: that of `measure`.
  struct Amplifier {
    float gain = 0.0f, read_noise = 0.0f;
  };
  std::array<Amplifier, 18> amplifiers{};
};

class Worker {
 public:
  // nullptr with a sentence in *message when a sensor's settings make no sense.
  static std::unique_ptr<Worker> Create(std::span<const SensorSetup> sensors, FramePool* pool, Leases* leases, Outbox* outbox,
                                        std::string* message);

  // Before the first frame; it outlives the worker.
  void AddTap(FrameTap* tap) { taps_.push_back(tap); }

  // Takes over the frame's slot. The frame's other data is read during the call only.
  void OnFrame(const SummitFrame& frame);

  void Want(uint8_t location, bool want) { want_[location].store(want, std::memory_order_relaxed); }
  // Any thread: when the frame was delivered that is being worked on; 0: none is, 1: that has just begun. What is
  // delivered after this was asked is not earlier than the clock then.
  uint64_t busy_since() const { return busy_since_.load(std::memory_order_seq_cst); }
  Predictions& predictions() { return predictions_; }
  Calibrations& calibrations() { return calibrations_; }

  size_t sensors() const { return sensors_.size(); }
  uint8_t location(size_t i) const { return sensors_[i]->setup.location; }
  const SensorCounters& counters(size_t i) const { return sensors_[i]->account.counters(); }
  // Stamps of sensors that are not configured here: not booked, not measured.
  uint64_t unconfigured() const { return unconfigured_.Get(); }

 private:
  struct Sensor {
    SensorSetup setup;
    std::unique_ptr<pixels::StampMeasurer> measurer;
    SensorAccount account;
    uint64_t fingerprint = 0;                    // of the last stamp that was measured
    const SensorCalibration* applied = nullptr;  // fits the last stamp; not looked into after the next is taken
  };

  Worker(FramePool* pool, Leases* leases, Outbox* outbox) : pool_(*pool), leases_(*leases), outbox_(*outbox) {}
  void Book(SummitFrame* frame);
  void OnStamp(SummitFrame* frame);
  void OnSensorEvent(SummitFrame* frame);
  void OnStatus(const SummitFrame& frame);
  void BeginSeries(Sensor* sensor, const SummitFrame& start);
  void Calibrate(Sensor* sensor, const SummitFrame& frame);
  void Measure(Sensor* sensor, const SummitFrame& frame, Record* record);
  void PutEvent(const SummitFrame& frame);
  void FixPrediction(uint8_t location);
  void FollowPrediction(const SummitFrame& frame);
  Sensor* SensorAt(uint8_t location) const;

  FramePool& pool_;
  Leases& leases_;
  Outbox& outbox_;
  std::vector<FrameTap*> taps_;
  std::vector<std::unique_ptr<Sensor>> sensors_;
  std::array<int16_t, 256> index_{};  // by location; -1: not configured
  std::array<std::atomic<bool>, 256> want_{};
  Predictions predictions_;
  Calibrations calibrations_;
  // What the kernel is told of the next stamp of each location; followed: from a recording, not from JavaScript.
  struct Fixed {
    pixels::Prediction prediction{};
    bool followed = false;
  };
  std::array<Fixed, 256> fixed_{};
  SeriesClock clock_;
  uint64_t delivered_ns_ = 0;  // of the frame at hand
  uint64_t told_ns_ = 0;       // of the next one, by a recording
  std::atomic<uint64_t> busy_since_{0};
  Counter unconfigured_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_WORKER_H_
