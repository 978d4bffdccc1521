// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/examine.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace summit::pixels {
namespace {

constexpr float kLeastSnr = 3.8f;       // below: noise
constexpr float kNarrowest = 1.75f;     // px FWHM: narrower is no star but a cosmic ray
constexpr float kWidest = 18.0f;        // px FWHM
constexpr float kLeastSeen = 0.45f;     // share of the star's information on pixels in use
constexpr float kShapeFrom = 0.10f;     // weighted ellipticity from which the shape is fitted
constexpr float kShapeSigma = 5.0f;
constexpr float kNeighbourSigma = 6.0f; // leftover that is looked into
constexpr float kNeighbourShare = 0.05f;
constexpr float kNeighbourReach = 3.5f; // FWHM
constexpr float kBlendReach = 1.7f;     // FWHM: a neighbour nearer than this leaves the position in doubt

bool Plausible(const Fit& fit) {
  return !fit.left && fit.snr >= kLeastSnr && fit.fwhm >= kNarrowest && fit.fwhm <= kWidest && (fit.seen >= kLeastSeen || fit.saturated_core > 0);
}

// A fit that had to leave out much of what it claims did not see a star. Saturation is no excuse to refuse.
bool Acceptable(const Fit& fit) {
  const float core = 3.14f * 0.64f * fit.fwhm * fit.fwhm;
  return Plausible(fit) && (fit.saturated_core > 0 || static_cast<float>(fit.masked_core) < 0.4f * core) && fit.masked < std::max(16, fit.used / 3);
}

// Offsets that are measured on the star's own columns cost a part of its information. For a Gaussian of width
// sigma over n rows the slope of the profile loses 2 sqrt(pi) sigma / n; shot noise makes it less.
float OffsetCost(const Fit& fit, float gain_share, int32_t n, float noise, float gain) {
  const float loss = gain_share * std::min(0.6f, 1.505f * fit.fwhm / static_cast<float>(n));
  const float peak = fit.star.flux * ProfileAt(fit.star, 0.0f, 0.0f);
  const float background_share = noise * noise / (noise * noise + 0.4f * peak / gain);
  return 1.0f / std::sqrt(1.0f - loss * background_share);
}

}  // namespace

// Fits, takes the offsets anew without the star, and fits again until the offsets no longer move the star.
bool Examiner::FitAndRefine(const Window& window, const float* capped, const ColumnModel& model, const FitSettings& settings, const StarModel& start, Source* source) {
  source->fit = FitStar({&window, capped, rejected_}, settings, start, false);
  if (!Plausible(source->fit)) return false;
  for (int pass = 0; pass < 3; pass++) {
    const Fit before = source->fit;
    SubtractStar(refined_.pixels, before.star, refined_.rows, refined_.cols, residual_);
    RefineStructure(residual_, 1.0f / settings.gain, model, &refined_, &source->structure);
    source->fit = FitStar({&refined_, nullptr, rejected_}, settings, before.star, false);
    if (!Plausible(source->fit)) return false;
    const float change = std::max({std::fabs(source->fit.star.x - before.star.x) / source->fit.ex, std::fabs(source->fit.star.y - before.star.y) / source->fit.ey,
                                   0.5f * std::fabs(source->fit.star.flux - before.star.flux) / source->fit.flux_err});
    if (change < 0.25f) break;
  }
  return true;
}

// A second star: both are fitted in turn, each on what the other leaves.
void Examiner::FitNeighbour(const FitSettings& given, const Leftover& leftover, Source* source) {
  FitSettings settings = given;
  settings.fwhm = source->fit.fwhm;
  settings.fwhm_scatter = 0.08f;
  settings.blend = source->fit.star.blend;
  settings.blend_scatter = 0.05f;
  StarModel star;
  star.x = static_cast<float>(leftover.col);
  star.y = static_cast<float>(leftover.row);
  star.log_fwhm = source->fit.star.log_fwhm;
  star.blend = source->fit.star.blend;
  star.flux = leftover.light / (9.0f * ProfileAt(star, 0.0f, 0.0f));
  single_ = refined_;
  Fit neighbour, main = source->fit;
  std::memset(neighbour_rejected_, 0, sizeof neighbour_rejected_);
  for (int pass = 0; pass < 4; pass++) {
    SubtractStar(refined_.pixels, main.star, refined_.rows, refined_.cols, single_.pixels);
    neighbour = FitStar({&single_, nullptr, neighbour_rejected_}, settings, star, false);
    const bool star_like = Plausible(neighbour) && neighbour.snr > 4.5f && neighbour.seen > 0.6f && std::fabs(neighbour.star.log_fwhm - source->fit.star.log_fwhm) < 0.35f &&
                           std::hypot(neighbour.star.x - static_cast<float>(leftover.col), neighbour.star.y - static_cast<float>(leftover.row)) < 0.8f * source->fit.fwhm;
    if (!star_like) {
      RejectAround(leftover, source->fit, given.noise, given.gain);
      source->fit = FitStar({&refined_, nullptr, rejected_}, given, source->fit.star, false);
      return;
    }
    star = neighbour.star;
    SubtractStar(refined_.pixels, neighbour.star, refined_.rows, refined_.cols, single_.pixels);
    const float x = main.star.x, y = main.star.y;
    std::memset(rejected_, 0, sizeof rejected_);
    main = FitStar({&single_, nullptr, rejected_}, given, main.star, false);
    if (!Plausible(main)) {
      source->blended = true;
      return;
    }
    if (pass > 0 && std::hypot(main.star.x - x, main.star.y - y) < 0.3f * main.ex) break;
  }
  const float distance = std::hypot(main.star.x - neighbour.star.x, main.star.y - neighbour.star.y);
  source->fit = main;
  if (neighbour.star.flux > main.star.flux) source->fit = neighbour;
  source->blended = distance < kBlendReach * main.fwhm;
  // What is left is the measured star alone, for its shape.
  SubtractStar(refined_.pixels, neighbour.star.flux > main.star.flux ? main.star : neighbour.star, refined_.rows, refined_.cols, single_.pixels);
  std::memcpy(refined_.pixels, single_.pixels, sizeof refined_.pixels);
}

