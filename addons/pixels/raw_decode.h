// SPDX-License-Identifier: Apache-2.0
// The camera's raw pixel stream: each pixel clock is 36 bytes, 16 segments of 18 bits in nine little-endian words,
// first segment in the least significant bits; codes are XORed.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_RAW_DECODE_H_
#define SUMMIT_PIXELS_RAW_DECODE_H_

#include <cstddef>
#include <cstdint>

namespace summit::pixels {

inline constexpr size_t kRawClockBytes = 36;
inline constexpr int32_t kRawSegments = 16;
inline constexpr uint32_t kRawCodeInverted = 0x20000u;  // guider, wavefront and AuxTel
inline constexpr uint32_t kRawCodeScience = 0x1FFFFu;

// Plane of an amplifier label: 0-7 (C00..C07) -> 0..7, 10-17 -> 8..15; -1 for any other label.
int32_t RawPlaneOfSegment(int32_t label);

// One segment (0..15) of `clocks` pixel clocks into `out[clocks]`, ADC counts 0..262143.
void DecodeRawPlane(const uint8_t* raw, size_t clocks, int32_t segment, uint32_t code, int32_t* out);

// All segments: planes[segment][clock].
void DecodeRawPlanes(const uint8_t* raw, size_t clocks, uint32_t code, int32_t* const planes[kRawSegments]);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_RAW_DECODE_H_
