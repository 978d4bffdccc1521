// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/wave.h"

#include <algorithm>
#include <cmath>

#include "addons/pixels/normal_equations.h"
#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

constexpr int32_t kMostWaves = 2;
constexpr float kClip = 2.5f;
constexpr float kClippedVariance = 0.9113f;  // of a normal distribution cut at +-2.5 sigma
// Of pixels one above the other: that of noise scatters by 0.02, that of a wave of half the noise is 0.1.
constexpr float kLeastCorrelation = 0.15f;
// What rises so far, in sigma of noise and wave, over as many pixels, is a star that no such wave moves by a tenth of its width.
constexpr float kBright = 12.0f;
constexpr float kBrightPixels = 6.0f;
constexpr float kLeastGain = 150.0f;  // chi2 that a wave must explain
constexpr float kExplained = 0.3f;    // of what pixels one above the other have in common, at least
// Wave numbers that are looked at: 2 pi / 78 px to 2 pi / 4 px, near enough to each other for a window of 50 px.
constexpr int32_t kGrid = 20;
constexpr float kStep = 0.08f;        // rad / px
constexpr int32_t kIterations = 6;
constexpr int32_t kParameters = 4;    // cosine, sine, kx, ky

// Pixels beyond `cols` in the group of eight at c have no weight.
SUMMIT_INLINE void LaneWeights(int32_t c, int32_t cols, V8* weights) {
  const V8 lane = {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f}, zero = {}, one = zero + 1.0f;
  *weights = lane < static_cast<float>(cols - c) ? one : zero;
}

// Sums over pixels within +-limit: squares, products with the pixel above, number; and the number above `bright`.
struct Likeness {
  float squares, products, count, bright;
};

SUMMIT_INLINE Likeness CompareBody(const float* pixels, int32_t rows, int32_t cols, float limit, float bright) {
  const V8 zero = {}, one = zero + 1.0f;
  V8 squares = zero, products = zero, count = zero, above = zero, weight;
  for (int32_t c = 0; c < cols; c += 8) {
    V8 last = zero, square = zero, product = zero, inside = zero, high = zero;
    for (int32_t r = 0; r < rows; r++) {
      V8 v;
      Load(pixels + r * kWindowStride + c, &v);
      const I8 in = v * v < limit * limit;
      high += v > bright ? one : zero;
      v = in ? v : zero;
      inside += in ? one : zero;
      square += v * v;
      product += v * last;
      last = v;
    }
    LaneWeights(c, cols, &weight);
    squares += weight * square;
    products += weight * product;
    count += weight * inside;
    above += weight * high;
  }
  return {Sum(squares), Sum(products), Sum(count), Sum(above)};
}
SUMMIT_DISPATCHED(Compare, CompareBody)

// A wave along one side of the window, less the means that offsets of columns or rows have taken: cosine, sine, and both
// times the place.
struct Side {
  alignas(32) float values[4][kWindowStride];
  float products[4][4];  // of each two, summed over the side
};

void FillSide(float k, int32_t n, Side* side) {
  const float middle = 0.5f * static_cast<float>(n - 1);
  const float turn_cos = std::cos(k), turn_sin = std::sin(k);
  float cosine = std::cos(k * middle), sine = -std::sin(k * middle), means[4] = {};
  for (int32_t i = 0; i < n; i++) {
    const float at = static_cast<float>(i) - middle, values[4] = {cosine, sine, at * cosine, at * sine};
    for (int32_t f = 0; f < 4; f++) {
      side->values[f][i] = values[f];
      means[f] += values[f] / static_cast<float>(n);
    }
    const float next = cosine * turn_cos - sine * turn_sin;
    sine = sine * turn_cos + cosine * turn_sin;
    cosine = next;
  }
  for (int32_t f = 0; f < 4; f++) {
    for (int32_t i = 0; i < n; i++) side->values[f][i] -= means[f];
    std::fill(side->values[f] + n, side->values[f] + kWindowStride, 0.0f);
  }
  for (int32_t f = 0; f < 4; f++) {
    for (int32_t g = f; g < 4; g++) {
      float sum = 0.0f;
      for (int32_t i = 0; i < n; i++) sum += side->values[f][i] * side->values[g][i];
      side->products[f][g] = side->products[g][f] = sum;
    }
  }
}

