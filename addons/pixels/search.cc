// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/search.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/medians.h"
#include "addons/pixels/read_pixels.h"
#include "addons/pixels/simd.h"
#include "addons/pixels/strongest.h"
#include "addons/pixels/window.h"

namespace summit::pixels {
namespace {

// What one pixel may add to its bin, in sigma of the noise. A star of any use has many pixels; a hot pixel or a
// cosmic ray has few, and with this cap it stays below the threshold of a bin.
constexpr float kPixelCap = 6.0f;

constexpr float kClip = 2.5f;
constexpr float kClippedVariance = 0.9113f;  // of a normal distribution cut at +-2.5 sigma
constexpr float kLargestShare = 0.38f;       // a star's bins keep as much of their light without the largest column

template <typename T>
SUMMIT_INLINE void ReadRowBody(const T* row, int32_t cols, float* to) {
  for (int32_t c = 0; c < cols; c += 8) {
    V8 v;
    const int32_t at = ReadEight(row, c, cols, &v);
    Store(v, to + at);
  }
}
SUMMIT_DISPATCHED(ReadRow, ReadRowBody)

// columns += clipped mean of what the sampled rows have beyond them. Returns the variance of what lies within the clip.
SUMMIT_INLINE float RefineSampledBody(const float* sampled, int32_t stride, int32_t rows, int32_t cols, float limit, float* columns) {
  const V8 zero = {}, one = zero + 1.0f;
  V8 squares = {}, inside = {};
  for (int32_t c = 0; c + 8 <= cols; c += 8) {
    V8 offset, sum = {}, count = {}, v;
    Load(columns + c, &offset);
    for (int32_t r = 0; r < rows; r++) {
      Load(sampled + r * stride + c, &v);
      v -= offset;
      const I8 in = (v < limit) & (v > -limit);
      const V8 used = in ? v : zero;
      sum += used;
      squares += used * used;
      count += in ? one : zero;
    }
    inside += count;
    Greatest(count, one, &count);
    offset += sum / count;
    Store(offset, columns + c);
  }
  return Sum(squares) / std::max(1.0f, Sum(inside));
}
SUMMIT_DISPATCHED(RefineSampled, RefineSampledBody)

// Noise that rounding makes of what the sampled rows hold.
float SampledRounding(const float* sampled, int32_t stride, int32_t rows, int32_t cols) {
  bool whole = true;
  float magnitude = 0.0f;
  for (int32_t r = 0; r < rows; r++) {
    for (int32_t c = 0; c < cols; c++) {
      const float v = sampled[r * stride + c];
      whole = whole && v == std::rint(v);
      magnitude = std::max(magnitude, std::fabs(v));
    }
  }
  return RoundingNoise(whole, magnitude);
}

// sums[c] = sum over four rows of clamp(pixels - columns, +-cap).
template <typename T>
SUMMIT_INLINE void AddFourRowsBody(const T* row, int64_t stride, const float* columns, int32_t cols, float cap, float* sums) {
  V8 most;
  Splat(cap, &most);
  for (int32_t c = 0; c < cols; c += 8) {
    V8 v, column, sum = {};
    const int32_t at = std::min(c, cols - 8);
    Load(columns + at, &column);
    for (int32_t r = 0; r < 4; r++) {
      ReadEight(row + r * stride, c, cols, &v);
      // The next four rows; a read ahead never faults.
      __builtin_prefetch(row + (r + 4) * stride + c);
      v -= column;
      Least(v, most, &v);
      Greatest(v, -most, &v);
      sum += v;
    }
    Store(sum, sums + at);
  }
}
SUMMIT_DISPATCHED(AddFourRows, AddFourRowsBody)

// bins[i] = sum of sums[4 i] to sums[4 i + 3].
SUMMIT_INLINE void AddFourColumnsBody(const float* sums, int32_t bins, float* out) {
  for (int32_t i = 0; i < bins; i += 8) {
    V8 a, b, c, d;
    Load(sums + 4 * i, &a);
    Load(sums + 4 * i + 8, &b);
    Load(sums + 4 * i + 16, &c);
    Load(sums + 4 * i + 24, &d);
    const V8 left = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14) + __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
    const V8 right = __builtin_shufflevector(c, d, 0, 2, 4, 6, 8, 10, 12, 14) + __builtin_shufflevector(c, d, 1, 3, 5, 7, 9, 11, 13, 15);
    const V8 sum =
      __builtin_shufflevector(left, right, 0, 2, 4, 6, 8, 10, 12, 14) + __builtin_shufflevector(left, right, 1, 3, 5, 7, 9, 11, 13, 15);
    Store(sum, out + i);
  }
}
SUMMIT_DISPATCHED(AddFourColumns, AddFourColumnsBody)

// 1 2 1 / 2 4 2 / 1 2 1: a star's light falls on up to four bins.
template <typename V>
SUMMIT_INLINE void Smooth(const V& corners, const V& sides, V* middle) {
  *middle = 4.0f * *middle + 2.0f * sides + corners;
}

// Bits of the groups of eight bins of a row in which a smoothed bin reaches `level`.
SUMMIT_INLINE uint32_t GroupsAboveBody(const float* row, int32_t stride, int32_t bins, float level) {
  uint32_t above = 0;
  for (int32_t i = 0; i < bins; i += 8) {
    V8 v[3][3];
    for (int32_t r = 0; r < 3; r++) {
      for (int32_t c = 0; c < 3; c++) Load(row + (r - 1) * stride + i + c - 1, &v[r][c]);
    }
    Smooth(v[0][0] + v[0][2] + v[2][0] + v[2][2], v[0][1] + v[1][0] + v[1][2] + v[2][1], &v[1][1]);
    if (Any(v[1][1] >= level)) above |= 1u << (i / 8);
  }
  return above;
}
SUMMIT_DISPATCHED(GroupsAbove, GroupsAboveBody)

}  // namespace

