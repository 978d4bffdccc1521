// SPDX-License-Identifier: Apache-2.0
// Damped Gauss-Newton least squares (Levenberg and Marquardt) for models of up to N parameters, in double precision.
// Thread: any. Owns: its numbers.
#ifndef SUMMIT_IMAGE_LEAST_SQUARES_H_
#define SUMMIT_IMAGE_LEAST_SQUARES_H_

#include <array>
#include <cmath>
#include <cstdint>

namespace summit::image {

template <size_t N>
struct Normals {
  std::array<std::array<double, N>, N> matrix{};
  std::array<double, N> right{};
  double chi2 = 0.0;
  int64_t points = 0;

  // A point's residual (data - model), weight 1/variance, and the model's derivatives.
  void Add(double residual, double weight, const std::array<double, N>& gradient, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
      const auto at = static_cast<size_t>(i);
      const double scaled = weight * gradient[at];
      right[at] += scaled * residual;
      for (size_t j = 0; j <= at; j++) matrix[at][j] += scaled * gradient[j];
    }
    chi2 += weight * residual * residual;
    points++;
  }
};

// Solves (matrix + damping * diagonal) x = right by Cholesky's decomposition; false when it is singular.
template <size_t N>
bool SolveNormals(const Normals<N>& normals, int32_t n, double damping, std::array<double, N>* x) {
  std::array<std::array<double, N>, N> l{};
  const auto count = static_cast<size_t>(n);
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j <= i; j++) {
      double sum = normals.matrix[i][j] * (i == j ? 1.0 + damping : 1.0);
      for (size_t k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
      if (i == j) {
        if (!(sum > 1e-12 * normals.matrix[i][i]) || !std::isfinite(sum)) return false;
        l[i][i] = std::sqrt(sum);
      } else {
        l[i][j] = sum / l[j][j];
      }
    }
  }
  for (size_t i = 0; i < count; i++) {
    double sum = normals.right[i];
    for (size_t k = 0; k < i; k++) sum -= l[i][k] * (*x)[k];
    (*x)[i] = sum / l[i][i];
  }
  for (size_t i = count; i-- > 0;) {
    double sum = (*x)[i];
    for (size_t k = i + 1; k < count; k++) sum -= l[k][i] * (*x)[k];
    (*x)[i] = sum / l[i][i];
  }
  return true;
}

// Element (i, j) of the inverse of the matrix; NaN when it is singular.
template <size_t N>
double Covariance(const Normals<N>& normals, int32_t n, int32_t i, int32_t j) {
  Normals<N> unit = normals;
  unit.right.fill(0.0);
  unit.right[static_cast<size_t>(i)] = 1.0;
  std::array<double, N> x{};
  return SolveNormals(unit, n, 0.0, &x) ? x[static_cast<size_t>(j)] : std::nan("");
}

// Sum(p, &normals) adds up the model's points; Allowed(p) says whether p is a model at all. Leaves the best p and its
// normals. False when nothing could be fitted.
template <size_t N, typename Sum, typename Allowed>
bool FitLeastSquares(const Sum& sum, const Allowed& allowed, int32_t n, int32_t most_steps, std::array<double, N>* p, Normals<N>* best) {
  *best = {};
  sum(*p, best);
  double damping = 1e-3;
  for (int32_t step = 0; step < most_steps; step++) {
    std::array<double, N> change{};
    if (!SolveNormals(*best, n, damping, &change)) return false;
    std::array<double, N> next = *p;
    for (int32_t i = 0; i < n; i++) next[static_cast<size_t>(i)] += change[static_cast<size_t>(i)];
    Normals<N> normals;
    if (allowed(next)) sum(next, &normals);
    if (normals.points == 0 || !(normals.chi2 <= best->chi2)) {
      damping *= 8.0;
      if (damping > 1e8) break;
      continue;
    }
    const bool settled = best->chi2 - normals.chi2 < 1e-7 * best->chi2;
    *p = next;
    *best = normals;
    damping *= 0.2;
    if (settled) break;
  }
  return best->points > n;
}

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_LEAST_SQUARES_H_
