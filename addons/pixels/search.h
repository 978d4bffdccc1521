// SPDX-License-Identifier: Apache-2.0
// Looks for stars in ROIs larger than a window: 4x4 bins of the whole ROI, from which the places to measure come.
// Thread: one at a time per WideSearch. Owns: its workspace, for at most kMaxSide x kMaxSide pixels.
#ifndef SUMMIT_PIXELS_SEARCH_H_
#define SUMMIT_PIXELS_SEARCH_H_

#include "addons/pixels/detect.h"
#include "addons/pixels/image_view.h"

namespace summit::pixels {

class WideSearch {
 public:
  static constexpr int32_t kMaxSide = 512;
  static constexpr int32_t kBin = 4;

  // Up to kMaxCandidates places (ROI pixels), most significant first, above `threshold` sigma of a smoothed bin.
  int32_t Find(const ImageView& image, float threshold, Candidate* out);

 private:
  static constexpr int32_t kSampledRows = 48;
  static constexpr int32_t kBins = kMaxSide / kBin;
  static constexpr int32_t kStride = kBins + 16;  // a border of empty bins on all sides
  static constexpr int32_t kWords = kBins / 64;
  static constexpr int32_t kMaxPlaces = 1024;     // bins above the threshold, in reading order

  struct Place {
    int16_t row, col;
  };

  float SampleColumns(const ImageView& image);
  void BinRows(const ImageView& image, float noise);
  void CutLargestColumn(const ImageView& image, float noise, int32_t r, int32_t c);
  float SmoothedAt(int32_t r, int32_t c) const;
  bool IsPeak(int32_t r, int32_t c, int32_t rows, int32_t cols) const;
  float* Bin(int32_t r, int32_t c) { return bins_ + (r + 1) * kStride + c + 8; }
  const float* Bin(int32_t r, int32_t c) const { return bins_ + (r + 1) * kStride + c + 8; }

  alignas(64) float sampled_[kSampledRows * kMaxSide];
  alignas(64) float columns_[kMaxSide];
  alignas(64) float sums_[kMaxSide];
  alignas(64) float bins_[(kBins + 2) * kStride];
  Place places_[kMaxPlaces];
  uint64_t cut_[kBins * kWords];  // bins that went through CutLargestColumn, as bits
};

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_SEARCH_H_