// cosine * cos(kx x + ky y) + sine * sin(kx x + ky y), x and y from the window's middle, less its means by column and row.
struct Wave {
  float kx = 0.0f, ky = 0.0f, cosine = 0.0f, sine = 0.0f;
};

struct Projection {
  float onto[4][4];  // residual times along-value times down-value
  float squares, count;
};

// The residual of the wave, outliers left out, projected onto all products of a function along x and one along y.
SUMMIT_INLINE void ProjectBody(const float* pixels, const Side* x, const Side* y, float cosine, float sine, int32_t rows, int32_t cols, float limit, Projection* out) {
  const V8 zero = {}, one = zero + 1.0f;
  V8 onto[4][4] = {}, squares = zero, count = zero, weight;
  for (int32_t c = 0; c < cols; c += 8) {
    V8 along[4], down[4] = {}, square = zero, inside = zero;
    for (int32_t f = 0; f < 4; f++) Load(x->values[f] + c, &along[f]);
    const V8 with_cos = cosine * along[0] + sine * along[1], with_sin = sine * along[0] - cosine * along[1];
    for (int32_t r = 0; r < rows; r++) {
      V8 v;
      Load(pixels + r * kWindowStride + c, &v);
      v -= y->values[0][r] * with_cos + y->values[1][r] * with_sin;
      const I8 in = v * v < limit * limit;
      v = in ? v : zero;
      inside += in ? one : zero;
      square += v * v;
      for (int32_t g = 0; g < 4; g++) down[g] += y->values[g][r] * v;
    }
    LaneWeights(c, cols, &weight);
    squares += weight * square;
    count += weight * inside;
    for (int32_t f = 0; f < 4; f++) {
      for (int32_t g = 0; g < 4; g++) onto[f][g] += along[f] * down[g];
    }
  }
  for (int32_t f = 0; f < 4; f++) {
    for (int32_t g = 0; g < 4; g++) out->onto[f][g] = Sum(onto[f][g]);
  }
  out->squares = Sum(squares);
  out->count = Sum(count);
}
SUMMIT_DISPATCHED(Project, ProjectBody)

SUMMIT_INLINE void SubtractWaveBody(const Side* x, const Side* y, float cosine, float sine, int32_t rows, int32_t cols, float* pixels) {
  for (int32_t c = 0; c < cols; c += 8) {
    V8 c0, s0;
    Load(x->values[0] + c, &c0);
    Load(x->values[1] + c, &s0);
    const V8 with_cos = cosine * c0 + sine * s0, with_sin = sine * c0 - cosine * s0;
    for (int32_t r = 0; r < rows; r++) {
      V8 v;
      Load(pixels + r * kWindowStride + c, &v);
      v -= y->values[0][r] * with_cos + y->values[1][r] * with_sin;
      Store(v, pixels + r * kWindowStride + c);
    }
  }
}
SUMMIT_DISPATCHED(SubtractWave, SubtractWaveBody)

struct Tables {
  alignas(32) float cosine[kGrid][kWindowStride], sine[kGrid][kWindowStride];
};

void FillTables(Tables* t) {
  for (int32_t k = 0; k < kGrid; k++) {
    const float turn_cos = std::cos(kStep * static_cast<float>(k + 1)), turn_sin = std::sin(kStep * static_cast<float>(k + 1));
    float cosine = 1.0f, sine = 0.0f;
    for (int32_t i = 0; i < kWindowStride; i++) {
      t->cosine[k][i] = cosine;
      t->sine[k][i] = sine;
      const float next = cosine * turn_cos - sine * turn_sin;
      sine = sine * turn_cos + cosine * turn_sin;
      cosine = next;
    }
  }
}

