// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/streak.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "addons/pixels/medians.h"
#include "addons/pixels/strongest.h"

namespace summit::pixels {
namespace {

constexpr float kRimSigma = 4.5f;     // of the mean of nine pixels at the rim
constexpr int32_t kRimPlaces = 4 * kWindowSide;
constexpr int32_t kMaxRimPeaks = 8;
constexpr int32_t kPieces = 12;       // of the line, each with its own mean
constexpr int32_t kDarkPieces = 1;    // that may be darker than kLeastShare of the middle one
constexpr float kLeastShare = 0.45f;
constexpr float kLeastLength = 0.4f;  // of the window's side: shorter ones cut a corner
constexpr int32_t kRounds = 5;
constexpr float kHalfWindow = 4.0f;   // px about the line, for the light's centre
constexpr float kOddColumn = 6.0f;    // times the scatter of columns: an offset that may be a steep streak's light
constexpr float kOddNoise = 1.5f;     // sigma of a pixel, likewise
constexpr float kLeastLean = 0.5f;    // px from the first row to the last
constexpr float kModelError = 0.04f;  // of the streak's light
constexpr float kTooNoisy = 6.0f;     // times the variance of a pixel without the streak
constexpr int32_t kFewest = 12;       // columns or rows that must show the line

// Mean of the window's three by three pixels about a place; masked ones count as 0.
float BoxMean(const Window& w, int32_t r, int32_t c) {
  float sum = 0.0f;
  for (int32_t i = -1; i <= 1; i++) {
    const float* row = w.Row(r + i) + c;
    sum += row[-1] + row[0] + row[1];
  }
  return sum / 9.0f;
}

struct RimPeak {
  int32_t row, col;
  float light;
};

// Sums of three pixels across the rim, clockwise from the top left corner: rows and columns 0 to 2 from the edge.
struct Rim {
  float sums[kRimPlaces + 2];
  int32_t n = 0;
};

void SumRim(const Window& w, Rim* rim) {
  const float *top = w.Row(0), *bottom = w.Row(w.rows - 3);
  float* to = rim->sums;
  for (int32_t c = 0; c < w.cols; c++) to[c] = top[c] + top[kWindowStride + c] + top[2 * kWindowStride + c];
  to += w.cols;
  for (int32_t r = 0; r < w.rows; r++) to[r] = w.Row(r)[w.cols - 3] + w.Row(r)[w.cols - 2] + w.Row(r)[w.cols - 1];
  to += w.rows;
  for (int32_t c = 0; c < w.cols; c++) to[w.cols - 1 - c] = bottom[c] + bottom[kWindowStride + c] + bottom[2 * kWindowStride + c];
  to += w.cols;
  for (int32_t r = 0; r < w.rows; r++) to[w.rows - 1 - r] = w.Row(r)[0] + w.Row(r)[1] + w.Row(r)[2];
  rim->n = 2 * (w.rows + w.cols);
}

// The place of the i-th sum, one pixel inside the rim.
RimPeak PlaceOf(const Window& w, int32_t i, float light) {
  const auto inside = [](int32_t at, int32_t side) { return std::clamp(at, 1, side - 2); };
  if (i < w.cols) return {1, inside(i, w.cols), light};
  i -= w.cols;
  if (i < w.rows) return {inside(i, w.rows), w.cols - 2, light};
  i -= w.rows;
  if (i < w.cols) return {w.rows - 2, inside(w.cols - 1 - i, w.cols), light};
  return {inside(w.rows - 1 - (i - w.cols), w.rows), 1, light};
}

// The places at the rim whose three by three pixels stand out by `least` in the mean, highest of those nearby.
int32_t RimPeaks(const Window& w, float least, RimPeak* peaks) {
  Rim rim;
  SumRim(w, &rim);
  const int32_t n = rim.n;
  rim.sums[n] = rim.sums[0];
  rim.sums[n + 1] = rim.sums[1];
  float boxes[kRimPlaces], highest = 0.0f;  // the box about the sum i + 1
  for (int32_t i = 0; i < n; i++) boxes[i] = (rim.sums[i] + rim.sums[i + 1] + rim.sums[i + 2]) / 9.0f;
  for (int32_t i = 0; i < n; i++) highest = std::max(highest, boxes[i]);
  if (highest < least) return 0;
  int32_t count = 0;
  for (int32_t i = 0; i < n; i++) {
    if (boxes[i] < least) continue;
    bool peak = true;
    for (int32_t k = 1; k <= 2 && peak; k++) peak = boxes[i] > boxes[(i + k) % n] && boxes[i] >= boxes[(i + n - k) % n];
    if (!peak) continue;
    InsertByRank(PlaceOf(w, (i + 1) % n, boxes[i]), &RimPeak::light, kMaxRimPeaks, &count, peaks);
  }
  return count;
}

// The middle one of the means of pieces of the line between two places; 0 where it is interrupted or fades.
float EvenLight(const Window& w, const RimPeak& a, const RimPeak& b) {
  float means[kPieces], sorted[16];
  for (int32_t i = 0; i < kPieces; i++) {
    float sum = 0.0f;
    for (int32_t k = 0; k < 3; k++) {
      const float t = (static_cast<float>(3 * i + k) + 0.5f) / (3.0f * kPieces);
      const auto at = [t](int32_t from, int32_t to) { return static_cast<int32_t>(std::lround(static_cast<float>(from) + t * static_cast<float>(to - from))); };
      sum += BoxMean(w, at(a.row, b.row), at(a.col, b.col));
    }
    means[i] = sorted[i] = sum / 3.0f;
  }
  const float middle = Median(sorted, kPieces);
  int32_t dark = 0;
  for (const float mean : means) dark += mean < kLeastShare * middle;
  return dark <= kDarkPieces ? middle : 0.0f;
}

bool InStar(const StarPlace& star, int32_t r, int32_t c) {
  const float dx = static_cast<float>(c) - star.x, dy = static_cast<float>(r) - star.y;
  return dx * dx + dy * dy < star.radius * star.radius;
}

// What a pixel of the window is by its place along the line and across it.
struct Along {
  const Window& w;
  bool flat;
  int32_t Length() const { return flat ? w.cols : w.rows; }
  int32_t Breadth() const { return flat ? w.rows : w.cols; }
  int32_t Row(int32_t along, int32_t across) const { return flat ? across : along; }
  int32_t Col(int32_t along, int32_t across) const { return flat ? along : across; }
  float At(int32_t along, int32_t across) const { return w.Row(Row(along, across))[Col(along, across)]; }
  bool Masked(int32_t along, int32_t across) const { return w.MaskRow(Row(along, across))[Col(along, across)] != 0; }
};

// The line through the centres of light of the columns (or rows), each about the line so far. Those that lie off count less.
bool FitLine(const Along& a, const StarPlace& star, Streak* streak) {
  float place[kWindowSide], centre[kWindowSide], apart[kWindowSide];
  for (int32_t round = 0; round < kRounds; round++) {
    int32_t n = 0;
    for (int32_t i = 0; i < a.Length(); i++) {
      const float line = streak->start + streak->slope * static_cast<float>(i);
      const int32_t first = static_cast<int32_t>(std::ceil(line - 2.0f * kHalfWindow)), last = static_cast<int32_t>(std::floor(line + 2.0f * kHalfWindow));
      if (first < 0 || last >= a.Breadth()) continue;
      float light = 0.0f, moment = 0.0f;
      bool disturbed = false;
      for (int32_t k = first; k <= last; k++) {
        const float u = static_cast<float>(k) - line, weight = std::exp(-0.5f * u * u / (0.5f * kHalfWindow * 0.5f * kHalfWindow));
        disturbed = disturbed || a.Masked(i, k) || InStar(star, a.Row(i, k), a.Col(i, k));
        light += weight * a.At(i, k);
        moment += weight * u * a.At(i, k);
      }
      if (disturbed || light <= 0.0f) continue;
      place[n] = static_cast<float>(i);
      // A Gaussian weight as wide as the light halves the way to its centre; of a narrow line it shows the whole.
      centre[n++] = line + std::clamp(1.35f * moment / light, -kHalfWindow, kHalfWindow);
    }
    if (n < kFewest) return false;
    float start = streak->start, slope = streak->slope;
    for (int32_t pass = 0; pass < 4; pass++) {
      for (int32_t i = 0; i < n; i++) apart[i] = std::fabs(centre[i] - start - slope * place[i]);
      const float scale = std::max(0.05f, 2.0f * Median(apart, n));
      double sw = 0.0, sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0;
      for (int32_t i = 0; i < n; i++) {
        const double off = static_cast<double>((centre[i] - start - slope * place[i]) / scale), weight = 1.0 / (1.0 + off * off * off * off);
        const double x = static_cast<double>(place[i]), y = static_cast<double>(centre[i]);
        sw += weight, sx += weight * x, sy += weight * y, sxx += weight * x * x, sxy += weight * x * y;
      }
      const double det = sw * sxx - sx * sx;
      if (!(det > 1e-3 * sw * sw)) return false;
      slope = static_cast<float>((sw * sxy - sx * sy) / det);
      start = static_cast<float>((sy - static_cast<double>(slope) * sx) / sw);
    }
    streak->start = start;
    streak->slope = slope;
  }
  return std::fabs(streak->slope) <= 1.2f;
}

// The light across: for each step the middle of the pixels there.
bool MeasureLight(const Along& a, const StarPlace& star, Streak* streak) {
  constexpr int32_t kMost = 2 * kWindowSide;
  float values[Streak::kSteps][kMost];
  int32_t counts[Streak::kSteps] = {};
  for (int32_t i = 0; i < a.Length(); i++) {
    const float line = streak->start + streak->slope * static_cast<float>(i);
    const int32_t first = std::max(0, static_cast<int32_t>(std::ceil(line)) - Streak::kReach), last = std::min(a.Breadth() - 1, static_cast<int32_t>(std::floor(line)) + Streak::kReach);
    for (int32_t k = first; k <= last; k++) {
      if (a.Masked(i, k) || InStar(star, a.Row(i, k), a.Col(i, k))) continue;
      const auto step = static_cast<int32_t>(std::lround((static_cast<float>(k) - line) * Streak::kPerPixel)) + Streak::kReach * Streak::kPerPixel;
      if (step >= 0 && step < Streak::kSteps && counts[step] < kMost) values[step][counts[step]++] = a.At(i, k);
    }
  }
  int32_t known[Streak::kSteps], n = 0;
  for (int32_t s = 0; s < Streak::kSteps; s++) {
    if (counts[s] < 4) continue;
    const int32_t count = counts[s];
    const float middle = Median(values[s], count);
    float apart[kMost], sum = 0.0f, used = 0.0f;
    for (int32_t i = 0; i < count; i++) apart[i] = std::fabs(values[s][i] - middle);
    const float limit = 3.0f * 1.4826f * Median(apart, count);
    for (int32_t i = 0; i < count; i++) {
      if (std::fabs(values[s][i] - middle) > limit) continue;
      sum += values[s][i];
      used += 1.0f;
    }
    streak->across[s] = used > 0.0f ? sum / used : middle;
    known[n++] = s;
  }
  if (n < 2 * Streak::kReach / 3) return false;
  for (int32_t s = 0, i = 0; s < Streak::kSteps; s++) {
    while (i + 1 < n && known[i + 1] <= s) i++;
    if (known[i] == s) continue;
    if (s < known[0] || i + 1 == n) {
      streak->across[s] = 0.0f;
      continue;
    }
    const float t = static_cast<float>(s - known[i]) / static_cast<float>(known[i + 1] - known[i]);
    streak->across[s] = (1.0f - t) * streak->across[known[i]] + t * streak->across[known[i + 1]];
  }
  streak->peak = *std::max_element(streak->across, streak->across + Streak::kSteps);
  float sum = 0.0f;
  for (const float light : streak->across) sum += light / Streak::kPerPixel;
  streak->width = sum / streak->peak;
  return true;
}

bool FindLine(const Window& window, float noise, Streak* streak) {
  RimPeak peaks[kMaxRimPeaks];
  const int32_t count = RimPeaks(window, kRimSigma * noise / 3.0f, peaks);
  float brightest = 0.0f;
  RimPeak a{}, b{};
  for (int32_t i = 0; i < count; i++) {
    for (int32_t k = i + 1; k < count; k++) {
      const float length = std::hypot(static_cast<float>(peaks[i].row - peaks[k].row), static_cast<float>(peaks[i].col - peaks[k].col));
      if (length < kLeastLength * static_cast<float>(std::max(window.rows, window.cols))) continue;
      const float light = EvenLight(window, peaks[i], peaks[k]);
      if (light > brightest) brightest = light, a = peaks[i], b = peaks[k];
    }
  }
  if (brightest < kRimSigma * noise / 3.0f) return false;
  streak->flat = std::abs(a.col - b.col) >= std::abs(a.row - b.row);
  const auto along = [streak](const RimPeak& p) { return static_cast<float>(streak->flat ? p.col : p.row); };
  const auto across = [streak](const RimPeak& p) { return static_cast<float>(streak->flat ? p.row : p.col); };
  streak->slope = (across(b) - across(a)) / (along(b) - along(a));
  streak->start = across(a) - streak->slope * along(a);
  return true;
}

// A defect and a star's bleeding run exactly along columns, and are others' to take out.
bool Find(const Window& window, float noise, Streak* streak) {
  return FindLine(window, noise, streak) && MeasureStreak(window, noise, StarPlace{}, streak) &&
         (streak->flat || std::fabs(streak->slope) * static_cast<float>(window.rows) > kLeastLean);
}

}  // namespace

float Streak::LightAt(float beside) const {
  const float at = (beside + kReach) * kPerPixel;
  if (!(at >= 0.0f && at < kSteps - 1)) return 0.0f;
  const auto step = static_cast<int32_t>(at);
  const float t = at - static_cast<float>(step);
  return (1.0f - t) * across[step] + t * across[step + 1];
}

bool MeasureStreak(const Window& window, float noise, const StarPlace& star, Streak* streak) {
  const Along a{window, streak->flat};
  return FitLine(a, star, streak) && MeasureLight(a, star, streak) && streak->peak > noise && streak->width > 0.0f;
}

bool FindStreak(const Window& window, const Structure& structure, Window* scratch, Streak* streak) {
  const Typical typical = TypicalOf(structure.columns, window.cols);
  const float most = typical.level + std::max(kOddColumn * typical.scatter, kOddNoise * structure.noise);
  if (*std::max_element(structure.columns, structure.columns + window.cols) > most) {
    scratch->rows = window.rows;
    scratch->cols = window.cols;
    std::memcpy(scratch->masked, window.masked, static_cast<size_t>(window.rows) * kWindowStride);
    for (int32_t r = 0; r < window.rows; r++) {
      for (int32_t c = 0; c < window.cols; c++) scratch->Row(r)[c] = window.Row(r)[c] + structure.columns[c] - typical.level;
    }
    if (Find(*scratch, structure.noise, streak)) return true;
  }
  return Find(window, structure.noise, streak);
}

void SubtractStreak(const Streak& streak, float times, Window* window) {
  for (int32_t r = 0; r < window->rows; r++) {
    for (int32_t c = 0; c < window->cols; c++) window->Row(r)[c] -= times * streak.LightAt(streak.Beside(static_cast<float>(c), static_cast<float>(r)));
  }
}

void MaskStreak(const Streak& streak, float noise, float shot, Window* window) {
  for (int32_t r = 0; r < window->rows; r++) {
    for (int32_t c = 0; c < window->cols; c++) {
      const float light = streak.LightAt(streak.Beside(static_cast<float>(c), static_cast<float>(r)));
      if (light * shot + kModelError * kModelError * light * light <= kTooNoisy * noise * noise || light <= 0.0f) continue;
      uint8_t& mask = window->masked[r * kWindowStride + c];
      window->defective += mask == 0;
      if (mask == 0) mask = kMaskHit;
    }
  }
}

}  // namespace summit::pixels
