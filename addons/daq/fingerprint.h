// SPDX-License-Identifier: Apache-2.0
// Tells whether a stamp brings the pixels of the one before it: noise never repeats itself, a stuck readout does.
// Thread: pure function.
// Owns: nothing.
#ifndef SUMMIT_DAQ_FINGERPRINT_H_
#define SUMMIT_DAQ_FINGERPRINT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace summit::daq {

// Of at most 64 words of 8 bytes, evenly spread over the pixels: well below 1 us also for 400 x 400. Words of stamps with
// noise of a few ADU agree by chance less often than once in 2^64.
inline uint64_t Fingerprint(const uint8_t* pixels, size_t bytes) {
  constexpr size_t kWords = 64;
  const size_t words = bytes / sizeof(uint64_t);
  const size_t step = std::max<size_t>(1, words / kWords);
  uint64_t print = bytes;
  for (size_t i = 0; i < words; i += step) {
    uint64_t word = 0;
    std::memcpy(&word, pixels + i * sizeof(word), sizeof(word));
    print = (print ^ word) * 0x9e3779b97f4a7c15u;
    print ^= print >> 32;
  }
  return print;
}

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_FINGERPRINT_H_
