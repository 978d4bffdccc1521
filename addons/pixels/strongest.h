// SPDX-License-Identifier: Apache-2.0
// The few greatest of many, in order.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_STRONGEST_H_
#define SUMMIT_PIXELS_STRONGEST_H_

#include <algorithm>
#include <cstdint>

namespace summit::pixels {

// Puts `one` into out[0..*count), greatest `rank` first; of equals the earlier one stays before. At most `most` are kept.
template <typename T>
void InsertByRank(const T& one, float T::*rank, int32_t most, int32_t* count, T* out) {
  int32_t at = std::min(*count, most);
  while (at > 0 && out[at - 1].*rank < one.*rank) {
    if (at < most) out[at] = out[at - 1];
    at--;
  }
  if (at < most) out[at] = one;
  *count = std::min(*count + 1, most);
}

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_STRONGEST_H_
