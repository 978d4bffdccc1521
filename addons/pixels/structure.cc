// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/structure.h"

#include <algorithm>
#include <cmath>

#include "addons/pixels/medians.h"
#include "addons/pixels/simd.h"

namespace summit::pixels {
namespace {

constexpr float kClip = 2.5f;
// Variance of a normal distribution cut at +-2.5 sigma, relative to the whole.
constexpr float kClippedVariance = 0.9113f;
// Standard deviation of a normal distribution over its median absolute deviation.
constexpr float kMadToSigma = 1.4826f;
// An offset this far off the others, in their scatter, is a defect of its own: believed as measured.
constexpr float kOddOffset = 4.0f;
// Starlight makes a pixel worth less for its column's offset: by its shot noise and by what the model may be wrong.
constexpr float kModelError = 0.08f;

// Sum and number of the values within +-limit, by lane, of the lanes whose weight is 1 and not 0. One comparison: of sixteen
// lanes gcc combines two one by one.
template <typename V>
SUMMIT_INLINE void AddClipped(const V& v, float limit, const V& weight, V* sum, V* count) {
  const V zero = {};
  const auto inside = v * v < limit * limit;
  *sum += inside ? v * weight : zero;
  *count += inside ? weight : zero;
}

// offsets += clipped mean of each column less its offset.
template <typename V>
SUMMIT_INLINE void RefineColumnsBody(const float* from, int32_t rows, int32_t cols, float limit, float* offsets) {
  constexpr auto kLanes = static_cast<int32_t>(sizeof(V) / sizeof(float));
  const V zero = {}, one = zero + 1.0f;
  for (int32_t c = 0; c < cols; c += kLanes) {
    V sum = {}, count = {}, offset;
    Load(offsets + c, &offset);
    for (int32_t r = 0; r < rows; r++) {
      V v;
      Load(from + r * kWindowStride + c, &v);
      v -= offset;
      AddClipped(v, limit, one, &sum, &count);
    }
    offset += sum / (count > one ? count : one);
    Store(offset, offsets + c);
  }
}
SUMMIT_DISPATCHED_BY_WIDTH(RefineColumns, RefineColumnsBody)

// 1 for the first `count` lanes, 1 to 16, else 0: the last group of a row reaches beyond the window. Read from a table,
// for gcc compares sixteen lanes one by one outside loops.
template <typename V>
SUMMIT_INLINE void LaneWeights(int32_t count, V* weights) {
  static constexpr float kOnesThenZeros[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  Load(kOnesThenZeros + 16 - count, weights);
}

// Clipped mean of each row less the columns' offsets. Eight rows at a time: their sums are added up across lanes
// together.
template <typename V>
SUMMIT_INLINE void RowOffsetsBody(const float* pixels, const float* columns, int32_t rows, int32_t cols, float limit, float* row_offsets) {
  constexpr auto kLanes = static_cast<int32_t>(sizeof(V) / sizeof(float));
  V tail, all = {};
  all += 1.0f;
  const int32_t last = (cols - 1) / kLanes * kLanes;
  LaneWeights(cols - last, &tail);
  for (int32_t first = 0; first < rows; first += 8) {
    const int32_t end = rows < first + 8 ? rows : first + 8;
    V8 sum[8] = {}, count[8] = {}, sums, counts;
    for (int32_t r = first; r < end; r++) {
      const float* row = pixels + r * kWindowStride;
      V s = {}, n = {}, v, column;
      for (int32_t c = 0; c <= last; c += kLanes) {
        Load(row + c, &v);
        Load(columns + c, &column);
        v -= column;
        AddClipped(v, limit, c == last ? tail : all, &s, &n);
      }
      Fold(s, &sum[r - first]);
      Fold(n, &count[r - first]);
    }
    const V8 zero = {}, one = zero + 1.0f;
    SumEach(sum, &sums);
    SumEach(count, &counts);
    Greatest(counts, one, &counts);
    sums /= counts;
    Store(sums, row_offsets + first);
  }
}
SUMMIT_DISPATCHED_BY_WIDTH(RowOffsets, RowOffsetsBody)

// Takes offsets off; returns the root mean square of what then lies within +-limit.
template <typename V>
SUMMIT_INLINE float LevelBody(const float* columns, const float* row_offsets, int32_t rows, int32_t cols, float limit, float* pixels) {
  constexpr auto kLanes = static_cast<int32_t>(sizeof(V) / sizeof(float));
  V tail, squares = {}, inside = {};
  const int32_t last = (cols - 1) / kLanes * kLanes;
  LaneWeights(cols - last, &tail);
  const V zero = {}, one = zero + 1.0f;
  for (int32_t c = 0; c <= last; c += kLanes) {
    V column, sum = {}, count = {};
    Load(columns + c, &column);
    for (int32_t r = 0; r < rows; r++) {
      V v;
      Load(pixels + r * kWindowStride + c, &v);
      v -= column + row_offsets[r];
      Store(v, pixels + r * kWindowStride + c);
      const V square = v * v;
      const auto in = square < limit * limit;
      sum += in ? square : zero;
      count += in ? one : zero;
    }
    squares += c == last ? sum * tail : sum;
    inside += c == last ? count * tail : count;
  }
  const float n = Sum(inside);
  return std::sqrt(Sum(squares) / (n > 1.0f ? n : 1.0f));
}
SUMMIT_DISPATCHED_BY_WIDTH(Level, LevelBody)

SUMMIT_INLINE void SubtractBody(const float* columns, const float* rows_offset, int32_t rows, int32_t cols, float* pixels) {
  for (int32_t r = 0; r < rows; r++) {
    float* row = pixels + r * kWindowStride;
    V8 offset;
    Splat(rows_offset[r], &offset);
    for (int32_t c = 0; c < cols; c += 8) {
      V8 v, column;
      Load(row + c, &v);
      Load(columns + c, &column);
      v -= column + offset;
      Store(v, row + c);
    }
  }
}
SUMMIT_DISPATCHED(SubtractOffsets, SubtractBody)

// Whether any column holds `count` pixels above `level`.
SUMMIT_INLINE bool HasTallBody(const float* pixels, int32_t rows, int32_t cols, float level, float count) {
  const V8 zero = {}, one = zero + 1.0f;
  V8 most = {};
  for (int32_t c = 0; c < cols; c += 8) {
    V8 above = {}, v;
    for (int32_t r = 0; r < rows; r++) {
      Load(pixels + r * kWindowStride + c, &v);
      above += v > level ? one : zero;
    }
    Greatest(above, most, &most);
  }
  return Highest(most) >= count;
}
SUMMIT_DISPATCHED(HasTall, HasTallBody)

// Rows in which the step from column c - 1 up to c is sharp (`rising`), or down from c to c + 1 (`falling`).
SUMMIT_INLINE void CountStepsBody(const float* pixels, int32_t rows, int32_t cols, float least, float* rising, float* falling) {
  const V8 zero = {}, one = zero + 1.0f;
  for (int32_t c = 0; c < cols; c += 8) {
    V8 up = {}, down = {};
    for (int32_t r = 0; r < rows; r++) {
      const float* row = pixels + r * kWindowStride + c;
      V8 before, v, after;
      Load(row - (c > 0 ? 1 : 0), &before);
      Load(row, &v);
      Load(row + (c + 8 < kWindowStride ? 1 : 0), &after);
      before = before > zero ? before : zero;
      after = after > zero ? after : zero;
      up += v > 3.0f * before + least ? one : zero;
      down += v > 3.0f * after + least ? one : zero;
    }
    Store(up, rising + c);
    Store(down, falling + c);
  }
}
SUMMIT_DISPATCHED(CountSteps, CountStepsBody)

struct Weighted {
  alignas(32) float column_sum[kWindowStride], column_weight[kWindowStride];
  alignas(32) float row_sum[kWindowSide], row_weight[kWindowSide];
};

// Pixels less their star and `offset`, and their weight: noise^2 over the variance with starlight; beyond 3
// sigma none.
template <typename V>
SUMMIT_INLINE void Weigh(const float* pixels, const float* star, const V& offset, float variance, float shot, V* value, V* weight) {
  const V zero = {};
  V v, s;
  Load(pixels, &v);
  Load(star, &s);
  v -= s + offset;
  const V w = variance / (variance + s * (shot + (kModelError * kModelError) * s));
  *weight = v * v < 9.0f * variance ? w : zero;
  *value = v;
}

// Weighted sums of the pixels less their stars by column, or by row after `columns` is taken off.
template <typename V>
SUMMIT_INLINE void WeighColumnsBody(const float* pixels, const float* star, int32_t rows, int32_t cols, float noise, float shot, Weighted* out) {
  constexpr auto kLanes = static_cast<int32_t>(sizeof(V) / sizeof(float));
  const V none = {};
  for (int32_t c = 0; c < cols; c += kLanes) {
    V sum = {}, total = {}, v, w;
    for (int32_t r = 0; r < rows; r++) {
      Weigh(pixels + r * kWindowStride + c, star + r * kWindowStride + c, none, noise * noise, shot, &v, &w);
      sum += w * v;
      total += w;
    }
    Store(sum, out->column_sum + c);
    Store(total, out->column_weight + c);
  }
}
SUMMIT_DISPATCHED_BY_WIDTH(WeighColumns, WeighColumnsBody)

template <typename V>
SUMMIT_INLINE void WeighRowsBody(const float* pixels, const float* star, const float* columns, int32_t rows, int32_t cols, float noise, float shot, Weighted* out) {
  constexpr auto kLanes = static_cast<int32_t>(sizeof(V) / sizeof(float));
  V tail, offset;
  const int32_t last = (cols - 1) / kLanes * kLanes;
  LaneWeights(cols - last, &tail);
  for (int32_t first = 0; first < rows; first += 8) {
    const int32_t end = rows < first + 8 ? rows : first + 8;
    V8 sums[8] = {}, totals[8] = {}, eight;
    for (int32_t r = first; r < end; r++) {
      V sum = {}, total = {}, v, w;
      for (int32_t c = 0; c <= last; c += kLanes) {
        Load(columns + c, &offset);
        Weigh(pixels + r * kWindowStride + c, star + r * kWindowStride + c, offset, noise * noise, shot, &v, &w);
        if (c == last) w *= tail;
        sum += w * v;
        total += w;
      }
      Fold(sum, &sums[r - first]);
      Fold(total, &totals[r - first]);
    }
    SumEach(sums, &eight);
    Store(eight, out->row_sum + first);
    SumEach(totals, &eight);
    Store(eight, out->row_weight + first);
  }
}
SUMMIT_DISPATCHED_BY_WIDTH(WeighRows, WeighRowsBody)

// Noise from 256 of the pixels by their absolute deviation from their columns' offsets.
float SampledNoise(const Window& w, const float* columns) {
  alignas(32) float sample[256];
  // A step that shares no factor with the number of pixels visits them all before it comes back to one.
  const int32_t step = 4 * 7919 % (w.rows * w.cols), down = step / w.cols, along = step % w.cols;
  // Four walks side by side: none waits for another's place.
  int32_t r[4] = {}, c[4] = {};
  for (int32_t k = 0; k < 4; k++) {
    const int32_t at = k * 7919 % (w.rows * w.cols);
    r[k] = at / w.cols;
    c[k] = at % w.cols;
  }
  for (int32_t i = 0; i < 256; i += 4) {
    for (int32_t k = 0; k < 4; k++) {
      sample[i + k] = w.Row(r[k])[c[k]] - columns[c[k]];
      c[k] += along;
      const bool over = c[k] >= w.cols;
      r[k] += down + (over ? 1 : 0);
      c[k] -= over ? w.cols : 0;
      r[k] -= r[k] >= w.rows ? w.rows : 0;
    }
  }
  return std::max(kMadToSigma * TypicalMagnitude(sample), w.least_noise);
}

// Shrinks n measured offsets towards `expected`: out = posterior. Their own scatter beyond what the pixels' noise
// explains is the variance of the prior (empirical Bayes). Returns the share that is believed.
float Shrink(const float* measured, const float* weight, const float* expected, int32_t n, float noise, float* posterior) {
  float apart[kWindowStride] = {};
  float mean_weight = 0.0f;
  for (int32_t i = 0; i < n; i++) {
    apart[i] = measured[i] - expected[i];
    mean_weight += weight[i] / static_cast<float>(n);
  }
  const Typical typical = TypicalOf(apart, n);
  const float level = typical.level, scatter = typical.scatter;
  const float error2 = noise * noise / std::max(mean_weight, 1.0f);
  const float prior2 = std::max(0.0f, scatter * scatter - error2);
  const float odd = kOddOffset * std::max(scatter, std::sqrt(error2));
  for (int32_t i = 0; i < n; i++) {
    const float d = apart[i] - level;
    const float gain = std::fabs(d) > odd ? 1.0f : prior2 / (prior2 + noise * noise / std::max(weight[i], 1.0f));
    posterior[i] = expected[i] + level + gain * d;
  }
  return prior2 / (prior2 + error2);
}

}  // namespace

void ColumnModel::Reset() {
  std::fill(mean_, mean_ + kMaxColumns, 0.0f);
  std::fill(stamps_, stamps_ + kMaxColumns, 0.0f);
}

void ColumnModel::Learn(int32_t col0, int32_t cols, const float* measured) {
  // The stamp's level floats: only differences between columns are kept.
  float apart[kWindowStride] = {};
  for (int32_t i = 0; i < cols; i++) apart[i] = measured[i] - mean_[col0 + i];
  const float level = TypicalOf(apart, cols).level;
  for (int32_t i = 0; i < cols; i++) {
    float& stamps = stamps_[col0 + i];
    stamps = std::min(stamps + 1.0f, kMemory);
    mean_[col0 + i] += (measured[i] - level - mean_[col0 + i]) / stamps;
  }
}

void RemoveStructure(Window* window, Structure* structure) {
  alignas(32) float columns[kWindowStride] = {}, rows_offset[kWindowSide] = {};
  const int32_t rows = window->rows, cols = window->cols;
  float* pixels = window->pixels;
  const float* read = pixels;
  std::fill(structure->rows, structure->rows + kWindowSide, 0.0f);
  std::fill(structure->columns, structure->columns + kWindowStride, 0.0f);
  ColumnMiddles(pixels, kWindowStride, rows, cols, columns);
  structure->background = TypicalOf(columns, cols).level;
  float noise = SampledNoise(*window, columns);
  const auto refine = [&](float limit) { RefineColumns(read, rows, cols, limit, static_cast<float*>(columns)); };
  const auto level = [&](float limit) {
    const float rms = Level(static_cast<const float*>(columns), static_cast<const float*>(rows_offset), rows, cols, limit, pixels);
    for (int32_t c = 0; c < cols; c++) structure->columns[c] += columns[c];
    for (int32_t r = 0; r < rows; r++) structure->rows[r] += rows_offset[r];
    return std::max(window->least_noise, rms / std::sqrt(kClippedVariance));
  };
  refine(kClip * noise);
  RowOffsets(read, static_cast<const float*>(columns), rows, cols, kClip * noise, static_cast<float*>(rows_offset));
  noise = level(kClip * noise);
  // Again, columns without what the rows had.
  std::fill(columns, columns + kWindowStride, 0.0f);
  std::fill(rows_offset, rows_offset + kWindowSide, 0.0f);
  refine(kClip * noise);
  noise = level(kClip * noise);
  // Offsets taken from the pixels themselves took their share of the variance with them.
  const float freedom = (1.0f - 1.0f / static_cast<float>(rows)) * (1.0f - 1.0f / static_cast<float>(cols));
  structure->noise = noise / std::sqrt(std::max(freedom, 0.1f));
  std::copy(structure->columns, structure->columns + kWindowStride, structure->measured_columns);
}

void MaskSharpColumns(float noise, Window* window) {
  constexpr float kLeastRows = 12.0f, kLeastStep = 8.0f;  // rows; sigma
  constexpr int32_t kWidest = 5;                          // columns
  alignas(32) float rising[kWindowStride], falling[kWindowStride];
  const int32_t rows = window->rows, cols = window->cols;
  // A sharp step ends in a high pixel: most windows have no column with as many.
  if (!HasTall(static_cast<const float*>(window->pixels), rows, cols, kLeastStep * noise, kLeastRows)) return;
  CountSteps(static_cast<const float*>(window->pixels), rows, cols, kLeastStep * noise, static_cast<float*>(rising), static_cast<float*>(falling));
  for (int32_t c = 0; c < cols; c++) {
    if (rising[c] < kLeastRows && c > 0) continue;
    int32_t end = c;
    while (end < std::min(cols, c + kWidest) && falling[end] < kLeastRows) end++;
    // A defect at the edge of the window shows one side only.
    if (end == std::min(cols, c + kWidest) && end < cols) continue;
    if (c == 0 && falling[end] < kLeastRows) continue;
    end = std::min(end, cols - 1);
    for (int32_t r = 0; r < rows; r++) {
      bool hit = false;
      for (int32_t rr = std::max(0, r - 1); rr <= std::min(rows - 1, r + 1); rr++) {
        for (int32_t cc = c; cc <= end; cc++) hit = hit || window->Row(rr)[cc] > 4.0f * noise;
      }
      for (int32_t cc = c; cc <= end && hit; cc++) {
        uint8_t& mask = window->masked[r * kWindowStride + cc];
        window->defective += mask == 0;
        if (mask == 0 || rising[c] + falling[end] >= 2.0f * kLeastRows) mask = kMaskDefect;
      }
    }
    c = end;
  }
}

void RefineStructure(const float* star, float shot, const ColumnModel& model, Window* window, Structure* structure) {
  Weighted sums{};
  alignas(32) float expected[kWindowStride] = {}, offset[kWindowStride] = {}, change[kWindowStride] = {}, row_change[kWindowSide] = {};
  const int32_t rows = window->rows, cols = window->cols;
  const float noise = structure->noise;
  const float* pixels = window->pixels;
  WeighColumns(pixels, star, rows, cols, noise, shot, &sums);
  bool known = true;
  for (int32_t c = 0; c < cols; c++) {
    offset[c] = sums.column_sum[c] / std::max(sums.column_weight[c], 1.0f);
    structure->measured_columns[c] = structure->columns[c] + offset[c];
    expected[c] = model.Expected(window->col0 + c);
    known = known && model.Stamps(window->col0 + c) > 0.0f;
  }
  if (!known) std::fill(expected, expected + kWindowStride, structure->background);
  float posterior[kWindowStride];
  structure->column_gain = Shrink(structure->measured_columns, sums.column_weight, expected, cols, noise, posterior);
  for (int32_t c = 0; c < cols; c++) {
    change[c] = posterior[c] - structure->columns[c];
    structure->columns[c] = posterior[c];
  }
  // Rows, from what the columns' measured offsets leave; their mean belongs to the columns.
  WeighRows(pixels, star, static_cast<const float*>(offset), rows, cols, noise, shot, &sums);
  float measured[kWindowSide] = {}, zero[kWindowSide] = {}, believed[kWindowSide], mean = 0.0f;
  for (int32_t r = 0; r < rows; r++) measured[r] = structure->rows[r] + sums.row_sum[r] / std::max(sums.row_weight[r], 1.0f);
  structure->row_gain = Shrink(measured, sums.row_weight, zero, rows, noise, believed);
  for (int32_t r = 0; r < rows; r++) mean += believed[r] / static_cast<float>(rows);
  for (int32_t r = 0; r < rows; r++) {
    row_change[r] = believed[r] - mean - structure->rows[r];
    structure->rows[r] += row_change[r];
  }
  SubtractOffsets(static_cast<const float*>(change), static_cast<const float*>(row_change), rows, cols, static_cast<float*>(window->pixels));
}

}  // namespace summit::pixels