// Columns from rows spread over the ROI, and the noise of a pixel against them.
float WideSearch::SampleColumns(const ImageView& image) {
  const int32_t n = std::min(kSampledRows, image.rows), cols = image.cols;
  WithPixels(image, [&](const auto* pixels) {
    for (int32_t i = 0; i < n; i++) {
      const int64_t row = (static_cast<int64_t>(i) * 2 + 1) * image.rows / (2 * n);
      ReadRow(pixels + row * image.stride, cols, static_cast<float*>(sampled_) + i * kMaxSide);
    }
  });
  const float least = image.type == PixelType::kF32 ? SampledRounding(static_cast<const float*>(sampled_), kMaxSide, n, cols) : RoundingNoise(true, 0.0f);
  ColumnMiddles(sampled_, kMaxSide, n, cols, columns_);
  alignas(32) float apart[256];
  for (int32_t i = 0, r = 0, c = 0; i < 256; i++) {
    apart[i] = sampled_[r * kMaxSide + c] - columns_[c];
    for (r += 7; r >= n;) r -= n;
    for (c += 29; c >= cols;) c -= cols;
  }
  constexpr float kMadToSigma = 1.4826f;
  const float rough = std::max(least, kMadToSigma * TypicalMagnitude(apart));
  const float variance = RefineSampled(static_cast<const float*>(sampled_), kMaxSide, n, cols, kClip * rough, static_cast<float*>(columns_));
  return std::max(least, std::sqrt(variance / kClippedVariance));
}

void WideSearch::BinRows(const ImageView& image, float noise) {
  const int32_t bin_rows = image.rows / kBin, bin_cols = image.cols / kBin;
  std::fill(bins_, bins_ + kStride, 0.0f);
  std::fill(Bin(bin_rows, -1), Bin(bin_rows, -1) + kStride, 0.0f);
  std::fill(sums_, sums_ + kMaxSide, 0.0f);
  WithPixels(image, [&](const auto* pixels) {
    for (int32_t br = 0; br < bin_rows; br++) {
      AddFourRows(pixels + static_cast<int64_t>(br * kBin) * image.stride, static_cast<int64_t>(image.stride), static_cast<const float*>(columns_), image.cols, kPixelCap * noise,
                  static_cast<float*>(sums_));
      // Columns beyond the last whole bin have none.
      std::fill(sums_ + bin_cols * kBin, sums_ + (bin_cols * kBin + 31) / 32 * 32, 0.0f);
      *Bin(br, -1) = 0.0f;
      AddFourColumns(static_cast<const float*>(sums_), bin_cols, Bin(br, 0));
      std::fill(Bin(br, bin_cols), Bin(br, bin_cols) + 2, 0.0f);
    }
  });
}

