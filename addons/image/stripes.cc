// SPDX-License-Identifier: Apache-2.0
#include "addons/image/stripes.h"

#include <algorithm>
#include <cmath>

namespace summit::image {
namespace {

struct Sum {
  double value = 0.0;
  int32_t n = 0;
};

// Means, each as much as it differs from what noise alone would make of it (empirical Bayes): of few bins little is
// believed.
void Shrink(const std::vector<Sum>& sums, double noise, std::vector<double>* means) {
  constexpr int32_t kLeast = 12;
  double square = 0.0, expected = 0.0;
  int32_t n = 0;
  for (const Sum& sum : sums) {
    if (sum.n < kLeast) continue;
    const double mean = sum.value / sum.n;
    square += mean * mean;
    expected += noise * noise / sum.n;
    n++;
  }
  const double own = n == 0 ? 0.0 : std::max(0.0, (square - expected) / n);
  for (size_t i = 0; i < sums.size(); i++) {
    if (sums[i].n < kLeast) continue;
    const double mean = sums[i].value / sums[i].n;
    (*means)[i] = mean * own / (own + noise * noise / sums[i].n);
  }
}

}  // namespace

Stripes::Stripes(const SkyMap& map, const std::vector<uint8_t>& lit) : bin_rows_(static_cast<size_t>(map.bin_rows)) {
  const auto amps = AmpOf(map.bin_cols - 1) + 1, cols = static_cast<size_t>(map.bin_cols);
  rows_.assign(amps * bin_rows_, 0.0);
  columns_.assign(cols, 0.0);
  const auto most = static_cast<float>(4.0 * map.bin_noise);
  std::vector<Sum> rows(rows_.size()), columns(cols);
  const auto each = [&](const auto& take) {
    for (int32_t by = 0; by < map.bin_rows; by++) {
      const size_t at = static_cast<size_t>(by) * cols;
      for (int32_t bx = 0; bx < map.bin_cols; bx++) {
        const float value = map.bins[at + static_cast<size_t>(bx)];
        if (lit[at + static_cast<size_t>(bx)] == 0 && std::fabs(value) < most) take(bx, by, static_cast<double>(value));
      }
    }
  };
  const auto add = [](double value, Sum* sum) {
    sum->value += value;
    sum->n++;
  };
  each([&](int32_t bx, int32_t by, double value) { add(value, &rows[AmpOf(bx) * bin_rows_ + static_cast<size_t>(by)]); });
  Shrink(rows, map.bin_noise, &rows_);
  each([&](int32_t bx, int32_t by, double value) { add(value - rows_[AmpOf(bx) * bin_rows_ + static_cast<size_t>(by)], &columns[static_cast<size_t>(bx)]); });
  Shrink(columns, map.bin_noise, &columns_);
}

}  // namespace summit::image
