// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/raw_decode.h"

#include <cstring>

namespace summit::pixels {
namespace {

constexpr uint32_t kMask = 0x3FFFFu;

// The four bytes that hold a segment's 18 bits begin at this byte; the last segment's would end beyond the clock.
constexpr size_t ByteOf(int32_t segment) {
  const size_t byte = static_cast<size_t>(18 * segment / 8);
  return byte > kRawClockBytes - 4 ? kRawClockBytes - 4 : byte;
}
constexpr uint32_t ShiftOf(int32_t segment) { return static_cast<uint32_t>(18 * segment) - static_cast<uint32_t>(8 * ByteOf(segment)); }

inline uint32_t Word(const uint8_t* p) {
  uint32_t word;
  std::memcpy(&word, p, 4);
  return word;
}

}  // namespace

int32_t RawPlaneOfSegment(int32_t label) {
  if (label >= 0 && label <= 7) return label;
  return label >= 10 && label <= 17 ? label - 2 : -1;
}

void DecodeRawPlane(const uint8_t* raw, size_t clocks, int32_t segment, uint32_t code, int32_t* out) {
  if (clocks == 0) return;
  const uint8_t* p = raw + ByteOf(segment);
  const uint32_t shift = ShiftOf(segment);
  for (size_t i = 0; i < clocks; i++, p += kRawClockBytes) out[i] = static_cast<int32_t>(((Word(p) >> shift) ^ code) & kMask);
}

void DecodeRawPlanes(const uint8_t* raw, size_t clocks, uint32_t code, int32_t* const planes[kRawSegments]) {
  for (size_t i = 0; i < clocks; i++, raw += kRawClockBytes) {
    for (int32_t s = 0; s < kRawSegments; s++) planes[s][i] = static_cast<int32_t>(((Word(raw + ByteOf(s)) >> ShiftOf(s)) ^ code) & kMask);
  }
}

}  // namespace summit::pixels
