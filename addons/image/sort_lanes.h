// SPDX-License-Identifier: Apache-2.0
// Sorts many short lists side by side, one list to a vector lane.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_SORT_LANES_H_
#define SUMMIT_IMAGE_SORT_LANES_H_

#include <array>
#include <cstdint>

#include "addons/pixels/simd.h"

namespace summit::image {

struct SortStep {
  uint8_t low, high;
};

// Batcher's odd-even merge sort for 64 inputs, without the steps that touch inputs from N on (K. E. Batcher, AFIPS 1968).
template <int N>
struct SortNetwork {
  static constexpr int kSide = 64;
  std::array<SortStep, 543> steps{};
  int32_t count = 0;

  constexpr SortNetwork() {
    for (int p = 1; p < kSide; p *= 2) {
      for (int k = p; k >= 1; k /= 2) {
        for (int j = k % p; j + k < kSide; j += 2 * k) {
          for (int i = 0; i < k && i + j + k < kSide; i++) {
            if ((i + j) / (p * 2) != (i + j + k) / (p * 2) || i + j + k >= N) continue;
            steps[static_cast<size_t>(count++)] = {static_cast<uint8_t>(i + j), static_cast<uint8_t>(i + j + k)};
          }
        }
      }
    }
  }
};

template <int N>
inline constexpr SortNetwork<N> kSortNetwork{};

// Sorts v[0..N), lane by lane, from low to high.
template <int N, typename V>
SUMMIT_INLINE void SortLanes(V* v) {
  for (int32_t i = 0; i < kSortNetwork<N>.count; i++) {
    const SortStep step = kSortNetwork<N>.steps[static_cast<size_t>(i)];
    const V a = v[step.low], b = v[step.high];
    pixels::Least(a, b, &v[step.low]);
    pixels::Greatest(a, b, &v[step.high]);
  }
}

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_SORT_LANES_H_
