// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/raw_decode.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace summit::pixels {
namespace {

// The format once more, bit by bit: segment s of a clock is bits 18s..18s+17 of its 288, least significant first.
std::vector<uint8_t> Encode(const std::vector<std::vector<int32_t>>& planes, uint32_t code) {
  const size_t clocks = planes[0].size();
  std::vector<uint8_t> raw(clocks * kRawClockBytes, 0);
  for (size_t i = 0; i < clocks; i++) {
    for (size_t s = 0; s < static_cast<size_t>(kRawSegments); s++) {
      const uint32_t value = static_cast<uint32_t>(planes[s][i]) ^ code;
      for (size_t b = 0; b < 18; b++) {
        const size_t bit = 18 * s + b;
        if ((value >> b & 1u) != 0) raw[i * kRawClockBytes + bit / 8] = static_cast<uint8_t>(raw[i * kRawClockBytes + bit / 8] | 1u << (bit % 8));
      }
    }
  }
  return raw;
}

std::vector<std::vector<int32_t>> RandomPlanes(size_t clocks) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int32_t> value(0, 262143);
  std::vector<std::vector<int32_t>> planes(static_cast<size_t>(kRawSegments), std::vector<int32_t>(clocks));
  for (auto& plane : planes) {
    for (int32_t& v : plane) v = value(random);
    plane.front() = 0;
    plane.back() = 262143;
  }
  return planes;
}

TEST(RawDecode, EverySegmentComesBackWithBothCodes) {
  for (const size_t clocks : {size_t{1}, size_t{7}, size_t{16}, size_t{33}, size_t{2500}}) {
    const auto planes = RandomPlanes(clocks);
    for (const uint32_t code : {kRawCodeInverted, kRawCodeScience, 0u}) {
      const std::vector<uint8_t> raw = Encode(planes, code);
      for (int32_t s = 0; s < kRawSegments; s++) {
        std::vector<int32_t> out(clocks, -1);
        DecodeRawPlane(raw.data(), clocks, s, code, out.data());
        EXPECT_EQ(out, planes[static_cast<size_t>(s)]) << "segment " << s << " of " << clocks << " clocks";
      }
    }
  }
}

TEST(RawDecode, AllPlanesAtOnceEqualOneByOne) {
  const auto planes = RandomPlanes(129);
  const std::vector<uint8_t> raw = Encode(planes, kRawCodeInverted);
  std::vector<std::vector<int32_t>> out(static_cast<size_t>(kRawSegments), std::vector<int32_t>(129, -1));
  int32_t* pointers[kRawSegments];
  for (size_t s = 0; s < out.size(); s++) pointers[s] = out[s].data();
  DecodeRawPlanes(raw.data(), 129, kRawCodeInverted, pointers);
  EXPECT_EQ(out, planes);
}

TEST(RawDecode, AmplifierLabelsNameTheirPlanes) {
  EXPECT_EQ(RawPlaneOfSegment(0), 0);
  EXPECT_EQ(RawPlaneOfSegment(7), 7);
  EXPECT_EQ(RawPlaneOfSegment(10), 8);
  EXPECT_EQ(RawPlaneOfSegment(17), 15);
  for (const int32_t label : {-1, 8, 9, 18, 1000}) EXPECT_EQ(RawPlaneOfSegment(label), -1);
}

}  // namespace
}  // namespace summit::pixels
