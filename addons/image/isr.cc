// SPDX-License-Identifier: Apache-2.0
#include "addons/image/isr.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "addons/image/interpolate.h"
#include "addons/image/isr_rows.h"
#include "addons/image/middle.h"
#include "addons/image/parallel.h"

namespace summit::image {
namespace {

// One row of this many is looked at for the typical crosstalk; its median needs no more.
constexpr int32_t kSampleEvery = 32;
constexpr int32_t kSampleRows = kDataRows / kSampleEvery;
// Rows that a thread takes at a time.
constexpr int32_t kBand = 40;
// adu; above it the bottom of the image may be light, not overscan (ip_isr, overscan.py).
constexpr float kBrightImage = 10000.0f, kLeastBrightOverscan = 0.5f;

// Medians over the detectors' own tables: what the camera has where nobody measured.
double NominalGain(const DetectorModel& model) { return &model == &Latiss() ? 1.08 : 1.27; }
double NominalReadNoise(const DetectorModel& model) { return &model == &Latiss() ? 9.0 : 8.3; }

}  // namespace

// Rows of all amplifiers, kAmpCols apart, and what is made of one of them.
struct Isr::Lane {
  std::vector<float> electron = std::vector<float>(static_cast<size_t>(kMostAmps) * kAmpCols);
  std::vector<float> corrected = std::vector<float>(static_cast<size_t>(kMostAmps) * kAmpCols);
  std::vector<int32_t> mask = std::vector<int32_t>(static_cast<size_t>(kMostAmps) * kAmpCols);
  std::array<float, kAmpCols> taken{};
  std::array<int32_t, kMostAmps> saturated{};
  std::array<float, kDataCols> variance{};  // where nobody wants it
  OverscanScratch overscan{};
};

IsrSettings::IsrSettings() {
  steps.on.fill(true);
  steps.Set(IsrStep::kInterpolation, false);
}

Isr::Isr(const DetectorModel& model, std::shared_ptr<const Calibrations> calibrations, const IsrSettings& settings)
    : model_(model), calibrations_(std::move(calibrations)), settings_(settings) {
  const size_t amps = model_.amps.size();
  serial_.resize(amps);
  parallel_.resize(amps);
  lanes_.resize(static_cast<size_t>(std::clamp(settings_.threads, 1, kMostThreads)));
  bottom_.resize(amps * kParallelUsed * kAmpCols);
  sample_.resize(amps * kSampleRows * kRowCols);
}

Isr::~Isr() = default;

Isr::Lane* Isr::LaneOf(int32_t part) { return &lanes_[static_cast<size_t>(part)]; }

// What is on and can be done, and the constants of each amplifier.
void Isr::PrepareAmps(IsrImage* out) {
  const Calibrations& c = *calibrations_;
  const size_t n = model_.amps.size();
  now_ = settings_.steps;
  const auto need = [this](IsrStep step, bool there) { now_.Set(step, now_[step] && there); };
  need(IsrStep::kCrosstalk, c.crosstalk.size() == n * n);
  need(IsrStep::kLinearity, c.has_linearizer);
  need(IsrStep::kBias, !c.bias.empty());
  need(IsrStep::kDark, !c.dark.empty() && dark_seconds_ >= 0.0f);
  need(IsrStep::kDefects, c.has_defects);
  need(IsrStep::kFlat, !c.inverse_flat.empty());
  out->nominal_gain = false;
  for (size_t i = 0; i < n; ++i) {
    const AmpCalibration& from = c.amps[i];
    const bool known = c.has_ptc && from.gain > 0.0;
    const double nominal = settings_.nominal_gain > 0.0 ? settings_.nominal_gain : NominalGain(model_);
    const double noise = settings_.nominal_read_noise > 0.0 ? settings_.nominal_read_noise : NominalReadNoise(model_);
    out->nominal_gain = out->nominal_gain || !known;
    const double gain = !now_[IsrStep::kGain] ? 1.0 : known ? from.gain : nominal;
    const double read_noise = c.has_ptc && from.read_noise > 0.0 ? from.read_noise : noise;
    const double turnoff = c.has_ptc && from.turnoff > 0.0 ? from.turnoff : settings_.saturation;
    amps_[i] = {static_cast<float>(gain), static_cast<float>(turnoff), static_cast<float>(read_noise * read_noise), 0.0f};
    out->amps[i] = {};
    out->amps[i].gain = amps_[i].gain;
  }
  if (!now_[IsrStep::kCrosstalk]) return;
  crosstalk_ = c.crosstalk;
  crosstalk_square_ = c.crosstalk_square;
  // A matrix between adu of two gains becomes one between electrons.
  for (size_t s = 0; c.crosstalk_in_adu && s < n; ++s) {
    for (size_t t = 0; t < n; ++t) {
      crosstalk_[s * n + t] *= amps_[t].gain / amps_[s].gain;
      if (!crosstalk_square_.empty()) crosstalk_square_[s * n + t] *= amps_[t].gain / (amps_[s].gain * amps_[s].gain);
    }
  }
}

// A row of every amplifier: overscan, saturation, gain into `electron`; crosstalk taken off in `corrected`.
void Isr::CorrectedRow(const int32_t* planes, int32_t row, Lane* lane) const {
  const auto n = static_cast<int32_t>(model_.amps.size());
  const int32_t cols = row < kDataRows ? kRowCols : kAmpCols;
  for (int32_t i = 0; i < n; i++) {
    const Amp& amp = amps_[static_cast<size_t>(i)];
    const int32_t* from = planes + static_cast<size_t>(i) * kAmpPixels + static_cast<size_t>(row) * kAmpCols;
    const float level = now_[IsrStep::kSerialOverscan] ? serial_[static_cast<size_t>(i)].level[static_cast<size_t>(row)] : 0.0f;
    const int32_t bits = now_[IsrStep::kSaturation] ? kSaturated | kSuspect : 0;
    ToElectron(from, cols, level, amp.gain, amp.saturation_adu, bits, &lane->electron[static_cast<size_t>(i) * kAmpCols], &lane->mask[static_cast<size_t>(i) * kAmpCols]);
  }
  std::copy_n(lane->electron.begin(), static_cast<size_t>(n) * kAmpCols, lane->corrected.begin());
  if (!now_[IsrStep::kCrosstalk]) return;
  const float* square = crosstalk_square_.empty() ? nullptr : crosstalk_square_.data();
  for (int32_t i = 0; i < n; i++) {
    CrosstalkOf(lane->electron.data(), n, cols, crosstalk_.data() + i, square == nullptr ? nullptr : square + i, lane->taken.data());
    TakeCrosstalk(lane->taken.data(), cols, amps_[static_cast<size_t>(i)].crosstalk_middle, kCrosstalk, &lane->corrected[static_cast<size_t>(i) * kAmpCols],
                  &lane->mask[static_cast<size_t>(i) * kAmpCols]);
  }
}

void Isr::MeasureOverscans(const int32_t* planes, IsrImage* out) {
  const auto n = static_cast<int32_t>(model_.amps.size());
  const auto threads = static_cast<int32_t>(lanes_.size());
  ForEachPart(threads, threads, [&](int32_t part) {
    for (int32_t i = part; i < n; i += threads) {
      const auto at = static_cast<size_t>(i);
      MeasureSerial(planes + at * kAmpPixels, &LaneOf(part)->overscan, &serial_[at]);
      out->amps[at].overscan = serial_[at].typical;
      out->amps[at].read_noise = serial_[at].noise * amps_[at].gain;
    }
  });
  if (now_[IsrStep::kCrosstalk]) MeasureCrosstalkMiddles(planes);
  if (!now_[IsrStep::kParallelOverscan]) return;
  Lane* lane = LaneOf(0);
  for (int32_t row = 0; row < kParallelUsed; row++) {
    CorrectedRow(planes, kParallelRow + row, lane);
    for (int32_t i = 0; i < n; i++) {
      std::copy_n(&lane->corrected[static_cast<size_t>(i) * kAmpCols], kAmpCols, &bottom_[(static_cast<size_t>(i) * kParallelUsed + static_cast<size_t>(row)) * kAmpCols]);
    }
  }
  ForEachPart(threads, threads, [&](int32_t part) {
    for (int32_t i = part; i < n; i += threads) {
      const auto at = static_cast<size_t>(i);
      const ParallelLimits limits{amps_[at].saturation_adu * amps_[at].gain, amps_[at].gain};
      OverscanScratch* scratch = &LaneOf(part)->overscan;
      MeasureParallel(&bottom_[at * kParallelUsed * kAmpCols], limits, scratch, &parallel_[at]);
      out->amps[at].filled_columns = parallel_[at].filled;
      out->amps[at].lit_overscan = IsLit(planes, i, scratch);
      if (out->amps[at].lit_overscan) parallel_[at].level.fill(0.0f);
    }
  });
}

// Whether light has run into the parallel overscan of an amplifier: then its level says nothing of the electronics.
bool Isr::IsLit(const int32_t* planes, int32_t amp, OverscanScratch* scratch) const {
  const auto at = static_cast<size_t>(amp);
  std::copy_n(parallel_[at].level.begin(), kAmpCols, scratch->order.begin());
  const float overscan = MiddleOf(std::span(scratch->order.data(), static_cast<size_t>(kAmpCols)));
  if (overscan <= kLeastBrightOverscan * kBrightImage) return false;
  constexpr int32_t kRows = 4, kCols = 8;  // one pixel of so many is enough for a median
  size_t n = 0;
  for (int32_t row = 0; row < kDataRows; row += kRows) {
    const float level = now_[IsrStep::kSerialOverscan] ? serial_[at].level[static_cast<size_t>(row)] : 0.0f;
    const int32_t* from = planes + at * kAmpPixels + static_cast<size_t>(row) * kAmpCols;
    for (int32_t col = kDataFirstCol; col < kDataFirstCol + kDataCols; col += kCols) scratch->sorted[n++] = (static_cast<float>(from[col]) - level) * amps_[at].gain;
  }
  const float image = MiddleOf(std::span(scratch->sorted.data(), static_cast<size_t>(n)));
  return image > kBrightImage && overscan > kLeastBrightOverscan * image;
}

void Isr::MeasureCrosstalkMiddles(const int32_t* planes) {
  const auto n = static_cast<int32_t>(model_.amps.size());
  const auto threads = static_cast<int32_t>(lanes_.size());
  const float* square = crosstalk_square_.empty() ? nullptr : crosstalk_square_.data();
  ForEachPart(threads, threads, [&](int32_t part) {
    Lane* lane = LaneOf(part);
    for (int32_t sample = part; sample < kSampleRows; sample += threads) {
      const int32_t row = sample * kSampleEvery + kSampleEvery / 2;
      for (int32_t i = 0; i < n; i++) {
        const auto at = static_cast<size_t>(i);
        const int32_t* from = planes + at * kAmpPixels + static_cast<size_t>(row) * kAmpCols;
        const float level = now_[IsrStep::kSerialOverscan] ? serial_[at].level[static_cast<size_t>(row)] : 0.0f;
        ToElectron(from, kRowCols, level, amps_[at].gain, HUGE_VALF, 0, &lane->electron[at * kAmpCols], &lane->mask[at * kAmpCols]);
      }
      for (int32_t i = 0; i < n; i++) {
        float* to = &sample_[(static_cast<size_t>(i) * kSampleRows + static_cast<size_t>(sample)) * kRowCols];
        CrosstalkOf(lane->electron.data(), n, kRowCols, crosstalk_.data() + i, square == nullptr ? nullptr : square + i, to);
      }
    }
  });
  ForEachPart(threads, n, [&](int32_t i) {
    const size_t each = static_cast<size_t>(kSampleRows) * kRowCols;
    amps_[static_cast<size_t>(i)].crosstalk_middle = MiddleOf(std::span(&sample_[static_cast<size_t>(i) * each], each));
  });
}

void Isr::FinishRow(int32_t row, Lane* lane, IsrImage* out) const {
  const Calibrations& c = *calibrations_;
  for (size_t i = 0; i < model_.amps.size(); ++i) {
    const Amplifier& amp = model_.amps[i];
    float* electron = &lane->corrected[i * kAmpCols];
    int32_t* mask = &lane->mask[i * kAmpCols];
    if (now_[IsrStep::kParallelOverscan]) {
      const float* level = parallel_[i].level.data();
      for (int32_t x = 0; x < kRowCols; x++) electron[x] -= level[x];
    }
    if (now_[IsrStep::kLinearity]) {
      Linearize(c.amps[i].linearity, electron);
      Linearize(c.amps[i].linearity_after, electron);
    }
    int32_t full = 0;
    for (int32_t x = kDataFirstCol; x < kDataFirstCol + kDataCols; x++) full += (mask[x] & kSaturated) >> 1;
    lane->saturated[i] += full;
    const size_t at = static_cast<size_t>(CcdY(amp, row)) * static_cast<size_t>(model_.cols) + static_cast<size_t>(amp.x0);
    const CalibrationRow from{now_[IsrStep::kBias] ? c.bias.data() + at : nullptr, now_[IsrStep::kDark] ? c.dark.data() + at : nullptr, now_[IsrStep::kFlat] ? c.inverse_flat.data() + at : nullptr,
                              dark_seconds_, amps_[i].noise_squared, now_[IsrStep::kVariance]};
    float* variance = out->variance.empty() ? lane->variance.data() : out->variance.data() + at;
    Assemble(electron, mask, amp.flip_x, from, out->image.data() + at, variance, out->mask.data() + at);
  }
}

void Isr::MarkDefects(IsrImage* out) const {
  for (const Box& box : calibrations_->defects) {
    for (int32_t y = std::max(0, box.y0); y <= std::min(model_.rows - 1, box.y1); y++) {
      int32_t* row = out->mask.data() + static_cast<size_t>(y) * static_cast<size_t>(model_.cols);
      for (int32_t x = std::max(0, box.x0); x <= std::min(model_.cols - 1, box.x1); x++) row[x] |= kBad;
    }
  }
}

void Isr::MarkRuns(const std::vector<MaskRun>& runs, IsrImage* out) const {
  for (const MaskRun& run : runs) {
    int32_t* row = out->mask.data() + static_cast<size_t>(run.y) * static_cast<size_t>(model_.cols);
    for (int32_t x = run.x0; x <= run.x1; x++) row[x] |= run.bits;
  }
}

void Isr::Run(const int32_t* planes, double dark_seconds, IsrImage* out) {
  const auto pixels = static_cast<size_t>(model_.pixels());
  out->model = &model_;
  out->image.resize(pixels);
  // A map that nobody wants is memory, and time to write it.
  if (settings_.steps[IsrStep::kVariance]) out->variance.resize(pixels);
  else std::vector<float>().swap(out->variance);
  out->mask.resize(pixels);
  dark_seconds_ = std::isfinite(dark_seconds) ? static_cast<float>(dark_seconds) : -1.0f;
  PrepareAmps(out);
  MeasureOverscans(planes, out);
  for (Lane& lane : lanes_) lane.saturated.fill(0);
  const auto threads = static_cast<int32_t>(lanes_.size());
  std::atomic<int32_t> next{0};
  ForEachPart(threads, threads, [&](int32_t part) {
    for (int32_t first = kBand * next++; first < kDataRows; first = kBand * next++) {
      for (int32_t row = first; row < first + kBand; row++) {
        CorrectedRow(planes, row, LaneOf(part));
        FinishRow(row, LaneOf(part), out);
      }
    }
  });
  for (const Lane& lane : lanes_) {
    for (size_t i = 0; i < model_.amps.size(); ++i) out->amps[i].saturated += lane.saturated[i];
  }
  if (now_[IsrStep::kDefects]) MarkDefects(out);
  // Who takes a master off takes over what it says of its pixels, as LSST does.
  if (now_[IsrStep::kBias]) MarkRuns(calibrations_->bias_mask, out);
  if (now_[IsrStep::kDark]) MarkRuns(calibrations_->dark_mask, out);
  if (now_[IsrStep::kFlat]) MarkRuns(calibrations_->flat_mask, out);
  if (now_[IsrStep::kInterpolation]) InterpolateRows(kBad | kSaturated, threads, out);
  out->applied = now_;
}

}  // namespace summit::image
