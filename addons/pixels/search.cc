// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/search.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/medians.h"
#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

// What one pixel may add to its bin, in sigma of the noise. A star of any use has many pixels; a hot pixel or a
// cosmic ray has few, and with this cap it stays below the threshold of a bin.
constexpr float kPixelCap = 6.0f;

void ReadRow(const ImageView& image, int32_t row, float* to) {
  const int64_t offset = static_cast<int64_t>(row) * image.stride;
  switch (image.type) {
    case PixelType::kI32: std::copy_n(static_cast<const int32_t*>(image.data) + offset, image.cols, to); break;
    case PixelType::kU16: std::copy_n(static_cast<const uint16_t*>(image.data) + offset, image.cols, to); break;
    default: std::copy_n(static_cast<const float*>(image.data) + offset, image.cols, to); break;
  }
}

// sum[c] += clamp(pixels[c] - columns[c], +-cap)
template <typename T>
SUMMIT_INLINE void AddCapped(const T* pixels, const float* columns, int32_t cols, float cap, float* sum) {
  for (int32_t c = 0; c < cols; c++) {
    const float v = static_cast<float>(pixels[c]) - columns[c];
    sum[c] += std::min(std::max(v, -cap), cap);
  }
}

SUMMIT_INLINE void AddCappedRowBody(const ImageView* given, int32_t row, const float* columns, float cap, float* sum) {
  const ImageView& image = *given;
  const int64_t offset = static_cast<int64_t>(row) * image.stride;
  switch (image.type) {
    case PixelType::kI32: AddCapped(static_cast<const int32_t*>(image.data) + offset, columns, image.cols, cap, sum); break;
    case PixelType::kU16: AddCapped(static_cast<const uint16_t*>(image.data) + offset, columns, image.cols, cap, sum); break;
    default: AddCapped(static_cast<const float*>(image.data) + offset, columns, image.cols, cap, sum); break;
  }
}
SUMMIT_DISPATCHED(AddCappedRow, AddCappedRowBody)

void Insert(const Candidate& candidate, int32_t* count, Candidate* out) {
  int32_t at = std::min(*count, kMaxCandidates);
  while (at > 0 && out[at - 1].significance < candidate.significance) {
    if (at < kMaxCandidates) out[at] = out[at - 1];
    at--;
  }
  if (at < kMaxCandidates) out[at] = candidate;
  *count = std::min(*count + 1, kMaxCandidates);
}

}  // namespace

// Column medians from rows spread over the ROI, and the noise of a pixel against them.
float WideSearch::SampleColumns(const ImageView& image) {
  const int32_t n = std::min(kSampledRows, image.rows);
  for (int32_t i = 0; i < n; i++) ReadRow(image, static_cast<int32_t>((static_cast<int64_t>(i) * 2 + 1) * image.rows / (2 * n)), sampled_ + i * kMaxSide);
  ColumnMedians(sampled_, kMaxSide, n, image.cols, columns_);
  float deviations[1024];
  int32_t count = 0;
  for (int32_t i = 0; i < n; i++) {
    for (int32_t c = i % 13; c < image.cols && count < 1024; c += 13) deviations[count++] = std::fabs(sampled_[i * kMaxSide + c] - columns_[c]);
  }
  return std::max(0.3f, 1.4826f * Median(deviations, count));
}

void WideSearch::BinRows(const ImageView& image, float noise) {
  const int32_t bin_rows = image.rows / kBin, bin_cols = image.cols / kBin;
  for (int32_t br = 0; br < bin_rows; br++) {
    float* sum = row_[0];
    std::fill(sum, sum + image.cols, 0.0f);
    for (int32_t i = 0; i < kBin; i++) AddCappedRow(&image, br * kBin + i, static_cast<const float*>(columns_), kPixelCap * noise, sum);
    for (int32_t bc = 0; bc < bin_cols; bc++) {
      const float* s = sum + bc * kBin;
      const float all = s[0] + s[1] + s[2] + s[3];
      // Light in one column only is a bad column: what is left without the largest column must carry its part.
      const float rest = all - std::max({s[0], s[1], s[2], s[3]});
      bins_[br * kBins + bc] = std::min(all, rest / 0.38f);
    }
  }
}

int32_t WideSearch::FindPeaks(int32_t rows, int32_t cols, float noise, float threshold, Candidate* out) {
  const auto at = [this, rows, cols](int32_t r, int32_t c) {
    return r < 0 || c < 0 || r >= rows || c >= cols ? 0.0f : bins_[r * kBins + c];
  };
  // 1 2 1 / 2 4 2 / 1 2 1: a star's light falls on up to four bins.
  const auto smooth = [&at](int32_t r, int32_t c) {
    return 4.0f * at(r, c) + 2.0f * (at(r - 1, c) + at(r + 1, c) + at(r, c - 1) + at(r, c + 1)) + at(r - 1, c - 1) + at(r - 1, c + 1) +
           at(r + 1, c - 1) + at(r + 1, c + 1);
  };
  const float level = threshold * noise * kBin * 6.0f;  // sqrt(16 pixels) times sqrt(36), the sum of squared weights
  int32_t count = 0;
  for (int32_t r = 0; r < rows; r++) {
    for (int32_t c = 0; c < cols; c++) {
      if (at(r, c) < level / 16.0f) continue;
      const float v = smooth(r, c);
      if (v < level) continue;
      bool peak = true;
      for (int32_t i = -1; i <= 1 && peak; i++) {
        for (int32_t j = -1; j <= 1 && peak; j++) {
          const float other = i == 0 && j == 0 ? v - 1.0f : smooth(r + i, c + j);
          peak = other < v || (other == v && (i > 0 || (i == 0 && j > 0)));
        }
      }
      if (peak) Insert({(static_cast<float>(c) + 0.5f) * kBin - 0.5f, (static_cast<float>(r) + 0.5f) * kBin - 0.5f, v / (noise * kBin * 6.0f)}, &count, out);
    }
  }
  return count;
}

int32_t WideSearch::Find(const ImageView& image, float threshold, Candidate* out) {
  const float noise = SampleColumns(image);
  BinRows(image, noise);
  return FindPeaks(image.rows / kBin, image.cols / kBin, noise, threshold, out);
}

}  // namespace summit::pixels
