// SPDX-License-Identifier: Apache-2.0
// Finds candidate stars in a window whose structure was removed: matched filter on a copy in which single hot
// pixels are cut down to what their neighbours allow.
// Thread: one at a time per Detector. Owns: its workspace.
#ifndef SUMMIT_PIXELS_DETECT_H_
#define SUMMIT_PIXELS_DETECT_H_

#include <cstdint>

#include "addons/pixels/search_area.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

inline constexpr int32_t kMaxCandidates = 5;

struct Candidate {
  float x = 0.0f;             // px in the window
  float y = 0.0f;
  float significance = 0.0f;  // in units of the filtered noise
};

class Detector {
 public:
  static constexpr int32_t kAcrossStride = kWindowStride + 32;
  struct Area {
    int32_t r0, r1, c0, c1;  // pixels of the window, ends excluded
  };

  // Candidates above `threshold` (in sigma of the filtered image), most significant first. Returns how many.
  int32_t Find(const Window& window, float noise, float fwhm, float threshold, const SearchArea& near, Candidate* out);

  // The last window with its hot pixels cut down, in the window's layout.
  const float* capped() const { return capped_; }

 private:
  void CapHotPixels(const Window& window, float noise);
  float Smooth(int32_t rows, int32_t cols, float fwhm, const Area& area);

  alignas(64) float capped_[kWindowSide * kWindowStride + kLoadSlack];
  alignas(64) float across_[kWindowSide * kAcrossStride];
  alignas(64) float filtered_[kWindowSide * kWindowStride];
};

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_DETECT_H_
