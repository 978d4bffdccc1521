// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/medians.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

constexpr int32_t kGroups = 16;

struct Comparator {
  uint8_t low, high;
};

// Batcher's odd-even merge sort for 16 inputs (K. E. Batcher, AFIPS 1968).
struct Network {
  std::array<Comparator, 63> comparators{};

  constexpr Network() {
    size_t count = 0;
    for (int p = 1; p < kGroups; p *= 2) {
      for (int k = p; k >= 1; k /= 2) {
        for (int j = k % p; j + k < kGroups; j += 2 * k) {
          for (int i = 0; i < k && i + j + k < kGroups; i++) {
            if ((i + j) / (p * 2) == (i + j + k) / (p * 2)) comparators[count++] = {static_cast<uint8_t>(i + j), static_cast<uint8_t>(i + j + k)};
          }
        }
      }
    }
  }
};
constexpr Network kNetwork{};

SUMMIT_INLINE void Compare(V8* low, V8* high) {
  const V8 a = *low, b = *high;
  Least(a, b, low);
  Greatest(a, b, high);
}

// Unrolled, so that comparisons that the middle does not depend on are left out by the compiler.
template <size_t... I>
SUMMIT_INLINE void Sort(V8* v, std::index_sequence<I...>) {
  (Compare(&v[kNetwork.comparators[I].low], &v[kNetwork.comparators[I].high]), ...);
}

SUMMIT_INLINE void MiddleOfThree(const float* at, int32_t stride, V8* out) {
  V8 a, b, c;
  Load(at, &a);
  Load(at + stride, &b);
  Load(at + 2 * stride, &c);
  Compare(&a, &b);
  Least(b, c, &b);
  Greatest(a, b, out);
}

SUMMIT_INLINE void ColumnMiddlesBody(const float* pixels, int32_t stride, int32_t rows, int32_t cols, float* middles) {
  const int32_t groups = std::min(kGroups, rows / 3), below = (kGroups - groups) / 2;
  int32_t offsets[kGroups] = {};
  for (int32_t i = 0; i < groups; i++) offsets[i] = i * rows / groups * stride;
  for (int32_t c = 0; c < cols; c += 8) {
    V8 v[kGroups];
    // Padding goes in equal parts below and above, so that the middle stays the middle.
    for (int32_t i = 0; i < kGroups; i++) {
      if (i < below) {
        Splat(-HUGE_VALF, &v[i]);
      } else if (i < below + groups) {
        MiddleOfThree(pixels + offsets[i - below] + c, stride, &v[i]);
      } else {
        Splat(HUGE_VALF, &v[i]);
      }
    }
    Sort(static_cast<V8*>(v), std::make_index_sequence<kNetwork.comparators.size()>());
    const V8 middle = groups % 2 == 0 ? 0.5f * (v[kGroups / 2 - 1] + v[kGroups / 2]) : v[kGroups / 2 - 1];
    Store(middle, middles + c);
  }
}
SUMMIT_DISPATCHED(Middles, ColumnMiddlesBody)

SUMMIT_INLINE Typical TypicalOfBody(const float* values, int32_t n) {
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f}, zero = {}, one = zero + 1.0f;
  Typical t{0.0f, HUGE_VALF};
  // Far values are left out in rounds; ten rounds shed a value 2000 times the scatter among 50.
  for (int round = 0; round < 10; round++) {
    const float limit = 2.5f * t.scatter;
    V8 sum = {}, squares = {}, count = {};
    for (int32_t i = 0; i < n; i += 8) {
      V8 d;
      Load(values + i, &d);
      d -= t.level;
      const I8 in = (d <= limit) & (d >= -limit) & (lane < static_cast<float>(n - i));
      const V8 used = in ? d : zero;
      sum += used;
      squares += used * used;
      count += in ? one : zero;
    }
    const float used = std::max(Sum(count), 1.0f), shift = Sum(sum) / used;
    const float scatter = std::sqrt(std::max(0.0f, Sum(squares) / used - shift * shift));
    t.level += shift;
    const bool done = scatter >= 0.99f * t.scatter;
    t.scatter = scatter;
    if (done || used < 3.0f) break;
  }
  t.scatter *= 1.05f;  // of a normal distribution, what the cut takes off
  return t;
}
SUMMIT_DISPATCHED(Typically, TypicalOfBody)

}  // namespace

void ColumnMiddles(const float* pixels, int32_t stride, int32_t rows, int32_t cols, float* middles) { Middles(pixels, stride, rows, cols, middles); }

float TypicalMagnitude(const float* values) {
  alignas(32) float magnitudes[32 * 8], medians[8], sum = 0.0f;
  for (int32_t i = 0; i < 32 * 8; i++) magnitudes[i] = std::fabs(values[i]);
  ColumnMiddles(magnitudes, 8, 32, 8, medians);
  for (const float m : medians) sum += m;
  return sum / 8.0f;
}

Typical TypicalOf(const float* values, int32_t n) { return Typically(values, n); }

float Median(float* values, int32_t n) {
  float* middle = values + n / 2;
  std::nth_element(values, middle, values + n);
  if (n % 2 == 1) return *middle;
  return 0.5f * (*middle + *std::max_element(values, middle));
}

}  // namespace summit::pixels
