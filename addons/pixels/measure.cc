// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <vector>

#include "addons/pixels/dead_columns.h"
#include "addons/pixels/detect.h"
#include "addons/pixels/examine.h"
#include "addons/pixels/raw_decode.h"
#include "addons/pixels/search.h"
#include "addons/pixels/streak.h"
#include "addons/pixels/structure.h"
#include "addons/pixels/tracks.h"
#include "addons/pixels/wave.h"
#include "addons/pixels/window.h"

namespace summit::pixels {
namespace {

constexpr int32_t kLargestSide = 4096;
constexpr int32_t kCutOut = 48;            // side of the window in a large ROI, px
constexpr float kBlindThreshold = 4.1f;    // sigma of the matched filter: worth a fit
constexpr float kTrackingThreshold = 3.4f;
// Certainty (below) of a star that may be used. Of 10 000 stamps without one, noise reaches it in 10, or in 5 near a
// prediction.
constexpr float kBlindCertainty = 4.66f;
constexpr float kTrackingCertainty = 4.28f;
constexpr float kSearchCertainty = 4.9f;   // of a whole large ROI: more places for noise to look like a star
constexpr float kSearchThreshold = 4.3f;   // sigma of a smoothed 4x4 bin
constexpr float kSure = 12.0f;             // SNR above which no noise is taken for a star, however it fits
constexpr float kSharp = 6.0f;             // times its neighbours two pixels away: no star of 2.5 px FWHM
constexpr float kBestChi2 = 1.3f;          // of a star alone, or beneath a track
constexpr int32_t kManyMasked = 4;         // outliers about a faint star: what made them may have made the rest
constexpr float kStreakReach = 1.5f;       // widths of a streak: nearer than this its leftovers may look like a star
constexpr float kStreakShare = 0.35f;      // of the streak's light in a pixel: the most that they have
constexpr float kStreakFaint = 0.2f;       // they have as much anywhere about it
constexpr float kNoiseChi2 = 4.0f;         // sigma of chi2
constexpr float kWidest = 13.0f;           // px FWHM
constexpr float kElongatedLimit = 0.15f;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Measurement Empty(uint32_t flags) {
  Measurement m{};
  m.x = m.y = m.ex = m.ey = m.flux = m.flux_err = m.background = m.noise = m.snr = m.fwhm = kNaN;
  m.moment_xx = m.moment_yy = m.moment_xy = m.chi2 = m.peak = kNaN;
  m.flags = flags;
  return m;
}

// How sure it is that this is a star, in sigma. Noise that passes for one does so by a lucky peak of the matched filter or
// by a lucky fit, seldom by both; it fits worse than a star, and has any width. Where pixels had to be left out the filter
// saw them, and what they were may have made the rest.
float Certainty(const Source& source, float significance, float expected_fwhm) {
  const Fit& fit = source.fit;
  const float odd_width = (fit.star.log_fwhm - std::log(expected_fwhm)) / 0.3f;  // as fitted: steadier than with the aperture
  const float seen = fit.masked > 0 ? std::min(significance, fit.snr) - 2.0f : significance;
  return 0.5f * (seen + fit.snr) - 2.0f * std::fabs(fit.chi2 - 0.95f) - 0.1f * odd_width * odd_width;
}

// A star too faint to show what its model lacks leaves noise alone over; outliers and what else is left are of something else.
bool FitsNoise(const Fit& fit) {
  return fit.masked < kManyMasked && fit.chi2 - 1.0f < kNoiseChi2 * std::sqrt(2.0f / static_cast<float>(std::max(1, fit.used)));
}

// Whether what was found beneath a track is surely a star, and all of the track is left out.
bool Settles(const Source& best) { return best.certain && !best.blended && !best.pair && best.fit.snr > kSure && best.fit.chi2 < kBestChi2; }

// One star and nothing else: a streak, if there is one, is far away.
bool Undisturbed(const Source& best, int32_t candidates) {
  return candidates == 1 && best.certain && !best.blended && !best.pair && !best.elliptical && best.fit.masked == 0 && best.fit.chi2 < kBestChi2;
}

// Whether what was found may be a leftover of a streak: one much brighter, and not far from it.
bool Outshone(const Streak& streak, const Fit& fit) {
  const float share = fit.star.flux * ProfileAt(fit.star, 0.0f, 0.0f) / streak.peak;
  const float reach = share < kStreakFaint ? static_cast<float>(Streak::kReach) : kStreakReach * streak.width + 2.0f;
  return share < kStreakShare && std::fabs(streak.Beside(fit.star.x, fit.star.y)) < reach;
}

Measurement Refused(FaultReason fault) {
  Measurement m = Empty(kFault);
  m.fault = static_cast<uint32_t>(fault);
  return m;
}

}  // namespace

// A part of an image that is measured.
struct Place {
  const ImageView& image;
  int32_t row0, col0, rows, cols;
};

// Which stars are looked for.
struct Task {
  float threshold;  // sigma of the matched filter
  float least_certainty;
  SearchArea area;
};

struct StampMeasurer::State {
  MeasureSettings settings;
  std::vector<int32_t> decoded;  // raw stamps: the measured segment's plane
  Window window;
  Window scratch;                // the window with what columns' offsets may have taken of a streak
  Detector detector;
  WideSearch search;
  Examiner examiner;
  ColumnModel columns;
  float running_fwhm = 4.0f;
  float stars_seen = 0.0f;  // good stars that taught the running width
  const Calibration* calibration = nullptr;  // borrowed
  float brightness = 0.0f;  // ADU: the fit's flux of the last window's star, less noisy than the aperture's

