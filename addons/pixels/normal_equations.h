// SPDX-License-Identifier: Apache-2.0
// Small symmetric positive systems by Cholesky's decomposition, scaled to a unit diagonal, in double precision.
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
    for (int32_t i = 0; i < n; i++) {
      const double diagonal = static_cast<double>(triangle[DiagonalTerm(n, i)]);
      scale_[i] = diagonal > 0.0 ? 1.0 / std::sqrt(diagonal) : 0.0;
      valid_ = valid_ && diagonal > 0.0 && std::isfinite(diagonal);
    }
    for (int32_t i = 0; i < n && valid_; i++) {
      for (int32_t j = 0; j <= i; j++) {
        double sum = static_cast<double>(triangle[DiagonalTerm(n, j) + i - j]) * scale_[i] * scale_[j];
        for (int32_t k = 0; k < j; k++) sum -= lower_[i][k] * lower_[j][k];
        if (i == j) {
          valid_ = sum > 1e-9;
          inverse_[i] = 1.0 / std::sqrt(valid_ ? sum : 1.0);
        } else {
          lower_[i][j] = sum * inverse_[j];
        }
      }
    }
  }

  // False when the matrix is singular.
  bool Solve(const float* right, float* solution) const {
    double v[kMaxParameters];
    for (int32_t i = 0; i < n_; i++) v[i] = static_cast<double>(right[i]) * scale_[i];
    Substitute(v);
    for (int32_t i = 0; i < n_; i++) solution[i] = static_cast<float>(v[i] * scale_[i]);
    return valid_;
  }

  // Diagonal of the inverse, its first `count` elements; false when the matrix is singular.
  bool Variances(int32_t count, float* variances) const {
    for (int32_t i = 0; i < count; i++) {
      double v[kMaxParameters] = {};
      v[i] = 1.0;
      Substitute(v);
      variances[i] = static_cast<float>(v[i] * scale_[i] * scale_[i]);
    }
    return valid_;
  }

 private:
  void Substitute(double* v) const {
    for (int32_t i = 0; i < n_; i++) {
      for (int32_t k = 0; k < i; k++) v[i] -= lower_[i][k] * v[k];
      v[i] *= valid_ ? inverse_[i] : 1.0;
    }
    for (int32_t i = n_ - 1; i >= 0; i--) {
      for (int32_t k = i + 1; k < n_; k++) v[i] -= lower_[k][i] * v[k];
      v[i] *= valid_ ? inverse_[i] : 1.0;
    }
  }

  int32_t n_;
  bool valid_ = true;
  double scale_[kMaxParameters];
  double lower_[kMaxParameters][kMaxParameters];  // below the diagonal
  double inverse_[kMaxParameters];                // of the diagonal
};

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_NORMAL_EQUATIONS_H_