struct Peak {
  float power;
  int32_t kx, ky;  // of the grid; ky < 0: downwards
};

// The highest point of the periodogram of the pixels within +-limit.
SUMMIT_INLINE Peak HighestPeakBody(const float* pixels, const Tables* t, int32_t rows, int32_t cols, float limit) {
  const V8 zero = {};
  Peak peak{0.0f, 0, 0};
  alignas(32) float kept[kWindowSide * kWindowStride];
  const int32_t groups = (cols + 7) / 8;
  for (int32_t c = 0; c < groups; c++) {
    V8 weight;
    LaneWeights(8 * c, cols, &weight);
    for (int32_t r = 0; r < rows; r++) {
      V8 v;
      Load(pixels + r * kWindowStride + 8 * c, &v);
      v = v * v < limit * limit ? v : zero;
      v *= weight;
      Store(v, kept + r * kWindowStride + 8 * c);
    }
  }
  for (int32_t ky = 0; ky < kGrid; ky++) {
    V8 even[kWindowStride / 8] = {}, odd[kWindowStride / 8] = {};
    for (int32_t r = 0; r < rows; r++) {
      const float cosine = t->cosine[ky][r], sine = t->sine[ky][r];
      for (int32_t c = 0; c < groups; c++) {
        V8 v;
        Load(kept + r * kWindowStride + 8 * c, &v);
        even[c] += cosine * v;
        odd[c] += sine * v;
      }
    }
    for (int32_t kx = 0; kx < kGrid; kx++) {
      V8 cc = zero, cs = zero, sc = zero, ss = zero, cosine, sine;
      for (int32_t c = 0; c < groups; c++) {
        Load(t->cosine[kx] + 8 * c, &cosine);
        Load(t->sine[kx] + 8 * c, &sine);
        cc += even[c] * cosine;
        cs += even[c] * sine;
        sc += odd[c] * cosine;
        ss += odd[c] * sine;
      }
      const float a = Sum(cc), b = Sum(ss), p = Sum(cs), q = Sum(sc);
      const float up = (a - b) * (a - b) + (p + q) * (p + q), down = (a + b) * (a + b) + (p - q) * (p - q);
      if (up > peak.power) peak = {up, kx + 1, ky + 1};
      if (down > peak.power) peak = {down, kx + 1, -ky - 1};
    }
  }
  return peak;
}
SUMMIT_DISPATCHED(HighestPeak, HighestPeakBody)

// What the wave changes with each parameter, as weights of the products of functions along x (first) and y.
void Derivatives(const Wave& wave, float (*d)[4][4]) {
  const float a = wave.cosine, b = wave.sine;
  d[0][0][0] = 1.0f;
  d[0][1][1] = -1.0f;
  d[1][1][0] = d[1][0][1] = 1.0f;
  d[2][3][0] = d[2][2][1] = -a;
  d[2][2][0] = b;
  d[2][3][1] = -b;
  d[3][1][2] = d[3][0][3] = -a;
  d[3][0][2] = b;
  d[3][1][3] = -b;
}

