// SPDX-License-Identifier: Apache-2.0
#include "addons/image/latiss_look.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "addons/image/parallel.h"

namespace summit::image {
namespace {

constexpr double kUsualFwhm = 11.0;  // px, of 1 arcsec seeing
constexpr size_t kMostSources = 150, kMostZeroth = 60;
constexpr double kLeastDistanceMm = 20.0, kMostDistanceMm = 120.0;  // LINSPOS that can be

bool LooksLikeAStar(const Star& star) { return star.found && std::hypot(star.e1, star.e2) < 0.35 && star.fwhm > 3.0 && star.fwhm < 45.0 && star.snr > 8.0; }

// Fits of the places, in their order; several threads take them in turn.
std::vector<Star> FitAll(const SkyMap& map, const std::vector<Blob>& blobs, double fwhm, double beta, int32_t threads) {
  std::vector<Star> stars(blobs.size());
  ForEachPart(threads, static_cast<int32_t>(blobs.size()), [&](int32_t i) {
    const Blob& blob = blobs[static_cast<size_t>(i)];
    stars[static_cast<size_t>(i)] = FitStar(map, {blob.x, blob.y, fwhm, beta, static_cast<int32_t>(std::clamp(2.0 * fwhm, 8.0, 40.0))});
  });
  return stars;
}

void MarkTarget(const Star& target, LatissLook* look) {
  if (target.blend) look->flags |= kBlend;
  if (target.n_full > 0) look->flags |= kTargetSaturated;
  if (target.edge) look->flags |= kEdge;
  if (target.snr < 20.0) look->flags |= kLowSnr;
}

// The brightest place that holds a star, fitted with all its light.
Star FindTarget(const SkyMap& map, const std::vector<Blob>& blobs) {
  constexpr size_t kMostTried = 12;
  Star best;
  for (size_t i = 0; i < std::min(blobs.size(), kMostTried); i++) {
    const Star star = FitStar(map, {blobs[i].x, blobs[i].y, kUsualFwhm, 0.0, 0});
    if (LooksLikeAStar(star) && (!best.found || star.flux > 1.02 * best.flux)) best = star;
    // Fainter places follow; a saturated one has a lower peak than its flux tells.
    if (best.found && blobs[std::min(i + 1, blobs.size() - 1)].peak < 0.15 * blobs[0].peak) break;
  }
  return best;
}

// Once more with all that is known of it; a streak across it is taken off first.
Star FitAgain(const SkyMap& map, const Star& star, LatissLook* look) {
  const Streak streak = FindStreak(map, star.x, star.y, std::min(star.fwhm, 2.0 * kUsualFwhm));
  if (streak.found) look->flags |= kStreak;
  const Star again = FitStar(map, {star.x, star.y, std::min(star.fwhm, 2.0 * kUsualFwhm), 0.0, 0, streak.found ? &streak : nullptr});
  return again.found ? again : star;
}

void AddSources(const SkyMap& map, const std::vector<Blob>& blobs, int32_t threads, LatissLook* look) {
  const Star& target = look->target;
  std::vector<Blob> others;
  // Blobs of the target's own spectrum are no stars.
  const auto on_trace = [&](const Blob& blob) { return look->trace.found && std::fabs(blob.x - look->trace.XAt(blob.y)) < 3.0 * target.fwhm; };
  std::copy_if(blobs.begin(), blobs.end(), std::back_inserter(others), [&](const Blob& blob) { return !on_trace(blob) && std::hypot(blob.x - target.x, blob.y - target.y) > 2.0 * target.fwhm; });
  look->sources.push_back(target);
  for (const Star& star : FitAll(map, others, target.fwhm, target.beta, threads)) {
    if (!LooksLikeAStar(star) || star.fwhm < 0.6 * target.fwhm || star.fwhm > 1.6 * target.fwhm || star.snr < 12.0) continue;
    const bool twice = std::any_of(look->sources.begin(), look->sources.end(), [&](const Star& other) { return std::hypot(other.x - star.x, other.y - star.y) < target.fwhm; });
    if (!twice && star.flux < 1.05 * target.flux) look->sources.push_back(star);
  }
  std::sort(look->sources.begin() + 1, look->sources.end(), [](const Star& a, const Star& b) { return a.flux > b.flux; });
}

void LookAtSpectrum(const SkyMap& map, const std::vector<Blob>& blobs, const LatissOrder& order, LatissLook* look) {
  const Grating& grating = *order.grating;
  const bool known = order.linspos_mm > kLeastDistanceMm && order.linspos_mm < kMostDistanceMm;
  const double distance = known ? 115.0 + order.linspos_mm : kUsualDistanceMm;
  if (!known) look->flags |= kHeaderNull;
  std::vector<Blob> some(blobs.begin(), blobs.begin() + static_cast<std::ptrdiff_t>(std::min(blobs.size(), kMostZeroth)));
  const ZerothChoice choice = ChooseZeroth(map, some, grating, distance);
  if (!choice.found) {
    look->flags |= kZerothAmbiguous | kNoLines | kWavelengthNominal;
    look->target = FindTarget(map, blobs);
    if (look->target.found) look->target = FitAgain(map, look->target, look);
    return;
  }
  if (choice.ambiguous) look->flags |= kZerothAmbiguous;
  Star first = FitStar(map, {choice.blob.x, choice.blob.y, kUsualFwhm, 0.0, 0});
  if (first.found) first = FitAgain(map, first, look);
  look->target = first;
  if (!first.found) return;
  look->trace = FollowTrace(map, first.x, first.x_err, first.y, choice.angle_deg, first.fwhm, grating, distance);
  if (!look->trace.found) {
    look->flags |= kNoLines | kWavelengthNominal | kLowSnr;
    return;
  }
  look->spectrum = ExtractSpectrum(map, look->trace, first.fwhm_y, grating, distance);
  if (look->spectrum.lines.empty()) look->flags |= kNoLines;
  if (!look->spectrum.refined) look->flags |= kWavelengthNominal;
  if (look->spectrum.median_snr < 3.0) look->flags |= kLowSnr;
  // Where silicon sees nothing of the first order any more, what there is comes from the second.
  double light = 0.0, variance = 0.0;
  for (size_t i = 0; i < look->spectrum.flux.size(); i++) {
    if (look->spectrum.wavelength_nm[i] < 1060.0) continue;
    light += look->spectrum.flux[i];
    variance += look->spectrum.variance[i];
  }
  if (light > 8.0 * std::sqrt(variance) && variance > 0.0) look->flags |= kSecondOrder;
}

}  // namespace

LatissLook LookAtLatiss(const SkyMap& map, const LatissOrder& order) {
  LatissLook look;
  const std::vector<Blob> blobs = FindBlobs(map, 5.0, kUsualFwhm, kMostSources);
  if (order.grating == nullptr) look.flags |= kHeaderNull;
  if (blobs.empty()) {
    look.flags |= kNoStar;
    return look;
  }
  if (order.grating != nullptr && order.grating->grooves_per_mm > 0.0) {
    LookAtSpectrum(map, blobs, order, &look);
  } else {
    look.target = FindTarget(map, blobs);
    if (look.target.found) look.target = FitAgain(map, look.target, &look);
  }
  if (!look.target.found) {
    look.flags |= kNoStar;
    return look;
  }
  MarkTarget(look.target, &look);
  AddSources(map, blobs, order.threads, &look);
  const bool near = std::any_of(look.sources.begin() + 1, look.sources.end(), [&](const Star& other) { return std::hypot(other.x - look.target.x, other.y - look.target.y) < 6.0 * look.target.fwhm && other.flux > 0.01 * look.target.flux; });
  if (near) look.flags |= kNeighbour;
  return look;
}

}  // namespace summit::image