// Marks the connected excess about the leftover as no star's light.
void Examiner::RejectAround(const Leftover& leftover, const Fit& fit, float noise, float gain) {
  for (int32_t r = std::max(0, leftover.row - 6); r <= std::min(refined_.rows - 1, leftover.row + 6); r++) {
    for (int32_t c = std::max(0, leftover.col - 6); c <= std::min(refined_.cols - 1, leftover.col + 6); c++) {
      const float model = fit.star.flux * ProfileAt(fit.star, static_cast<float>(c) - fit.star.x, static_cast<float>(r) - fit.star.y);
      const float limit = 3.0f * std::sqrt(noise * noise + model / gain + 0.0025f * model * model);
      if (residual_[r * kWindowStride + c] - fit.star.background > limit) rejected_[r * kWindowStride + c] = kKnownBad;
    }
  }
}

// An elongated image is fitted with its shape free; that fit is taken when it leaves clearly less.
void Examiner::TryShape(const FitSettings& settings, Source* source) {
  std::memset(neighbour_rejected_, 0, sizeof neighbour_rejected_);
  StarModel start = source->fit.star;
  start.g1 = std::clamp(source->shape.g1, -0.6f, 0.6f);
  start.g2 = std::clamp(source->shape.g2, -0.6f, 0.6f);
  start.log_fwhm += 0.1f;
  Fit shaped = FitStar({&refined_, nullptr, neighbour_rejected_}, settings, start, true);
  if (shaped.left || shaped.masked > source->fit.masked + 4) return;
  const float before = source->fit.chi2 + 25.0f * static_cast<float>(source->fit.masked) / static_cast<float>(std::max(1, source->fit.used));
  const float after = shaped.chi2 + 25.0f * static_cast<float>(shaped.masked) / static_cast<float>(std::max(1, shaped.used));
  if (after > before - 12.0f / static_cast<float>(std::max(1, shaped.used))) return;
  // Flux and width of an ellipse: r^2 has the determinant 1 - g^2.
  const float determinant = std::max(0.05f, 1.0f - shaped.star.g1 * shaped.star.g1 - shaped.star.g2 * shaped.star.g2);
  shaped.fwhm *= std::pow(determinant, -0.25f);
  if (shaped.fwhm < kNarrowest || shaped.fwhm > kWidest || shaped.snr < kLeastSnr) return;
  source->fit = shaped;
  source->elliptical = true;
  std::memcpy(rejected_, neighbour_rejected_, sizeof rejected_);
}

Source Examiner::Examine(const Window& window, const Structure& structure, const float* capped, const ColumnModel& model, const ExamineSettings& settings, const Candidate& candidate) {
  Source source;
  source.structure = structure;
  refined_ = window;
  std::memset(rejected_, 0, sizeof rejected_);
  FitSettings fit_settings;
  fit_settings.noise = structure.noise;
  fit_settings.gain = settings.gain;
  fit_settings.fwhm = settings.fwhm;
  fit_settings.fwhm_scatter = settings.fwhm_scatter;
  fit_settings.background_scatter = 0.5f * structure.noise;
  StarModel start;
  start.x = candidate.x;
  start.y = candidate.y;
  start.log_fwhm = std::log(settings.fwhm);
  start.flux = candidate.significance * structure.noise * settings.fwhm * 1.6f;
  if (!FitAndRefine(window, capped, model, fit_settings, start, &source)) return source;

  SubtractStar(refined_.pixels, source.fit.star, refined_.rows, refined_.cols, residual_);
  const float noise = structure.noise;
  const Leftover leftover = FindLeftover(refined_, rejected_, source.fit, residual_, noise, settings.gain, kNeighbourReach);
  if (leftover.significance > kNeighbourSigma && leftover.share > kNeighbourShare) FitNeighbour(fit_settings, leftover, &source);
  if (!Plausible(source.fit)) return source;

  source.shape = MeasureShape(refined_, rejected_, source.fit, noise, settings.gain);
  if (source.shape.ellipticity > kShapeFrom && source.shape.ellipticity > kShapeSigma * source.shape.ellipticity_err && source.fit.saturated_core == 0) {
    TryShape(fit_settings, &source);
  }
  const float flux = source.fit.star.flux / std::sqrt(1.0f - source.fit.star.g1 * source.fit.star.g1 - source.fit.star.g2 * source.fit.star.g2);
  source.ex = source.fit.ex * OffsetCost(source.fit, source.structure.column_gain, window.rows, noise, settings.gain);
  source.ey = source.fit.ey * OffsetCost(source.fit, source.structure.row_gain, window.cols, noise, settings.gain);
  source.fit.flux_err *= flux / source.fit.star.flux;
  source.fit.star.flux = flux;
  source.accepted = source.elliptical ? source.fit.masked < std::max(16, source.fit.used / 3) : Acceptable(source.fit);
  return source;
}

}  // namespace summit::pixels