// One Gauss-Newton step; false when the equations cannot be solved.
bool Step(const Side& x, const Side& y, const Projection& p, float variance, const Wave& start, Wave* wave) {
  float d[kParameters][4][4] = {}, hessian[kMaxTerms] = {}, gradient[kMaxParameters] = {}, delta[kMaxParameters] = {};
  Derivatives(*wave, d);
  int32_t term = 0;
  for (int32_t i = 0; i < kParameters; i++) {
    float spread[4][4] = {};  // of derivative i: summed over x and y against each product
    for (int32_t f = 0; f < 4; f++) {
      for (int32_t g = 0; g < 4; g++) {
        gradient[i] += d[i][f][g] * p.onto[f][g] / variance;
        if (d[i][f][g] == 0.0f) continue;
        for (int32_t u = 0; u < 4; u++) {
          for (int32_t v = 0; v < 4; v++) spread[u][v] += d[i][f][g] * x.products[f][u] * y.products[g][v] / variance;
        }
      }
    }
    for (int32_t j = i; j < kParameters; j++, term++) {
      for (int32_t u = 0; u < 4; u++) {
        for (int32_t v = 0; v < 4; v++) hessian[term] += spread[u][v] * d[j][u][v];
      }
    }
  }
  // The grid says where the wave number is, to its step; cosine and sine are free.
  const float kept = 1.0f / (kStep * kStep), away[kParameters] = {0.0f, 0.0f, wave->kx - start.kx, wave->ky - start.ky};
  for (int32_t i = 0; i < kParameters; i++) {
    float& diagonal = hessian[DiagonalTerm(kParameters, i)];
    diagonal += i < 2 ? 1e-6f * diagonal : kept;
    gradient[i] -= i < 2 ? 0.0f : kept * away[i];
  }
  NormalEquations equations(kParameters, hessian);
  if (!equations.Solve(gradient, delta)) return false;
  wave->cosine += delta[0];
  wave->sine += delta[1];
  wave->kx += std::clamp(delta[2], -0.5f * kStep, 0.5f * kStep);
  wave->ky += std::clamp(delta[3], -0.5f * kStep, 0.5f * kStep);
  return true;
}

float SigmaOf(const Projection& p) { return std::sqrt(p.squares / std::max(p.count, 1.0f) / kClippedVariance); }

// Finds, fits and subtracts one wave; *noise is then the noise without it.
bool RemoveWave(Window* window, float* noise) {
  const int32_t rows = window->rows, cols = window->cols;
  float* pixels = window->pixels;
  const float limit = kClip * *noise;
  const Likeness before = Compare(static_cast<const float*>(pixels), rows, cols, limit, kBright * *noise);
  if (before.products < kLeastCorrelation * before.squares || before.bright >= kBrightPixels) return false;
  Tables tables;
  FillTables(&tables);
  const Peak peak = HighestPeak(static_cast<const float*>(pixels), static_cast<const Tables*>(&tables), rows, cols, limit);
  if (2.0f * peak.power < kLeastGain * before.squares) return false;
  Wave wave;
  wave.kx = kStep * static_cast<float>(peak.kx);
  wave.ky = kStep * static_cast<float>(peak.ky);
  const Wave start = wave;
  Side x, y;
  Projection p;
  float sigma = *noise;
  for (int32_t i = 0; i <= kIterations; i++) {
    FillSide(wave.kx, cols, &x);
    FillSide(wave.ky, rows, &y);
    Project(static_cast<const float*>(pixels), static_cast<const Side*>(&x), static_cast<const Side*>(&y), wave.cosine, wave.sine, rows, cols, kClip * sigma, &p);
    sigma = std::min(sigma, SigmaOf(p));
    // Nothing is changed after the last look.
    if (i < kIterations && !Step(x, y, p, sigma * sigma, start, &wave)) return false;
  }
  const float gain = (*noise * *noise / (sigma * sigma) - 1.0f) * p.count;
  if (!std::isfinite(gain) || gain < kLeastGain) return false;
  SubtractWave(static_cast<const Side*>(&x), static_cast<const Side*>(&y), wave.cosine, wave.sine, rows, cols, pixels);
  const Likeness after = Compare(static_cast<const float*>(pixels), rows, cols, kClip * sigma, kBright * sigma);
  if (after.products > (1.0f - kExplained) * before.products) {
    SubtractWave(static_cast<const Side*>(&x), static_cast<const Side*>(&y), -wave.cosine, -wave.sine, rows, cols, pixels);
    return false;
  }
  *noise = std::max(sigma, window->least_noise);
  return true;
}

}  // namespace

int32_t RemoveWaves(Window* window, Structure* structure) {
  int32_t count = 0;
  while (count < kMostWaves && RemoveWave(window, &structure->noise)) count++;
  return count;
}

}  // namespace summit::pixels
