// SPDX-License-Identifier: Apache-2.0
// Small symmetric positive systems by Cholesky's decomposition into L D L^T, in double precision.
// Thread: any. Owns: its numbers.
#ifndef SUMMIT_PIXELS_NORMAL_EQUATIONS_H_
#define SUMMIT_PIXELS_NORMAL_EQUATIONS_H_

#include <cmath>
#include <cstdint>

namespace summit::pixels {

inline constexpr int32_t kMaxParameters = 8;
inline constexpr int32_t kMaxTerms = kMaxParameters * (kMaxParameters + 1) / 2;

// Where element (i, i) is in an upper triangle stored row by row.
constexpr int32_t DiagonalTerm(int32_t n, int32_t i) { return i * n - i * (i - 1) / 2; }

class NormalEquations {
 public:
  // `triangle`: upper triangle of the n x n matrix, row by row.
  NormalEquations(int32_t n, const float* triangle) : n_(n) {
    for (int32_t j = 0; j < n; j++) {
      const auto diagonal = static_cast<double>(triangle[DiagonalTerm(n, j)]);
      double pivot = diagonal;
      for (int32_t k = 0; k < j; k++) pivot -= lower_[j][k] * scaled_[j][k];
      // As good as singular: what is left is rounding.
      if (!(pivot > 1e-9 * diagonal) || !std::isfinite(pivot)) {
        valid_ = false;
        return;
      }
      inverse_[j] = 1.0 / pivot;
      for (int32_t i = j + 1; i < n; i++) {
        double sum = static_cast<double>(triangle[DiagonalTerm(n, j) + i - j]);
        for (int32_t k = 0; k < j; k++) sum -= scaled_[i][k] * lower_[j][k];
        scaled_[i][j] = sum;
        lower_[i][j] = sum * inverse_[j];
      }
    }
  }

  // False when the matrix is singular.
  bool Solve(const float* right, float* solution) const {
    if (!valid_) return false;
    double v[kMaxParameters];
    for (int32_t i = 0; i < n_; i++) v[i] = static_cast<double>(right[i]);
    Substitute(v);
    for (int32_t i = 0; i < n_; i++) solution[i] = static_cast<float>(v[i]);
    return true;
  }

  // Diagonal of the inverse, its first `count` elements; false when the matrix is singular.
  bool Variances(int32_t count, float* variances) const {
    if (!valid_) return false;
    for (int32_t i = 0; i < count; i++) {
      double v[kMaxParameters] = {};
      v[i] = 1.0;
      Substitute(v);
      variances[i] = static_cast<float>(v[i]);
    }
    return true;
  }

 private:
  void Substitute(double* v) const {
    for (int32_t i = 1; i < n_; i++) {
      for (int32_t k = 0; k < i; k++) v[i] -= lower_[i][k] * v[k];
    }
    for (int32_t i = n_ - 1; i >= 0; i--) {
      v[i] *= inverse_[i];
      for (int32_t k = i + 1; k < n_; k++) v[i] -= lower_[k][i] * v[k];
    }
  }

  int32_t n_;
  bool valid_ = true;
  double lower_[kMaxParameters][kMaxParameters];   // L, below the diagonal
  double scaled_[kMaxParameters][kMaxParameters];  // L D
  double inverse_[kMaxParameters];                 // of D
};

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_NORMAL_EQUATIONS_H_
