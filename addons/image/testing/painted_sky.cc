// SPDX-License-Identifier: Apache-2.0
#include "addons/image/testing/painted_sky.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace summit::image::testing {

PaintedSky::PaintedSky(const DetectorModel& model) {
  frame_.model = &model;
  const auto pixels = static_cast<size_t>(model.pixels());
  frame_.image.assign(pixels, static_cast<float>(kSky));
  frame_.variance.assign(pixels, 1.0f);
  frame_.mask.assign(pixels, 0);
}

void PaintedSky::Add(int32_t x, int32_t y, double light) {
  if (x < 0 || y < 0 || x >= frame_.model->cols || y >= frame_.model->rows) return;
  frame_.image[At(x, y)] += static_cast<float>(light);
}

void PaintedSky::Star(double x, double y, double flux, double fwhm) {
  const double k = std::exp2(1.0 / kBeta) - 1.0, a = 4.0 * k / (fwhm * fwhm), peak = flux * (kBeta - 1.0) * a / 3.141592653589793;
  const auto reach = static_cast<int32_t>(10.0 * fwhm);
  for (auto py = static_cast<int32_t>(y) - reach; py <= static_cast<int32_t>(y) + reach; py++) {
    for (auto px = static_cast<int32_t>(x) - reach; px <= static_cast<int32_t>(x) + reach; px++) Add(px, py, peak * std::pow(1.0 + a * ((px - x) * (px - x) + (py - y) * (py - y)), -kBeta));
  }
}

void PaintedSky::Continuum(double x0, double y0, double angle_deg, double fwhm, double flux, const Grating& grating, double distance_mm) {
  const double tangent = std::tan(angle_deg * 0.017453292519943295), sigma = fwhm / 2.3548;
  const double begin = y0 + DistanceOf(370.0, grating.grooves_per_mm, distance_mm), end = y0 + DistanceOf(1000.0, grating.grooves_per_mm, distance_mm);
  for (auto y = static_cast<int32_t>(begin); y < end; y++) {
    const double middle = x0 + tangent * (y - y0), d = (y - y0) * std::sqrt(1.0 + tangent * tangent), nm = WavelengthOf(d, grating.grooves_per_mm, distance_mm);
    double light = flux * (1.0 - 0.0006 * (nm - 370.0));
    for (const double line : {486.1, 656.3, 687.2, 760.5}) light *= 1.0 - 0.35 * std::exp(-0.5 * std::pow((d - DistanceOf(line, grating.grooves_per_mm, distance_mm)) / (1.1 * sigma), 2));
    for (auto x = static_cast<int32_t>(middle) - 40; x <= static_cast<int32_t>(middle) + 40; x++) Add(x, y, light / (sigma * 2.5066) * std::exp(-0.5 * std::pow((x - middle) / sigma, 2)));
  }
}

void PaintedSky::Line(double x0, double y0, double angle_deg, double fwhm, double flux, double nm, const Grating& grating, double distance_mm) {
  const double d = DistanceOf(nm, grating.grooves_per_mm, distance_mm), a = angle_deg * 0.017453292519943295;
  Star(x0 + d * std::sin(a), y0 + d * std::cos(a), flux, fwhm);
}

void PaintedSky::Streak(double x, double y, double angle_deg, double fwhm, double flux) {
  const double a = angle_deg * 0.017453292519943295, sigma = fwhm / 2.3548;
  for (int32_t px = 0; px < frame_.model->cols; px++) {
    const double middle = y + std::tan(a) * (px - x), reach = 5.0 * sigma / std::cos(a);
    for (auto py = static_cast<int32_t>(middle - reach); py <= static_cast<int32_t>(middle + reach); py++) {
      const double across = -std::sin(a) * (px - x) + std::cos(a) * (py - y);
      Add(px, py, flux / (sigma * 2.5066) * std::exp(-0.5 * across * across / (sigma * sigma)));
    }
  }
}

void PaintedSky::Ring(double x, double y, double radius, double flux, double dark_from) {
  // A circle so large that its edge is straight.
  constexpr double kLarge = 1e7;
  CutRing(x, y, radius, flux, {std::min(dark_from, 0.1 * kLarge) - kLarge, 0.0, kLarge});
}

void PaintedSky::CutRing(double x, double y, double radius, double flux, const Opening& opening) {
  const double inner = 0.612 * radius, level = flux / (3.141592653589793 * (radius * radius - inner * inner));
  for (auto py = static_cast<int32_t>(y - radius) - 1; py <= static_cast<int32_t>(y + radius) + 1; py++) {
    for (auto px = static_cast<int32_t>(x - radius) - 1; px <= static_cast<int32_t>(x + radius) + 1; px++) {
      double share = 0.0;
      for (int32_t k = 0; k < 25; k++) {
        const double dx = px + (k % 5 - 2) * 0.2 - x, dy = py + (static_cast<double>(k / 5) - 2.0) * 0.2 - y, r = std::hypot(dx, dy);
        share += r >= inner && r < radius && std::hypot(dx - opening.dx, dy - opening.dy) < opening.radius ? 0.04 : 0.0;
      }
      if (share > 0.0) Add(px, py, level * share);
    }
  }
}

IsrImage& PaintedSky::Finish(int32_t rays, unsigned seed) {
  std::minstd_rand random(seed);
  const auto uniform = [&random] { return static_cast<float>(random()) * (1.0f / 2147483648.0f); };
  for (size_t i = 0; i < frame_.image.size(); i++) {
    float& light = frame_.image[i];
    if (light > static_cast<float>(kFullWell)) {
      light = static_cast<float>(kFullWell);
      frame_.mask[i] |= kSaturated;
    }
    const float noise = (uniform() + uniform() + uniform() + uniform() - 2.0f) * 1.7320508f;
    light += noise * std::sqrt(light + static_cast<float>(kReadNoise * kReadNoise));
  }
  for (int32_t i = 0; i < rays; i++) {
    const auto x = static_cast<int32_t>(uniform() * static_cast<float>(frame_.model->cols - 40)), y = static_cast<int32_t>(uniform() * static_cast<float>(frame_.model->rows - 40));
    const float slope = uniform();
    for (int32_t k = 0; k < 20; k++) Add(x + k, y + static_cast<int32_t>(slope * static_cast<float>(k)), 2500.0);
  }
  return frame_;
}

}  // namespace summit::image::testing
