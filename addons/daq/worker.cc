// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/worker.h"

#include <algorithm>
#include <cstring>

#include "addons/daq/clock.h"
#include "addons/daq/fingerprint.h"

namespace summit::daq {
namespace {

constexpr size_t kStatusEntryBytes = 16;

// Plane of an amplifier in a raw stamp: labels 0-7 are planes 0-7, labels 10-17 planes 8-15.
int32_t PlaneOf(uint16_t segment) { return segment >= 10 ? segment - 2 : segment; }

bool IsSegment(uint16_t segment) { return segment <= 7 || (segment >= 10 && segment <= 17); }

pixels::ImageView ViewOf(const SummitFrame& frame, const uint8_t* memory) {
  const bool raw = frame.pixel_type == SUMMIT_PIXEL_RAW18X16;
  pixels::ImageView view;
  view.data = memory;
  view.type = static_cast<pixels::PixelType>(frame.pixel_type);
  view.rows = frame.rows;
  view.cols = frame.cols;
  // Raw stamps bring their overscan along; the kernel sees the ROI, whose pixels count from 0.
  view.stride = raw ? frame.cols + frame.under_cols + frame.over_cols : frame.cols;
  view.first_col = raw ? frame.under_cols : 0;
  return view;
}

// The frame as it goes into a record: no addresses leave the native side.
Record RecordOf(const SummitFrame& frame, uint64_t delivered_ns, Outcome outcome) {
  Record record;
  std::memset(static_cast<void*>(&record), 0, sizeof(record));
  record.frame = frame;
  record.frame.data = nullptr;
  record.frame.token = 0;
  record.outcome = static_cast<uint8_t>(outcome);
  record.t_delivered_ns = delivered_ns;
  return record;
}

}  // namespace

std::unique_ptr<Worker> Worker::Create(std::span<const SensorSetup> sensors, FramePool* pool, Leases* leases, Outbox* outbox,
                                       std::string* message) {
  std::unique_ptr<Worker> worker(new Worker(pool, leases, outbox));
  worker->index_.fill(-1);
  for (const SensorSetup& setup : sensors) {
    auto sensor = std::make_unique<Sensor>();
    sensor->setup = setup;
    sensor->measurer = pixels::StampMeasurer::Create(setup.measure);
    if (sensor->measurer == nullptr || worker->index_[setup.location] >= 0) {
      *message = "sensor at location " + std::to_string(setup.location) +
                 (sensor->measurer == nullptr ? ": gain, noise or size makes no sense" : ": given twice");
      return nullptr;
    }
    worker->index_[setup.location] = static_cast<int16_t>(worker->sensors_.size());
    worker->sensors_.push_back(std::move(sensor));
  }
  return worker;
}

Worker::Sensor* Worker::SensorAt(uint8_t location) const {
  const int16_t at = index_[location];
  return at < 0 ? nullptr : sensors_[static_cast<size_t>(at)].get();
}

void Worker::OnFrame(const SummitFrame& given) {
  SummitFrame frame = given;
  if (frame.event_type == SUMMIT_EVENT_DELIVERED) {
    told_ns_ = frame.t_last_ns;
    return;
  }
  // Announced before the clock is read: who sees none of it asked before the frame was delivered.
  busy_since_.store(1, std::memory_order_seq_cst);
  delivered_ns_ = told_ns_ != 0 ? told_ns_ : MonotonicNs();
  busy_since_.store(delivered_ns_, std::memory_order_seq_cst);
  Book(&frame);
  busy_since_.store(0, std::memory_order_seq_cst);
}

void Worker::Book(SummitFrame* given) {
  SummitFrame& frame = *given;
  if (frame.event_type == SUMMIT_EVENT_STAMP) FixPrediction(frame.location);
  if (frame.event_type == SUMMIT_EVENT_PREDICTION) return FollowPrediction(frame);
  for (FrameTap* tap : taps_) tap->OnDelivered(frame, delivered_ns_);
  if (clock_.OnSession(frame.session)) {
    for (const std::unique_ptr<Sensor>& sensor : sensors_) sensor->account.Restart();
  }
  switch (frame.event_type) {
    case SUMMIT_EVENT_STAMP: OnStamp(&frame); return;
    case SUMMIT_EVENT_START:
    case SUMMIT_EVENT_STOP:
    case SUMMIT_EVENT_PAUSE:
    case SUMMIT_EVENT_RESUME: OnSensorEvent(&frame); break;
    case SUMMIT_EVENT_STATUS:
      OnStatus(frame);
      PutEvent(frame);
      for (FrameTap* tap : taps_) tap->OnEvent(frame);
      break;
    default: PutEvent(frame);
  }
  if (frame.token != 0) pool_.Release(frame.token);
}

// Taken once per stamp and told to the taps, so that a recording can give the kernel the same again.
void Worker::FixPrediction(uint8_t location) {
  Fixed& fixed = fixed_[location];
  if (fixed.followed) return;
  const pixels::Prediction now = predictions_.Get(location);
  const pixels::Prediction& before = fixed.prediction;
  const bool same = now.valid == before.valid && (!now.valid || (now.x == before.x && now.y == before.y && now.radius == before.radius));
  if (same) return;
  fixed.prediction = now;
  const SummitPrediction told{now.x, now.y, now.radius, now.valid ? 1u : 0u};
  for (FrameTap* tap : taps_) tap->OnPrediction(location, told);
}

void Worker::FollowPrediction(const SummitFrame& frame) {
  SummitPrediction told;
  if (frame.data == nullptr || frame.bytes < sizeof(told)) return;
  std::memcpy(&told, frame.data, sizeof(told));
  Fixed& fixed = fixed_[frame.location];
  fixed.followed = true;
  fixed.prediction.valid = told.valid != 0;
  fixed.prediction.x = told.x;
  fixed.prediction.y = told.y;
  fixed.prediction.radius = told.radius;
  for (FrameTap* tap : taps_) tap->OnPrediction(frame.location, told);
}

void Worker::OnStamp(SummitFrame* frame) {
  Sensor* sensor = SensorAt(frame->location);
  const uint64_t token = frame->token;
  if (sensor == nullptr) {
    unconfigured_.Add();
    if (token != 0) pool_.Release(token);
    return;
  }
  const uint8_t* memory = token != 0 ? pool_.Memory(token) : nullptr;
  const uint64_t expected = GeometryBytes(*frame);
  // A driver's word is checked before a kernel reads by it.
  if (memory != nullptr && (expected == 0 || expected != frame->bytes || expected > pool_.slot_bytes())) {
    frame->flags |= SUMMIT_FRAME_LEN;
  }
  if (memory == nullptr) frame->token = 0;

  const uint64_t series_before = sensor->account.series();
  const Verdict verdict = sensor->account.OnStamp(frame, &clock_);
  if (sensor->account.series() != series_before) sensor->measurer->Reset();
  bool leased = false;
  if (verdict == Verdict::kComplete) {
    Record record = RecordOf(*frame, delivered_ns_, Outcome::kMeasured);
    frame->data = memory;
    Measure(sensor, *frame, &record);
    leased = want_[frame->location].load(std::memory_order_relaxed) && leases_.Grant(token, frame->bytes);
    record.lease = leased ? token : 0;
    outbox_.PutStamp(static_cast<size_t>(index_[frame->location]), record, &sensor->account.counters().superseded);
    for (FrameTap* tap : taps_) tap->OnComplete(*frame);
  } else if (verdict == Verdict::kIncomplete || verdict == Verdict::kDropped) {
    const Record record = RecordOf(*frame, delivered_ns_, verdict == Verdict::kDropped ? Outcome::kDropped : Outcome::kIncomplete);
    outbox_.PutStamp(static_cast<size_t>(index_[frame->location]), record, &sensor->account.counters().superseded);
  }
  if (token != 0 && !leased) pool_.Release(token);
}

// The amplifier's constants and the calibrations of the stamp's own ROI; of another ROI, or one that is not told, none.
void Worker::Calibrate(Sensor* sensor, const SummitFrame& frame) {
  const SensorCalibration* current = calibrations_.Current(frame.location);
  const SensorCalibration* applied = current != nullptr && current->Fits(frame) ? current : nullptr;
  if (applied != sensor->applied) {
    sensor->applied = applied;
    sensor->measurer->Reset();  // columns and widths of raw stamps say nothing of calibrated ones
  }
  sensor->measurer->Use(applied != nullptr ? &applied->maps : nullptr);
  const SensorSetup& setup = sensor->setup;
  SensorSetup::Amplifier amplifier{setup.measure.gain, setup.measure.read_noise};
  if (applied != nullptr && applied->gain > 0.0f) {
    amplifier = {applied->gain, applied->read_noise};
  } else if (frame.segment < setup.amplifiers.size() && setup.amplifiers[frame.segment].gain > 0.0f) {
    amplifier = setup.amplifiers[frame.segment];
  }
  sensor->measurer->SetAmplifier(amplifier.gain, amplifier.read_noise);
}

void Worker::Measure(Sensor* sensor, const SummitFrame& frame, Record* record) {
  const uint8_t* memory = static_cast<const uint8_t*>(frame.data);
  const uint64_t before = MonotonicNs();
  Calibrate(sensor, frame);
  record->measurement = sensor->measurer->Measure(ViewOf(frame, memory), fixed_[frame.location].prediction);
  record->t_measured_ns = MonotonicNs();
  pixels::Measurement& measurement = record->measurement;
  measurement.measure_ns = static_cast<uint32_t>(std::min<uint64_t>(record->t_measured_ns - before, UINT32_MAX));
  if (frame.segment < 32 && (sensor->setup.bad_segments >> frame.segment & 1u) != 0) measurement.flags |= pixels::kBadAmp;
  const uint64_t fingerprint = Fingerprint(memory, frame.bytes);
  if (fingerprint == sensor->fingerprint) measurement.flags |= pixels::kFrozen;
  sensor->fingerprint = fingerprint;
  if ((measurement.flags & pixels::kFault) != 0) {
    record->outcome = static_cast<uint8_t>(Outcome::kRefused);
    sensor->account.counters().refused.Add();
  }
}

void Worker::OnSensorEvent(SummitFrame* frame) {
  Sensor* sensor = SensorAt(frame->location);
  if (sensor == nullptr) {
    // The DAQ as a whole speaks for no sensor's book; a sensor that is not configured is not ours.
    if (frame->location == kWholeLink) PutEvent(*frame);
    return;
  }
  if (!sensor->account.OnEvent(frame, &clock_)) return;
  if (frame->event_type == SUMMIT_EVENT_START) BeginSeries(sensor, *frame);
  PutEvent(*frame);
  for (FrameTap* tap : taps_) tap->OnEvent(*frame);
}

void Worker::BeginSeries(Sensor* sensor, const SummitFrame& start) {
  sensor->measurer->Reset();
  if (start.data == nullptr || start.bytes < sizeof(SummitSeriesMetadata)) return;
  SummitSeriesMetadata series;
  std::memcpy(&series, start.data, sizeof(series));
  const uint16_t segment = series.roi.segment;
  if (!IsSegment(segment) || PlaneOf(segment) == sensor->setup.measure.raw_segment) return;
  // Between series only: the one place on this thread that allocates.
  pixels::MeasureSettings settings = sensor->setup.measure;
  settings.raw_segment = PlaneOf(segment);
  std::unique_ptr<pixels::StampMeasurer> measurer = pixels::StampMeasurer::Create(settings);
  if (measurer == nullptr) return;
  sensor->setup.measure = settings;
  sensor->measurer = std::move(measurer);
}

void Worker::OnStatus(const SummitFrame& frame) {
  const size_t entries = frame.data == nullptr ? 0 : frame.bytes / kStatusEntryBytes;
  if (entries == 0 && frame.daq_state != SUMMIT_STATE_RUNNING) clock_.SawIdle();
  for (size_t i = 0; i < entries; ++i) {
    const uint8_t* entry = static_cast<const uint8_t*>(frame.data) + i * kStatusEntryBytes;
    uint16_t sequence = 0;
    uint64_t sent = 0;
    std::memcpy(&sequence, entry + 2, sizeof(sequence));
    std::memcpy(&sent, entry + 8, sizeof(sent));
    Sensor* sensor = SensorAt(entry[0]);
    if (sensor == nullptr) continue;
    const bool settled = entry[1] != SUMMIT_STATE_RUNNING;
    sensor->account.OnStatus(sequence, sent, settled, (frame.flags & SUMMIT_FRAME_ONE_BASED) != 0, &clock_);
  }
}

void Worker::PutEvent(const SummitFrame& frame) {
  Record record = RecordOf(frame, delivered_ns_, Outcome::kEvent);
  record.t_measured_ns = MonotonicNs();
  const bool has_text = frame.event_type == SUMMIT_EVENT_RESUME || frame.event_type >= SUMMIT_EVENT_LINK_UP;
  if (frame.event_type == SUMMIT_EVENT_START) {
    if (frame.data != nullptr && frame.bytes >= sizeof(record.series)) std::memcpy(&record.series, frame.data, sizeof(record.series));
  } else if (has_text && frame.data != nullptr) {
    std::memcpy(record.text, frame.data, std::min<size_t>(frame.bytes, sizeof(record.text) - 1));
  }
  outbox_.PutEvent(record, frame.event_type == SUMMIT_EVENT_STATUS);
}

}  // namespace summit::daq
