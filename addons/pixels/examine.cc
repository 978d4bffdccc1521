// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/examine.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/aperture.h"

namespace summit::pixels {
namespace {

constexpr float kLeastSnr = 3.5f;       // below: noise
constexpr float kNarrowest = 1.75f;     // px FWHM: narrower is no star but a cosmic ray
constexpr float kNarrowAcross = 1.9f;   // px FWHM across an elongated image
constexpr float kNarrowHit = 2.1f;      // px FWHM where core pixels are left out
constexpr float kNarrowMasked = 2.35f;  // px FWHM where kManyMasked pixels about it are left out
constexpr int32_t kManyMasked = 4;
constexpr float kWidest = 18.0f;        // px FWHM
constexpr float kLeastSeen = 0.45f;     // share of the star's information on pixels in use
constexpr float kShapeFrom = 0.10f;     // weighted ellipticity from which the shape is fitted
constexpr float kShapeSigma = 5.0f;
constexpr float kNeighbourSigma = 6.0f; // leftover that is looked into
constexpr float kNeighbourShare = 0.05f;
constexpr float kNeighbourReach = 3.5f; // FWHM
constexpr float kBlendReach = 1.7f;     // FWHM: a neighbour nearer than this leaves the position in doubt
constexpr float kUnmoved = 0.2f;        // errors: the light of a star that moved less is still that of the star
constexpr float kFaint = 0.03f;         // sigma of the noise: starlight below it moves no offset
constexpr float kHarmless = 0.4f;       // px from the brighter star to the light's centre: no matter which is meant
constexpr float kInDoubt = 0.75f;       // px from a place in the middle to either reading: it serves both
constexpr float kAlike = 3.0f;          // sigma between the fluxes of two stars
// What two stars must be the better for than a trail, by the logarithm of the number of pixels (G. Schwarz, Ann. Statist. 6,
// 461, 1978): they have one parameter more. No trail looks like two unlike stars.
constexpr float kOneMore = 6.0f;
constexpr float kLeastSaturatedSnr = 15.0f;  // a star that saturates is bright: fainter ones only lie beside masked pixels
constexpr float kMisfitSigma = 5.0f;
constexpr float kChanceSigma = 5.0f;    // of chi2
constexpr float kMisfitShare = 0.06f;   // of a star's signal that may be left over: no star's profile leaves more

void CopyTo(const Window& from, Window* to) {
  const auto pixels = static_cast<size_t>(from.rows) * kWindowStride;
  std::memcpy(to->pixels, from.pixels, sizeof(float) * pixels);
  std::memcpy(to->masked, from.masked, pixels);
  to->rows = from.rows;
  to->cols = from.cols;
  to->row0 = from.row0;
  to->col0 = from.col0;
  to->saturated = from.saturated;
  to->defective = from.defective;
}

// The narrower width of an elongated image, px: no seeing makes it as narrow as a particle's track does.
float AcrossFwhm(const Fit& fit) {
  const float g = std::min(0.99f, std::hypot(fit.star.g1, fit.star.g2));
  return fit.fwhm * std::sqrt((1.0f - g) / (1.0f + g));
}

// No star: what is left of a particle's track is as narrow as none, or nearly so where part of it was taken out.
bool Residue(const Source& source) {
  const Fit& fit = source.fit;
  if (source.elliptical && AcrossFwhm(fit) < kNarrowAcross) return true;
  if (fit.saturated_core > 0 && fit.snr < kLeastSaturatedSnr) return true;
  return (fit.masked_core > 0 && fit.fwhm < kNarrowHit) || (fit.masked >= kManyMasked && fit.fwhm < kNarrowMasked);
}

bool Plausible(const Fit& fit) {
  return !fit.left && fit.snr >= kLeastSnr && fit.fwhm >= kNarrowest && fit.fwhm <= kWidest && (fit.seen >= kLeastSeen || fit.saturated_core > 0);
}

// Twice the negative logarithm of the likelihood, where a pixel left out costs as much as an outlier that is just kept.
float Cost(const Fit& fit) { return fit.chi2 * static_cast<float>(fit.used) + 25.0f * static_cast<float>(fit.masked); }

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

// Near the noise the inverse of the Hessian is too small an error. The fit's SNR is that of the highest point of a noisy
// likelihood: its square is larger than the true one by one for each of x, y and width. And the curvature there
// scatters, for a Gaussian star by 3 / SNR^2 in relative variance, which adds three times as much to that of the position.
float NoiseCost(float snr) {
  const float inverse2 = 1.0f / (snr * snr);
  return std::sqrt((1.0f + 9.0f * inverse2) / std::max(0.5f, 1.0f - 3.0f * inverse2));
}

// Residuals larger than noise makes them, by surely more than chance: errors of the position grow with them.
float ErrorScale(const Fit& fit) {
  const float scatter = std::sqrt(2.0f / static_cast<float>(std::max(1, fit.used)));
  return fit.chi2 > 1.0f + kChanceSigma * scatter ? std::sqrt(fit.chi2) : 1.0f;
}

}  // namespace

// Fits, takes the offsets anew without the star, and fits again until the offsets no longer move the star.
bool Examiner::FitAndRefine(const Window& window, const float* capped, const ColumnModel& model, const FitSettings& settings, const StarModel& start, Source* source) {
  FitSettings rough = settings;
  rough.settled = 0.5f;
  source->fit = FitStar({&window, capped, rejected_}, rough, start, false);
  if (!Plausible(source->fit)) return false;
  for (int pass = 0; pass < 3; pass++) {
    const Fit before = source->fit;
    const Box lit = BoxAt(refined_, before.star.x, before.star.y, LightReach(before.star, kFaint * settings.noise));
    std::memset(light_, 0, sizeof(float) * static_cast<size_t>(refined_.rows * kWindowStride));
    RenderStar(before.star, lit, light_);
    RefineStructure(light_, 1.0f / settings.gain, model, &refined_, &source->structure);
    source->fit = FitStar({&refined_, nullptr, rejected_}, settings, before.star, false);
    if (!Plausible(source->fit)) return false;
    const float change = std::max({std::fabs(source->fit.star.x - before.star.x) / source->fit.ex, std::fabs(source->fit.star.y - before.star.y) / source->fit.ey,
                                   0.25f * std::fabs(source->fit.star.flux - before.star.flux) / source->fit.flux_err});
    // Each round leaves a fifth of its change at most.
    lit_ = change < kUnmoved;
    if (change < 0.5f) break;
  }
  return true;
}

// What stands beside the star: a second star, fitted along, or no star's light, left out. The cheaper one is taken.
void Examiner::ExplainLeftover(const FitSettings& given, const Leftover& leftover, Source* source) {
  const FitSettings& settings = given;
  StarModel two = source->fit.star;
  two.x = static_cast<float>(leftover.col);
  two.y = static_cast<float>(leftover.row);
  two.flux = leftover.light / (9.0f * ProfileAt(two, 0.0f, 0.0f));
  std::memset(other_rejected_, 0, sizeof other_rejected_);
  StarModel round = source->fit.star;
  round.g1 = round.g2 = two.g1 = two.g2 = 0.0f;
  const DoubleFit pair = FitTwoStars(refined_, settings, round, two, other_rejected_);
  SubtractStar(refined_.pixels, source->fit.star, Box{0, refined_.rows, 0, (refined_.cols + 7) / 8 * 8}, residual_);
  RejectAround(leftover, source->fit, settings.noise, settings.gain);
  const Fit alone = FitStar({&refined_, nullptr, rejected_}, settings, source->fit.star, source->elliptical);
  const bool star_like = pair.valid && pair.main.converged && pair.neighbour_snr > 4.5f && Plausible(pair.main);
  if (star_like && (!Plausible(alone) || Cost(pair.main) < Cost(alone))) {
    TakePair(pair, settings.noise, source);
  } else {
    source->fit = alone;
  }
}

void Examiner::TakePair(const DoubleFit& pair, float noise, Source* source) {
  const StarModel& two = pair.neighbour;
  source->fit = pair.main;
  source->pair = true;
  source->elliptical = false;
  Place(pair, source);
  std::memcpy(rejected_, other_rejected_, sizeof rejected_);
  // What is left is one star alone, for its shape.
  SubtractStar(refined_.pixels, two, BoxAt(refined_, two.x, two.y, LightReach(two, kFaint * noise)), refined_.pixels);
}

// Two stars near each other may be one disturbed image: then the light's centre is meant, not the brighter star. Where a
// place between both readings is near enough to either, it is the answer, with an error that covers both.
void Examiner::Place(const DoubleFit& pair, Source* source) {
  const StarModel &one = pair.main.star, &two = pair.neighbour;
  const float dx = two.x - one.x, dy = two.y - one.y, distance = std::hypot(dx, dy), share = two.flux / (one.flux + two.flux);
  const bool alike = pair.flux_difference < kAlike, near = distance < kBlendReach * pair.main.fwhm;
  // The readings, from the star along the line: it, the light's centre, and the other star where it may be the brighter.
  const float farthest = alike ? distance : distance * share;
  source->blended = near ? 0.5f * farthest > kInDoubt : alike;
  if (source->blended || !near || farthest < kHarmless) return;
  source->doubt_x = 0.5f * farthest / distance * dx;
  source->doubt_y = 0.5f * farthest / distance * dy;
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

// An elongated image: a disturbed profile, fitted with its shape free, a trail, or two stars. The cheapest is taken.
void Examiner::ExplainElongation(const FitSettings& given, Source* source) {
  FitSettings settings = given;
  settings.box_x = source->fit.star.x;
  settings.box_y = source->fit.star.y;
  settings.reach = std::clamp(std::ceil(3.0f * source->fit.fwhm), 10.0f, 22.0f);
  source->fit = FitStar({&refined_, nullptr, rejected_}, settings, source->fit.star, false);
  std::memset(other_rejected_, 0, sizeof other_rejected_);
  StarModel start = source->fit.star;
  start.g1 = std::clamp(source->shape.g1, -0.6f, 0.6f);
  start.g2 = std::clamp(source->shape.g2, -0.6f, 0.6f);
  start.log_fwhm += 0.1f;
  Fit shaped = FitStar({&refined_, nullptr, other_rejected_}, settings, start, true);
  if (!shaped.left) {
    // Flux and width of an ellipse: r^2 has the determinant 1 - g^2.
    const float determinant = std::max(0.05f, 1.0f - shaped.star.g1 * shaped.star.g1 - shaped.star.g2 * shaped.star.g2);
    shaped.fwhm *= std::pow(determinant, -0.25f);
  }
  const bool shape_possible = Plausible(shaped) && Cost(shaped) < Cost(source->fit) - 12.0f;
  Fit best = source->fit;
  if (shape_possible) {
    best = shaped;
    std::memcpy(rejected_, other_rejected_, sizeof rejected_);
  }
  // Two stars on the major axis, as far apart as the moments say.
  const Shape& shape = source->shape;
  const float apart2 = std::hypot(shape.xx - shape.yy, 2.0f * shape.xy), minor2 = 0.5f * (shape.xx + shape.yy - apart2);
  const float half = std::clamp(std::sqrt(apart2), 0.35f * settings.fwhm, 1.2f * source->fit.fwhm);
  const float angle = 0.5f * std::atan2(2.0f * shape.xy, shape.xx - shape.yy);
  StarModel one = source->fit.star;
  one.log_fwhm = std::log(std::clamp(2.2f * std::sqrt(std::max(minor2, 0.3f)), 0.6f * source->fit.fwhm, source->fit.fwhm));
  one.flux *= 0.5f;
  StarModel two = one;
  one.x += half * std::cos(angle);
  one.y += half * std::sin(angle);
  two.x -= half * std::cos(angle);
  two.y -= half * std::sin(angle);
  std::memset(other_rejected_, 0, sizeof other_rejected_);
  const DoubleFit pair = FitTwoStars(refined_, settings, one, two, other_rejected_);
  const bool pair_possible = pair.valid && pair.neighbour_snr > 4.5f && Plausible(pair.main) && Cost(pair.main) < Cost(best) - 6.0f;
  // A trail, as long as the moments say: an even bar of half length h has the variance h^2 / 3.
  std::memset(trail_rejected_, 0, sizeof trail_rejected_);
  StarModel middle = source->fit.star;
  middle.log_fwhm = one.log_fwhm;
  const Fit trail = FitTrail(refined_, settings, middle, 1.5f * half * std::cos(angle), 1.5f * half * std::sin(angle), trail_rejected_);
  const float others = pair_possible ? Cost(pair.main) + (std::fabs(pair.flux_difference) < kAlike ? kOneMore : 0.0f) : Cost(best);
  if (Plausible(trail) && Cost(trail) < others) {
    source->fit = trail;
    source->elliptical = source->trail = true;
    std::memcpy(rejected_, trail_rejected_, sizeof rejected_);
  } else if (pair_possible) {
    TakePair(pair, settings.noise, source);
  } else {
    source->fit = best;
    source->elliptical = shape_possible;
  }
}

Source Examiner::Examine(const Window& window, const Structure& structure, const float* capped, const ColumnModel& model, const ExamineSettings& settings, const Candidate& candidate) {
  Source source;
  source.structure = structure;
  CopyTo(window, &refined_);
  std::memset(rejected_, 0, static_cast<size_t>(window.rows) * kWindowStride);
  FitSettings fit_settings;
  fit_settings.noise = structure.noise;
  fit_settings.gain = settings.gain;
  fit_settings.fwhm = settings.fwhm;
  fit_settings.fwhm_scatter = settings.fwhm_scatter;
  fit_settings.area = settings.area;
  fit_settings.background_scatter = 0.5f * structure.noise;
  StarModel start;
  start.x = candidate.x;
  start.y = candidate.y;
  start.log_fwhm = std::log(settings.fwhm);
  start.flux = candidate.significance * structure.noise * settings.fwhm * 1.6f;
  if (!FitAndRefine(window, capped, model, fit_settings, start, &source)) return source;

  const float noise = structure.noise;
  source.shape = MeasureShape(refined_, rejected_, source.fit, noise, settings.gain, residual_);
  if (source.shape.ellipticity > kShapeFrom && source.shape.ellipticity > kShapeSigma * source.shape.ellipticity_err && source.fit.saturated_core == 0) {
    ExplainElongation(fit_settings, &source);
    lit_ = false;
  }
  bool residual_is_last = false;
  if (!source.pair && !source.trail) {
    const auto reach = static_cast<int32_t>(kNeighbourReach * source.fit.fwhm) + 3;
    const Box box = BoxAt(refined_, source.fit.star.x, source.fit.star.y, reach);
    if (lit_ && !source.elliptical) {
      SubtractLight(refined_.pixels, light_, box, residual_);
    } else {
      SubtractStar(refined_.pixels, source.fit.star, box, residual_);
    }
    const Leftover leftover = FindLeftover(refined_, rejected_, source.fit, residual_, noise, settings.gain, kNeighbourReach);
    residual_is_last = leftover.significance <= kNeighbourSigma || leftover.share <= kNeighbourShare;
    if (!residual_is_last) ExplainLeftover(fit_settings, leftover, &source);
  }
  if (!Plausible(source.fit) || Residue(source)) return source;
  if (!source.pair && !source.trail && source.fit.saturated_core == 0) {
    if (!residual_is_last) {
      const auto reach = static_cast<int32_t>(2.0f * source.fit.fwhm) + 2;
      SubtractStar(refined_.pixels, source.fit.star, BoxAt(refined_, source.fit.star.x, source.fit.star.y, reach), residual_);
    }
    const Misfit misfit = MeasureMisfit(refined_, rejected_, source.fit, residual_, noise, settings.gain);
    if (misfit.significance > kMisfitSigma && misfit.share > kMisfitShare) return source;
  }
  if (source.pair) source.shape = MeasureShape(refined_, rejected_, source.fit, noise, settings.gain, residual_);
  // An elliptical profile holds more than its round one: r^2 has the determinant 1 - g^2.
  const float more = 1.0f / std::sqrt(1.0f - source.fit.star.g1 * source.fit.star.g1 - source.fit.star.g2 * source.fit.star.g2);
  const float flux = more * source.fit.star.flux;
  const ApertureFlux aperture = source.trail ? ApertureFlux{} : MeasureAperture(refined_, rejected_, source.fit, noise, settings.gain);
  const float noise_cost = NoiseCost(source.fit.snr);
  source.ex = noise_cost * source.fit.ex * OffsetCost(source.fit, source.structure.column_gain, window.rows, noise, settings.gain);
  source.ey = noise_cost * source.fit.ey * OffsetCost(source.fit, source.structure.row_gain, window.cols, noise, settings.gain);
  // Where the profile is not the model's, more than noise moves the star.
  const float misfit = ErrorScale(source.fit);
  source.ex = std::hypot(misfit * source.ex, source.doubt_x);
  source.ey = std::hypot(misfit * source.ey, source.doubt_y);
  source.fit.flux_err *= more;
  source.fit.star.flux = flux;
  source.flux = aperture.valid ? more * aperture.flux : flux;
  source.fit.fwhm *= std::exp(aperture.widening);
  source.flux_err = aperture.valid ? more * aperture.error : source.fit.flux_err;
  source.accepted = source.elliptical ? source.fit.masked < std::max(16, source.fit.used / 3) : Acceptable(source.fit);
  return source;
}

}  // namespace summit::pixels
