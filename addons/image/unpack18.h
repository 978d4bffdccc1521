// SPDX-License-Identifier: Apache-2.0
// Full frames as the camera's DAQ streams them: 36 bytes a pixel clock (addons/pixels/raw_decode.h), all 16 channels of
// a board interleaved. They are sorted into one plane per segment while they arrive, in pieces of any size.
// Thread: one at a time per object. Owns: the bytes of clocks that are not whole yet; the planes are the caller's.
#ifndef SUMMIT_IMAGE_UNPACK18_H_
#define SUMMIT_IMAGE_UNPACK18_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace summit::image {

inline constexpr size_t kSegmentRows = 2048;
inline constexpr size_t kSegmentCols = 576;
inline constexpr size_t kSegmentPixels = kSegmentRows * kSegmentCols;
inline constexpr size_t kChannels = 16;
// One board's stream of one image, and its planes.
inline constexpr uint64_t kStreamBytes = uint64_t{kSegmentPixels} * 36;
inline constexpr size_t kPlaneBytes = kSegmentPixels * sizeof(int32_t);

// plane[channel of the stream]: the place among the planes, which are in the order of the camera's HDUs.
using ChannelMap = std::array<uint8_t, kChannels>;
// Segment10..17 of SW0, then those of SW1.
inline constexpr ChannelMap kWavefrontChannels{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
// Segment10..17, then 07..00: LATISS numbers its channels the other way round.
inline constexpr ChannelMap kLatissChannels{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};

class Unpacker {
 public:
  // `planes`: 16 of `clocks` int32 each, one after the other, aligned to 64 bytes.
  Unpacker(const ChannelMap& map, uint32_t code, int32_t* planes, size_t clocks = kSegmentPixels);

  // The next bytes of the stream; what is beyond its end is not taken. Returns the bytes taken.
  size_t Feed(std::span<const uint8_t> bytes);

  uint64_t bytes() const { return bytes_; }  // taken so far
  uint64_t expected() const { return uint64_t{clocks_} * kClockBytes; }
  bool complete() const { return bytes_ == expected(); }

 private:
  static constexpr size_t kClockBytes = 36;
  // Clocks that are sorted together: a cache line of each plane.
  static constexpr size_t kGroup = 16;

  void Sort(const uint8_t* raw, size_t clocks);

  uint32_t code_;
  size_t clocks_;
  size_t done_ = 0;  // clocks in the planes
  uint64_t bytes_ = 0;
  std::array<int32_t*, kChannels> planes_{};  // by channel
  std::array<uint8_t, kGroup * kClockBytes> rest_{};
  size_t rest_bytes_ = 0;
};

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_UNPACK18_H_