float WideSearch::SmoothedAt(int32_t r, int32_t c) const {
  const float *above = Bin(r - 1, c), *row = Bin(r, c), *below = Bin(r + 1, c);
  float v = row[0];
  Smooth(above[-1] + above[1] + below[-1] + below[1], above[0] + row[-1] + row[1] + below[0], &v);
  return v;
}

// Without its largest column a bin must carry its part: a hot pixel or column has no more than that one.
void WideSearch::CutLargestColumn(const ImageView& image, float noise, int32_t r, int32_t c) {
  uint64_t& done = cut_[r * kWords + c / 64];
  const uint64_t bit = uint64_t{1} << (c % 64);
  if ((done & bit) != 0) return;
  done |= bit;
  const float cap = kPixelCap * noise;
  float sums[kBin] = {}, all = 0.0f;
  WithPixels(image, [&](const auto* pixels) {
    for (int32_t i = 0; i < kBin; i++) {
      for (int32_t k = 0; k < kBin; k++) {
        const int32_t col = c * kBin + k;
        sums[k] += std::clamp(static_cast<float>(pixels[static_cast<int64_t>(r * kBin + i) * image.stride + col]) - columns_[col], -cap, cap);
      }
    }
  });
  for (const float sum : sums) all += sum;
  *Bin(r, c) = std::min(all, (all - *std::max_element(sums, sums + kBin)) / kLargestShare);
}

int32_t WideSearch::Find(const ImageView& image, float threshold, Candidate* out) {
  const float noise = SampleColumns(image);
  BinRows(image, noise);
  const int32_t rows = image.rows / kBin, cols = image.cols / kBin;
  const float level = threshold * noise * kBin * 6.0f;  // sqrt(16 pixels) times sqrt(36), the sum of squared weights
  // Few bins come near the level; their surroundings are looked at closer.
  int32_t places = 0;
  for (int32_t r = 0; r < rows; r++) {
    const uint32_t above = GroupsAbove(static_cast<const float*>(Bin(r, 0)), kStride, cols, level);
    for (int32_t c = 0; c < cols && above != 0; c++) {
      if ((above >> (c / 8) & 1) == 0 || SmoothedAt(r, c) < level) continue;
      if (places < kMaxPlaces) places_[places++] = {static_cast<int16_t>(r), static_cast<int16_t>(c)};
    }
  }
  std::memset(cut_, 0, sizeof cut_);
  for (int32_t i = 0; i < places; i++) {
    for (int32_t r = std::max(0, places_[i].row - 2); r <= std::min(rows - 1, places_[i].row + 2); r++) {
      for (int32_t c = std::max(0, places_[i].col - 2); c <= std::min(cols - 1, places_[i].col + 2); c++) CutLargestColumn(image, noise, r, c);
    }
  }
  int32_t count = 0;
  for (int32_t i = 0; i < places; i++) {
    const int32_t r = places_[i].row, c = places_[i].col;
    const float v = SmoothedAt(r, c);
    if (v < level || *Bin(r, c) < level / 16.0f || !IsPeak(r, c, rows, cols)) continue;
    const Candidate found{(static_cast<float>(c) + 0.5f) * kBin - 0.5f, (static_cast<float>(r) + 0.5f) * kBin - 0.5f, v / (noise * kBin * 6.0f)};
    InsertByRank(found, &Candidate::significance, kMaxCandidates, &count, out);
  }
  return count;
}

bool WideSearch::IsPeak(int32_t r, int32_t c, int32_t rows, int32_t cols) const {
  const float v = SmoothedAt(r, c);
  for (int32_t i = -1; i <= 1; i++) {
    for (int32_t j = -1; j <= 1; j++) {
      if ((i == 0 && j == 0) || r + i < 0 || r + i >= rows || c + j < 0 || c + j >= cols) continue;
      const float other = SmoothedAt(r + i, c + j);
      if (other > v || (other == v && (i < 0 || (i == 0 && j < 0)))) return false;
    }
  }
  return true;
}

}  // namespace summit::pixels
