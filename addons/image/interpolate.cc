// SPDX-License-Identifier: Apache-2.0
#include "addons/image/interpolate.h"

#include <algorithm>

#include "addons/image/parallel.h"

namespace summit::image {
namespace {

struct Row {
  float *image, *variance;  // the latter nullptr: there is none
  int32_t* mask;
  int32_t cols, bits;

  bool Good(int32_t x) const {
    const bool beside = (x > 0 && (mask[x - 1] & bits & kSaturated) != 0) || (x + 1 < cols && (mask[x + 1] & bits & kSaturated) != 0);
    return (mask[x] & bits) == 0 && !beside;
  }

  void Fill(int32_t first, int32_t last) const {
    const int32_t left = first - 1, right = last + 1;
    if (left < 0 && right >= cols) return;
    const int32_t a = left < 0 ? right : left, b = right >= cols ? left : right;
    for (int32_t x = first; x <= last; x++) {
      const float share = a == b ? 0.0f : static_cast<float>(x - a) / static_cast<float>(b - a);
      image[x] = image[a] + share * (image[b] - image[a]);
      if (variance != nullptr) variance[x] = variance[a] + share * (variance[b] - variance[a]);
      mask[x] |= kInterpolated;
    }
  }
};

}  // namespace

void InterpolateRows(int32_t bits, int32_t threads, IsrImage* image) {
  const int32_t cols = image->model->cols;
  ForEachPart(threads, image->model->rows, [&](int32_t y) {
    const auto at = static_cast<size_t>(y) * static_cast<size_t>(cols);
    const Row row{image->image.data() + at, image->variance.empty() ? nullptr : image->variance.data() + at, image->mask.data() + at, cols, bits};
    for (int32_t x = 0; x < cols; x++) {
      if (row.Good(x)) continue;
      int32_t last = x;
      while (last + 1 < cols && !row.Good(last + 1)) last++;
      row.Fill(x, last);
      x = last;
    }
  });
}

}  // namespace summit::image
