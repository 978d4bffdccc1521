// SPDX-License-Identifier: Apache-2.0
// The raw decoder on any bytes: one plane at a time and all planes at once agree, values fit 18 bits, and packing
// them again by the layout's definition gives the bytes back.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "addons/pixels/raw_decode.h"

namespace {

using namespace summit::pixels;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void Put(uint8_t* clock, int32_t segment, uint32_t code) {
  for (int bit = 0; bit < 18; bit++) {
    const int at = 18 * segment + bit;
    if ((code >> bit & 1u) != 0) clock[at / 8] = static_cast<uint8_t>(clock[at / 8] | 1u << at % 8);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint32_t code = size > 0 && data[0] % 2 == 0 ? kRawCodeInverted : kRawCodeScience;
  const size_t clocks = size / kRawClockBytes;
  // Of exactly this length, so that reading past the end is seen.
  const std::vector<uint8_t> raw(data, data + clocks * kRawClockBytes);
  std::vector<std::vector<int32_t>> together(kRawSegments, std::vector<int32_t>(clocks));
  int32_t* planes[kRawSegments];
  for (int32_t s = 0; s < kRawSegments; s++) planes[s] = together[static_cast<size_t>(s)].data();
  DecodeRawPlanes(raw.data(), clocks, code, planes);

  std::vector<uint8_t> packed(raw.size(), 0);
  for (int32_t s = 0; s < kRawSegments; s++) {
    std::vector<int32_t> alone(clocks);
    DecodeRawPlane(raw.data(), clocks, s, code, alone.data());
    Require(alone == together[static_cast<size_t>(s)], "a plane is the same alone and together");
    for (size_t i = 0; i < clocks; i++) {
      Require(alone[i] >= 0 && alone[i] <= 262143, "a value fits the ADC");
      Put(&packed[i * kRawClockBytes], s, static_cast<uint32_t>(alone[i]) ^ code);
    }
  }
  Require(packed == raw, "packing gives the bytes back");
  return 0;
}
