// SPDX-License-Identifier: Apache-2.0
#include "sim-hw/native/noise.h"

#include <cmath>
#include <cstddef>

namespace summit::sim {
namespace {

constexpr int kTableBits = 16;

// Inverse of the normal distribution function by bisection on erfc: only for building the table.
double NormalQuantile(double p) {
  double low = -8.0, high = 8.0;
  for (int i = 0; i < 60; i++) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(-middle / M_SQRT2) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

const std::vector<float>& NormalTable() {
  static const std::vector<float> table = [] {
    std::vector<float> values(1u << kTableBits);
    const size_t n = values.size();
    for (size_t i = 0; i < n / 2; i++) {
      const double q = NormalQuantile((static_cast<double>(i) + 0.5) / static_cast<double>(n));
      values[i] = static_cast<float>(q);
      values[n - 1 - i] = static_cast<float>(-q);
    }
    return values;
  }();
  return table;
}

}  // namespace summit::sim
