// SPDX-License-Identifier: Apache-2.0
// The middle one of values in any order.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_IMAGE_MIDDLE_H_
#define SUMMIT_IMAGE_MIDDLE_H_

#include <algorithm>
#include <span>

namespace summit::image {

// Of an even number the upper one; 0 of none. Rearranges them.
template <typename T>
T MiddleOf(std::span<T> values) {
  if (values.empty()) return T{};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_MIDDLE_H_
