// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/medians.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

struct Comparator {
  uint8_t low, high;
};

// Batcher's odd-even merge sort for n = 2^k inputs (K. E. Batcher, AFIPS 1968).
template <int N>
struct Network {
  std::array<Comparator, N * 12> comparators{};
  int count = 0;

  constexpr Network() {
    for (int p = 1; p < N; p *= 2) {
      for (int k = p; k >= 1; k /= 2) {
        for (int j = k % p; j + k < N; j += 2 * k) {
          for (int i = 0; i < k && i + j + k < N; i++) {
            if ((i + j) / (p * 2) == (i + j + k) / (p * 2)) {
              comparators[static_cast<size_t>(count++)] = {static_cast<uint8_t>(i + j), static_cast<uint8_t>(i + j + k)};
            }
          }
        }
      }
    }
  }
};

constexpr Network<32> kNetwork32{};
constexpr Network<64> kNetwork64{};

template <int N, const auto& network>
SUMMIT_INLINE void SortColumns(const float* pixels, int32_t stride, int32_t rows, int32_t cols, float* medians) {
  const int32_t below = (N - rows) / 2;
  V8 lowest, highest, half;
  Splat(-HUGE_VALF, &lowest);
  Splat(HUGE_VALF, &highest);
  Splat(0.5f, &half);
  for (int32_t c = 0; c < cols; c += 8) {
    V8 v[N];
    // Padding goes in equal parts below and above the data, so that the middle stays the middle.
    for (int32_t i = 0; i < below; i++) v[i] = lowest;
    for (int32_t r = 0; r < rows; r++) Load(pixels + static_cast<int64_t>(r) * stride + c, &v[below + r]);
    for (int32_t i = below + rows; i < N; i++) v[i] = highest;
    for (int i = 0; i < network.count; i++) {
      const Comparator k = network.comparators[static_cast<size_t>(i)];
      const V8 a = v[k.low], b = v[k.high];
      v[k.low] = a < b ? a : b;
      v[k.high] = a < b ? b : a;
    }
    const V8 median = rows % 2 == 0 ? half * (v[below + rows / 2 - 1] + v[below + rows / 2]) : v[below + rows / 2];
    Store(median, medians + c);
  }
}

SUMMIT_INLINE void Sort32Body(const float* pixels, int32_t stride, int32_t rows, int32_t cols, float* medians) { SortColumns<32, kNetwork32>(pixels, stride, rows, cols, medians); }
SUMMIT_INLINE void Sort64Body(const float* pixels, int32_t stride, int32_t rows, int32_t cols, float* medians) { SortColumns<64, kNetwork64>(pixels, stride, rows, cols, medians); }
SUMMIT_DISPATCHED(Sort32, Sort32Body)
SUMMIT_DISPATCHED(Sort64, Sort64Body)

}  // namespace

void ColumnMedians(const float* pixels, int32_t stride, int32_t rows, int32_t cols, float* medians) {
  if (rows <= 32) {
    Sort32(pixels, stride, rows, cols, medians);
  } else {
    Sort64(pixels, stride, rows, cols, medians);
  }
}

float TypicalMagnitude(const float* values) {
  alignas(32) float magnitudes[32 * 8], medians[8], sum = 0.0f;
  for (int32_t i = 0; i < 32 * 8; i++) magnitudes[i] = std::fabs(values[i]);
  ColumnMedians(magnitudes, 8, 32, 8, medians);
  for (const float m : medians) sum += m;
  return sum / 8.0f;
}

Typical TypicalOf(const float* values, int32_t n) {
  Typical t{0.0f, HUGE_VALF};
  // Far values are left out in rounds; ten rounds shed a value 2000 times the scatter among 50.
  for (int round = 0; round < 10; round++) {
    const float limit = 2.5f * t.scatter;
    float sum = 0.0f, squares = 0.0f, count = 0.0f;
    for (int32_t i = 0; i < n; i++) {
      const float d = values[i] - t.level;
      const float in = std::fabs(d) <= limit ? 1.0f : 0.0f;
      sum += in * d;
      squares += in * d * d;
      count += in;
    }
    const float shift = sum / std::max(count, 1.0f);
    const float scatter = std::sqrt(std::max(0.0f, squares / std::max(count, 1.0f) - shift * shift));
    t.level += shift;
    const bool done = scatter >= 0.99f * t.scatter;
    t.scatter = scatter;
    if (done || count < 3.0f) break;
  }
  t.scatter *= 1.05f;  // of a normal distribution, what the cut takes off
  return t;
}

float Median(float* values, int32_t n) {
  float* middle = values + n / 2;
  std::nth_element(values, middle, values + n);
  if (n % 2 == 1) return *middle;
  return 0.5f * (*middle + *std::max_element(values, middle));
}

}  // namespace summit::pixels
