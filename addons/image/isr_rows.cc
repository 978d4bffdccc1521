// SPDX-License-Identifier: Apache-2.0
#include "addons/image/isr_rows.h"

#include <array>
#include <cmath>
#include <cstddef>

#include "addons/pixels/simd.h"

namespace summit::image {
namespace {

using pixels::Load;
using pixels::Simd;
using pixels::SimdLevel;
using pixels::Splat;
using pixels::Store;
using pixels::V16;
using pixels::V8;

// Plain loops: the compiler turns each into the vectors of the form it is inlined into.

SUMMIT_INLINE int32_t ToElectronBody(const int32_t* __restrict adu, int32_t cols, float level, float gain, float saturation, int32_t bits, float* __restrict electron, int32_t* __restrict mask) {
  int32_t any = 0;
  for (int32_t i = 0; i < cols; i++) {
    const float above = static_cast<float>(adu[i]) - level;
    electron[i] = above * gain;
    mask[i] = above >= saturation ? bits : 0;
    any |= mask[i];
  }
  return any;
}
SUMMIT_DISPATCHED(ToElectronForms, ToElectronBody)

SUMMIT_INLINE void SplatTo(float x, V8* v) { *v = V8{} + x; }
SUMMIT_INLINE void SplatTo(float x, V16* v) { *v = V16{} + x; }

// Four vectors at a time stay in registers while the sources pass.
template <typename V>
SUMMIT_INLINE int32_t CrosstalkBody(const float* in, int32_t amps, int32_t cols, const float* c, const float* q, float* taken) {
  constexpr int32_t kLanes = sizeof(V) / sizeof(float), kBlock = 4 * kLanes;
  for (int32_t x = 0; x < cols; x += kBlock) {
    V sum[4] = {};
    for (int32_t s = 0; s < amps; s++) {
      const float* from = in + s * kAmpCols + x;
      V factor;
      SplatTo(c[s * amps], &factor);
      if (q == nullptr) {
        for (int32_t k = 0; k < 4; k++) {
          V value;
          Load(from + k * kLanes, &value);
          sum[k] += factor * value;
        }
      } else {
        V square;
        SplatTo(q[s * amps], &square);
        for (int32_t k = 0; k < 4; k++) {
          V value;
          Load(from + k * kLanes, &value);
          sum[k] += value * (factor + square * value);
        }
      }
    }
    for (int32_t k = 0; k < 4; k++) Store(sum[k], taken + x + k * kLanes);
  }
  return 0;
}
SUMMIT_DISPATCHED_BY_WIDTH(CrosstalkForms, CrosstalkBody)

SUMMIT_INLINE int32_t TakeCrosstalkBody(const float* __restrict taken, int32_t cols, float middle, int32_t bit, float* __restrict electron, int32_t* __restrict mask) {
  for (int32_t i = 0; i < cols; i++) {
    const float off = taken[i] - middle;
    electron[i] -= taken[i];
    mask[i] |= (off >= 1.0f) | (off <= -1.0f) ? bit : 0;
  }
  return 0;
}
SUMMIT_DISPATCHED(TakeCrosstalkForms, TakeCrosstalkBody)

SUMMIT_INLINE int32_t SplineBody(const Linearity* l, float* __restrict electron) {
  const float least = l->least, most = l->most;
  const int32_t pieces = l->pieces;
  const float *start = l->start.data(), *c0 = l->c0.data(), *c1 = l->c1.data(), *c2 = l->c2.data(), *c3 = l->c3.data();
  constexpr int32_t kStep = 64;
  for (int32_t x = 0; x < kRowCols; x += kStep) {
    // Most of a frame is sky: all of these lie on one piece.
    int32_t first = 0, others = 0;
    for (int32_t k = 1; k < pieces; k++) first += electron[x] >= start[k] ? 1 : 0;
    const float low = first == 0 ? -HUGE_VALF : start[first], high = first + 1 == pieces ? HUGE_VALF : start[first + 1];
    for (int32_t i = 0; i < kStep; i++) others |= (electron[x + i] < low ? 1 : 0) | (electron[x + i] >= high ? 1 : 0);
    if (others == 0) {
      const float begin = start[first], a0 = c0[first], a1 = c1[first], a2 = c2[first], a3 = c3[first];
      for (int32_t i = 0; i < kStep; i++) {
        const float value = electron[x + i];
        float u = value < least ? least : value;
        u = u > most ? most : u;
        const float t = u - begin;
        electron[x + i] = value - (a0 + t * (a1 + t * (a2 + t * a3)));
      }
      continue;
    }
    std::array<int32_t, kStep> piece{};
    for (int32_t k = 1; k < pieces; k++) {
      for (int32_t i = 0; i < kStep; i++) piece[static_cast<size_t>(i)] += electron[x + i] >= start[k] ? 1 : 0;
    }
    for (int32_t i = 0; i < kStep; i++) {
      const float value = electron[x + i];
      float u = value < least ? least : value;
      u = u > most ? most : u;
      const int32_t p = piece[static_cast<size_t>(i)];
      const float t = u - start[p];
      electron[x + i] = value - (c0[p] + t * (c1[p] + t * (c2[p] + t * c3[p])));
    }
  }
  return 0;
}
SUMMIT_DISPATCHED(SplineForms, SplineBody)

SUMMIT_INLINE int32_t PolynomialBody(const Linearity* l, float* __restrict electron) {
  for (int32_t i = 0; i < kRowCols; i++) {
    const float u = electron[i];
    float sum = 0.0f;
    for (int32_t k = l->powers - 1; k >= 0; k--) sum = sum * u + l->c[static_cast<size_t>(k)];
    electron[i] = u + sum * u * u;
  }
  return 0;
}
SUMMIT_DISPATCHED(PolynomialForms, PolynomialBody)

template <typename T>
SUMMIT_INLINE void InCcdOrder(const T* __restrict from, bool flip, T* __restrict to) {
  if (flip) {
    for (int32_t i = 0; i < kDataCols; i++) to[i] = from[kDataFirstCol + kDataCols - 1 - i];
  } else {
    for (int32_t i = 0; i < kDataCols; i++) to[i] = from[kDataFirstCol + i];
  }
}

SUMMIT_INLINE int32_t AssembleBody(const float* electron, const int32_t* mask, bool flip, const CalibrationRow* row, float* __restrict image, float* __restrict variance, int32_t* __restrict out_mask) {
  InCcdOrder(mask, flip, out_mask);
  InCcdOrder(electron, flip, image);
  if (const float* __restrict bias = row->bias; bias != nullptr) {
    for (int32_t i = 0; i < kDataCols; i++) image[i] -= bias[i];
  }
  if (const float* __restrict dark = row->dark; dark != nullptr) {
    const float seconds = row->dark_seconds;
    for (int32_t i = 0; i < kDataCols; i++) image[i] -= dark[i] * seconds;
  }
  const float noise = row->noise_squared;
  const float* __restrict flat = row->inverse_flat;
  const bool wanted = row->variance;
  for (int32_t i = 0; i < kDataCols; i++) variance[i] = wanted ? image[i] + noise : 0.0f;
  if (flat != nullptr) {
    for (int32_t i = 0; i < kDataCols; i++) {
      image[i] *= flat[i];
      variance[i] *= flat[i] * flat[i];
    }
  }
  return 0;
}
SUMMIT_DISPATCHED(AssembleForms, AssembleBody)

}  // namespace

void ToElectron(const int32_t* adu, int32_t cols, float level, float gain, float saturation, int32_t bits, float* electron, int32_t* mask) {
  ToElectronForms(adu, cols, level, gain, saturation, bits, electron, mask);
}

void CrosstalkOf(const float* in, int32_t amps, int32_t cols, const float* c, const float* q, float* taken) { CrosstalkForms(in, amps, cols, c, q, taken); }

void TakeCrosstalk(const float* taken, int32_t cols, float middle, int32_t bit, float* electron, int32_t* mask) { TakeCrosstalkForms(taken, cols, middle, bit, electron, mask); }

void Linearize(const Linearity& linearity, float* electron) {
  if (linearity.kind == LinearityKind::kSpline) SplineForms(&linearity, electron);
  if (linearity.kind == LinearityKind::kPolynomial) PolynomialForms(&linearity, electron);
}

void Assemble(const float* electron, const int32_t* mask, bool flip, const CalibrationRow& row, float* image, float* variance, int32_t* out_mask) {
  AssembleForms(electron, mask, flip, &row, image, variance, out_mask);
}

}  // namespace summit::image