  struct Found {
    Source best;
    int32_t count = 0;      // candidates
    float doubtful = 0.0f;  // significance of the strongest that is no star, or blended, where that is not surely fainter than the best
  };

  Measurement Measure(const ImageView& image, const Prediction& prediction);
  Found Look(const Structure& structure, const Task& task);
  Measurement MeasureWindow(const ImageView& image, int32_t row0, int32_t col0, const Prediction& prediction, bool near, float least_certainty);
  Measurement MeasureWide(const ImageView& image);
  FaultReason Read(const Place& place, const Streak* streak, Structure* structure);
  void Clear(Structure* structure);
  Found LookBesideStreak(const Place& place, const Task& task, Structure* structure, const Found& before);
  void MeasureStreakAgain(float noise, const StarPlace& star, Streak* streak);
  Measurement Report(const Source& source, const ImageView& image) const;
};

Measurement StampMeasurer::State::Report(const Source& source, const ImageView& image) const {
  const Fit& fit = source.fit;
  const double gain = static_cast<double>(settings.gain);
  Measurement m = Empty(0);
  m.x = static_cast<double>(fit.star.x + source.doubt_x) + window.col0;
  m.y = static_cast<double>(fit.star.y + source.doubt_y) + window.row0;
  m.ex = static_cast<double>(source.ex);
  m.ey = static_cast<double>(source.ey);
  m.flux = static_cast<double>(source.flux) * gain;
  m.flux_err = static_cast<double>(source.flux_err) * gain;
  m.background = static_cast<double>(source.structure.background + fit.star.background);
  m.noise = static_cast<double>(source.structure.noise);
  m.snr = static_cast<double>(fit.snr);
  m.fwhm = static_cast<double>(fit.fwhm);
  m.moment_xx = static_cast<double>(source.shape.xx);
  m.moment_yy = static_cast<double>(source.shape.yy);
  m.moment_xy = static_cast<double>(source.shape.xy);
  m.chi2 = static_cast<double>(fit.chi2);
  m.peak = static_cast<double>(source.shape.peak);
  m.n_saturated = static_cast<uint32_t>(window.saturated);
  m.n_masked = static_cast<uint32_t>(fit.masked);
  m.iterations = static_cast<uint32_t>(fit.iterations);
  if (!source.certain) m.flags |= kLowSnr;
  if (!fit.converged) m.flags |= kNotConverged;
  if (fit.fwhm > kWidest) m.flags |= kTooWide;
  if (fit.saturated_core > 0) m.flags |= kSaturated;
  if (fit.masked_core > 0) m.flags |= kHit;
  const double margin = 0.75 * m.fwhm;
  if (m.x < margin - 0.5 || m.y < margin - 0.5 || m.x > image.cols - 0.5 - margin || m.y > image.rows - 0.5 - margin) m.flags |= kEdge;
  const Shape& shape = source.shape;
  if (source.elliptical || (shape.ellipticity > kElongatedLimit && shape.ellipticity > 5.0f * shape.ellipticity_err && fit.saturated_core == 0)) {
    if (shape.ellipticity > kElongatedLimit) m.flags |= kElongated;
  }
  if (source.blended) m.flags |= kBlended;
  return m;
}

StampMeasurer::State::Found StampMeasurer::State::Look(const Structure& structure, const Task& task) {
  Candidate candidates[kMaxCandidates];
  Found found;
  Source& best = found.best;
  found.count = detector.Find(window, structure.noise, running_fwhm, task.threshold, task.area, candidates);
  // A width learned from this sensor's stars says more than the start value.
  const ExamineSettings examine_settings{settings.gain, running_fwhm, stars_seen > 2.0f ? 0.25f : 0.4f, task.area};
  float refused = 0.0f;
  for (int32_t i = 0; i < found.count; i++) {
    Source source = examiner.Examine(window, structure, detector.capped(), columns, examine_settings, candidates[i]);
    if (!source.accepted || source.blended) refused = std::max(refused, candidates[i].significance);
    // A peak on the area's rim may be the flank of a star outside.
    if (!source.accepted || !task.area.Holds(source.fit.star.x, source.fit.star.y)) continue;
    source.certain = source.fit.snr > kSure || (FitsNoise(source.fit) && Certainty(source, candidates[i].significance, running_fwhm) >= task.least_certainty);
    const bool better = source.certain != best.certain ? source.certain : source.fit.star.flux > best.fit.star.flux;
    if (!best.accepted || better) best = source;
    // Candidates come by significance: a later one cannot be much brighter.
    if (best.accepted && i + 1 < found.count && candidates[i + 1].significance < 0.5f * candidates[i].significance) break;
  }
  found.doubtful = best.certain && !best.blended && refused < best.fit.snr ? 0.0f : refused;
  return found;
}

// Reads the place: calibrated, a streak taken out, structure removed.
FaultReason StampMeasurer::State::Read(const Place& place, const Streak* streak, Structure* structure) {
  const FaultReason fault = CopyWindow(place.image, place.row0, place.col0, place.rows, place.cols, settings.saturation, &window);
  if (fault != FaultReason::kNone) return fault;
  if (calibration != nullptr && calibration->Fits(place.image.rows, place.image.cols)) Calibrate(*calibration, &window);
  if (streak != nullptr) SubtractStreak(*streak, 1.0f, &window);
  RemoveStructure(&window, structure);
  return fault;
}

// Takes out, or masks, what else is no star's.
void StampMeasurer::State::Clear(Structure* structure) {
  RemoveWaves(&window, structure);
  // The pixels' own noise counts, but not less than what the amplifier is known to have.
  structure->noise = std::max(structure->noise, 0.8f * settings.read_noise / settings.gain);
  MaskSharpColumns(structure->noise, &window);
  MaskDeadColumns(*structure, &window);
}

// Puts the streak's light back and measures it; where that cannot be done it stays as it was.
void StampMeasurer::State::MeasureStreakAgain(float noise, const StarPlace& star, Streak* streak) {
  SubtractStreak(*streak, -1.0f, &window);
  Streak again = *streak;
  if (MeasureStreak(window, noise, star, &again)) *streak = again;
}

// Reads the place again and looks for a streak; where there is one it is taken out, and stars are looked for without it.
StampMeasurer::State::Found StampMeasurer::State::LookBesideStreak(const Place& place, const Task& task, Structure* structure, const Found& before) {
  Streak streak;
  Read(place, nullptr, structure);
  if (!FindStreak(window, *structure, &scratch, &streak)) {
    Clear(structure);
    return before;
  }
  // What the streak did to the structure is gone once it is taken out: then it is measured better.
  for (int pass = 0; pass < 3; pass++) {
    if (pass > 0) MeasureStreakAgain(structure->noise, StarPlace{}, &streak);
    Read(place, &streak, structure);
  }
  Clear(structure);
  MaskStreak(streak, structure->noise, 1.0f / settings.gain, &window);
  Found found = Look(*structure, task);
  for (int i = 0; found.best.accepted && i < 2; i++) {
    const Fit& fit = found.best.fit;
    MeasureStreakAgain(structure->noise, {fit.star.x, fit.star.y, 2.0f * fit.fwhm}, &streak);
    SubtractStreak(streak, 1.0f, &window);
    found = Look(*structure, task);
  }
  if (found.best.accepted && Outshone(streak, found.best.fit)) found.best.blended = true;
  return found;
}

Measurement StampMeasurer::State::MeasureWindow(const ImageView& image, int32_t row0, int32_t col0, const Prediction& prediction, bool near,
                                                float least_certainty) {
  const Place place{image, row0, col0, std::min(image.rows - row0, image.rows <= kWindowSide ? kWindowSide : kCutOut),
                    std::min(image.cols - col0, image.cols <= kWindowSide ? kWindowSide : kCutOut)};
  Structure structure;
  const FaultReason fault = Read(place, nullptr, &structure);
  if (fault != FaultReason::kNone) return Refused(fault);
  Clear(&structure);
  Task task{near ? kTrackingThreshold : kBlindThreshold, least_certainty, {}};
  if (near) task.area = {static_cast<float>(prediction.x) - static_cast<float>(col0), static_cast<float>(prediction.y) - static_cast<float>(row0), std::max(2.0f, static_cast<float>(prediction.radius))};
  Found found = Look(structure, task);
  if (!Undisturbed(found.best, found.count)) found = LookBesideStreak(place, task, &structure, found);
  // Something bright was no star, or not surely one: what is too sharp for starlight may lie on top of one.
  if (found.doubtful > kSure && MaskTracks(structure.noise, kSharp, &window) > 0) {
    const Found again = Look(structure, task);
    if (Settles(again.best)) found = again;
  }
  const Source& best = found.best;
  Measurement m = best.accepted ? Report(best, image) : Empty(kNoStar);
  brightness = best.accepted ? best.fit.star.flux : 0.0f;
  if (!best.accepted) {
    m.background = static_cast<double>(structure.background);
    m.noise = static_cast<double>(structure.noise);
    m.n_saturated = static_cast<uint32_t>(window.saturated);
  }
  columns.Learn(window.col0, window.cols, best.accepted ? best.structure.measured_columns : structure.measured_columns);
  m.candidates = static_cast<uint32_t>(found.count);
  return m;
}

Measurement StampMeasurer::State::MeasureWide(const ImageView& image) {
  Candidate places[kMaxCandidates];
  const int32_t count = search.Find(image, kSearchThreshold, places);
  constexpr uint32_t kNothing = kNoStar | kFault;  // a cut-out may be torn where the rest is not
  Measurement best = Empty(kNoStar);
  float brightest = 0.0f;
  for (int32_t i = 0; i < count; i++) {
    const auto corner = [](float at, int32_t size) { return std::clamp(static_cast<int32_t>(at) - kCutOut / 2, 0, std::max(0, size - kCutOut)); };
    Prediction place;
    place.x = static_cast<double>(places[i].x);
    place.y = static_cast<double>(places[i].y);
    place.radius = 8.0;
    const Measurement m = MeasureWindow(image, corner(places[i].y, image.rows), corner(places[i].x, image.cols), place, true, kSearchCertainty);
    const bool star = (m.flags & kNothing) == 0, certain = (m.flags & (kNothing | kLowSnr)) == 0, was_certain = (best.flags & (kNothing | kLowSnr)) == 0;
    if (i == 0 || (star && (certain != was_certain ? certain : brightness > brightest))) {
      best = m;
      brightest = star ? brightness : 0.0f;
    }
    if ((best.flags & kNothing) == 0 && i + 1 < count && places[i + 1].significance < 0.5f * places[i].significance) break;
  }
  best.candidates = static_cast<uint32_t>(count);
  return best;
}

Measurement StampMeasurer::State::Measure(const ImageView& given, const Prediction& prediction) {
  ImageView image = given;
  if (given.rows > settings.max_rows || given.cols > settings.max_cols || given.rows < 10 || given.cols < 10) {
    return Refused(FaultReason::kGeometry);
  }
  if (given.type == PixelType::kRaw18x16 && given.data != nullptr && given.first_col >= 0 && given.stride - given.first_col >= given.cols) {
    const auto cols = static_cast<size_t>(given.cols), stride = static_cast<size_t>(given.stride);
    const uint8_t* raw = static_cast<const uint8_t*>(given.data) + static_cast<size_t>(given.first_col) * kRawClockBytes;
    for (size_t r = 0; r < static_cast<size_t>(given.rows); r++) {
      DecodeRawPlane(raw + r * stride * kRawClockBytes, cols, settings.raw_segment, kRawCodeInverted, decoded.data() + r * cols);
    }
    image.data = decoded.data();
    image.type = PixelType::kI32;
    image.stride = given.cols;
  }
  const bool large = image.rows > kWindowSide || image.cols > kWindowSide;
  FaultReason fault = CheckGeometry(image);
  if (fault != FaultReason::kNone) return Refused(fault);
  const auto corner = [](double at, int32_t size) { return std::clamp(static_cast<int32_t>(std::lround(at)) - kCutOut / 2, 0, std::max(0, size - kCutOut)); };
  const int32_t row0 = large && prediction.valid ? corner(prediction.y, image.rows) : 0, col0 = large && prediction.valid ? corner(prediction.x, image.cols) : 0;
  if (large && prediction.valid) Expect(image, row0, col0, kCutOut, kCutOut);
  // A stamp that is measured as a whole is looked at when it is copied.
  if (large) fault = SampleIntegrity(image);
  if (fault != FaultReason::kNone) return Refused(fault);
  Measurement m;
  if (large && prediction.valid) {
    m = MeasureWindow(image, row0, col0, prediction, true, kTrackingCertainty);
  } else if (large) {
    m = MeasureWide(image);
  } else {
    m = MeasureWindow(image, row0, col0, prediction, prediction.valid, prediction.valid ? kTrackingCertainty : kBlindCertainty);
  }
  // The width changes slowly: a good star's width starts the next fit.
  if ((m.flags & (kDoNotUse | kElongated | kSaturated | kHit)) == 0 && m.snr > 15.0) {
    stars_seen = std::min(stars_seen + 1.0f, 10.0f);
    running_fwhm += (static_cast<float>(m.fwhm) - running_fwhm) / std::max(3.0f, stars_seen);
  }
  return m;
}

std::unique_ptr<StampMeasurer> StampMeasurer::Create(const MeasureSettings& s) noexcept {
  const bool sizes = s.max_rows >= 1 && s.max_rows <= kLargestSide && s.max_cols >= 1 && s.max_cols <= kLargestSide;
  const bool numbers = s.gain > 0.0f && std::isfinite(s.gain) && s.read_noise >= 0.0f && std::isfinite(s.read_noise) && s.expected_fwhm > 1.0f &&
                       s.expected_fwhm < 20.0f && s.saturation > 0 && s.raw_segment >= 0 && s.raw_segment < 16;
  if (!sizes || !numbers || s.max_rows > WideSearch::kMaxSide || s.max_cols > WideSearch::kMaxSide) return nullptr;
  std::unique_ptr<State> state(new (std::nothrow) State());
  if (state == nullptr) return nullptr;
  state->settings = s;
  state->running_fwhm = s.expected_fwhm;
  state->decoded.resize(static_cast<size_t>(s.max_rows) * static_cast<size_t>(s.max_cols));
  return std::unique_ptr<StampMeasurer>(new (std::nothrow) StampMeasurer(std::move(state)));
}

StampMeasurer::StampMeasurer(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
StampMeasurer::~StampMeasurer() = default;

Measurement StampMeasurer::Measure(const ImageView& image, const Prediction& prediction) noexcept {
  Measurement m = state_->Measure(image, prediction);
  if (state_->settings.bad_amp) m.flags |= kBadAmp;
  const Calibration* calibration = state_->calibration;
  const bool calibrated = calibration != nullptr && calibration->complete && calibration->Fits(image.rows, image.cols);
  if (state_->settings.calibrated && !calibrated && (m.flags & kFault) == 0) m.flags |= kUncalibrated;
  return m;
}

void StampMeasurer::Use(const Calibration* calibration) noexcept { state_->calibration = calibration; }

void StampMeasurer::SetAmplifier(float gain, float read_noise) noexcept {
  if (!(gain > 0.0f) || !std::isfinite(gain) || !(read_noise >= 0.0f) || !std::isfinite(read_noise)) return;
  state_->settings.gain = gain;
  state_->settings.read_noise = read_noise;
}

void StampMeasurer::Reset() noexcept {
  state_->running_fwhm = state_->settings.expected_fwhm;
  state_->stars_seen = 0.0f;
  state_->columns.Reset();
}

}  // namespace summit::pixels
