// SPDX-License-Identifier: Apache-2.0
#include "addons/image/blobs.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace summit::image {

namespace {

// Whether it is no more than a place on a line that goes on to both sides as bright: a streak, or a spectrum.
bool IsOnALine(const SkyMap& map, const Blob& blob, double fwhm) {
  constexpr double kNear = 1.4, kFar = 2.2, kStep = 0.2;  // FWHM from the blob
  constexpr double kEven = 0.85;                          // of its peak: a star on a streak stands out by more
  constexpr double kLeastPeak = 8.0;                      // of a bin's noise
  constexpr int32_t kDirections = 24;
  if (blob.peak < kLeastPeak * map.bin_noise) return false;
  const double least = kEven * blob.peak - map.bin_noise;
  // Mean along a part of a direction; NaN where it leaves the frame.
  const auto light = [&](double dx, double dy) {
    double sum = 0.0;
    int32_t n = 0;
    for (double far = kNear; far < kFar; far += kStep) {
      const auto bx = static_cast<int32_t>(std::floor((blob.x + far * fwhm * dx) / kBin)), by = static_cast<int32_t>(std::floor((blob.y + far * fwhm * dy) / kBin));
      if (bx < 0 || by < 0 || bx >= map.bin_cols || by >= map.bin_rows) continue;
      sum += static_cast<double>(map.Bin(bx, by));
      n++;
    }
    return n == 0 ? std::nan("") : sum / n;
  };
  for (int32_t k = 0; k < kDirections; k++) {
    const double angle = std::numbers::pi * k / kDirections, dx = std::cos(angle), dy = std::sin(angle);
    if (light(dx, dy) > least && light(-dx, -dy) > least) return true;
  }
  return false;
}

}  // namespace

std::vector<Blob> FindBlobs(const SkyMap& map, double least_sigma, double fwhm, size_t most) {
  const double apart = 1.2 * fwhm;
  const int32_t cols = map.bin_cols, rows = map.bin_rows;
  std::vector<float> smooth(map.bins.size(), 0.0f);
  const auto at = [cols](int32_t x, int32_t y) { return static_cast<size_t>(y) * static_cast<size_t>(cols) + static_cast<size_t>(x); };
  for (int32_t y = 1; y + 1 < rows; y++) {
    const float *below = map.bins.data() + at(0, y - 1), *here = map.bins.data() + at(0, y), *above = map.bins.data() + at(0, y + 1);
    float* to = smooth.data() + at(0, y);
    for (int32_t x = 1; x + 1 < cols; x++) {
      to[x] = (((below[x - 1] + below[x]) + (below[x + 1] + here[x - 1])) + ((here[x] + here[x + 1]) + (above[x - 1] + above[x])) + above[x + 1]) * (1.0f / 9.0f);
    }
  }
  const double noise = map.bin_noise / 3.0;
  const auto limit = static_cast<float>(least_sigma * noise);
  std::vector<Blob> maxima;
  for (int32_t y = 1; y + 1 < rows; y++) {
    for (int32_t x = 1; x + 1 < cols; x++) {
      const float value = smooth[at(x, y)];
      if (!(value > limit)) continue;
      bool highest = true;
      for (int32_t j = -2; j <= 2 && highest; j++) {
        for (int32_t i = -2; i <= 2 && highest; i++) {
          const int32_t nx = x + i, ny = y + j;
          if ((i == 0 && j == 0) || nx < 0 || ny < 0 || nx >= cols || ny >= rows) continue;
          const float other = smooth[at(nx, ny)];
          // Of equals the last one in reading order.
          highest = j > 0 || (j == 0 && i > 0) ? value > other : value >= other;
        }
      }
      if (!highest) continue;
      // The middle of the light of 3 x 3 smoothed bins.
      double sum = 0.0, sx = 0.0, sy = 0.0;
      for (int32_t j = -1; j <= 1; j++) {
        for (int32_t i = -1; i <= 1; i++) {
          const double w = std::max(0.0, static_cast<double>(smooth[at(x + i, y + j)]) - 0.5 * static_cast<double>(value));
          sum += w;
          sx += w * i;
          sy += w * j;
        }
      }
      const double half = 0.5 * (kBin - 1);
      maxima.push_back({(x + sx / sum) * kBin + half, (y + sy / sum) * kBin + half, static_cast<double>(value), static_cast<double>(value) / noise});
    }
  }
  std::sort(maxima.begin(), maxima.end(), [](const Blob& a, const Blob& b) { return a.peak > b.peak; });
  std::vector<Blob> blobs, lines;
  for (const Blob& one : maxima) {
    if (blobs.size() == most) break;
    const auto near = [&](const Blob& other) { return std::hypot(one.x - other.x, one.y - other.y) < apart; };
    if (std::any_of(blobs.begin(), blobs.end(), near) || std::any_of(lines.begin(), lines.end(), near)) continue;
    (IsOnALine(map, one, fwhm) ? lines : blobs).push_back(one);
  }
  return blobs;
}

}  // namespace summit::image
