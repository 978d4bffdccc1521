// SPDX-License-Identifier: Apache-2.0
// Rate of decoding raw 18-bit stamps: one segment's plane, as the guider needs it, in GB of raw input per second of
// thread CPU time.
// Thread: main only. Owns: nothing.
#ifndef SUMMIT_BENCH_DECODE_H_
#define SUMMIT_BENCH_DECODE_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "addons/pixels/raw_decode.h"

namespace summit::bench {

// Median over `calls`; `clock` gives microseconds.
template <typename Clock>
double DecodeGigabytesPerSecond(size_t side, int calls, Clock clock) {
  using namespace summit::pixels;
  const size_t clocks = side * side;
  std::vector<uint8_t> raw(clocks * kRawClockBytes);
  for (size_t i = 0; i < raw.size(); i++) raw[i] = static_cast<uint8_t>(i * 131u >> 3);
  std::vector<int32_t> plane(clocks);
  std::vector<double> each;
  int64_t sum = 0;
  for (int i = 0; i < calls; i++) {
    const double before = clock();
    DecodeRawPlane(raw.data(), clocks, i % kRawSegments, kRawCodeInverted, plane.data());
    each.push_back(clock() - before);
    sum += plane[static_cast<size_t>(i) % clocks];
  }
  std::nth_element(each.begin(), each.begin() + calls / 2, each.end());
  return sum == -1 ? 0.0 : static_cast<double>(raw.size()) / each[static_cast<size_t>(calls) / 2] * 1e-3;
}

template <typename Clock>
void PrintDecode(Clock clock) {
  std::printf("[{\"name\":\"50x50\",\"gigabytesPerSecond\":%.2f},{\"name\":\"400x400\",\"gigabytesPerSecond\":%.2f}]\n", DecodeGigabytesPerSecond(50, 2001, clock),
              DecodeGigabytesPerSecond(400, 201, clock));
}

}  // namespace summit::bench

#endif  // SUMMIT_BENCH_DECODE_H_
