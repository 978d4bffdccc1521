// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/tracks.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace summit::pixels {
namespace {

constexpr float kLeast = 6.0f;       // sigma above what the neighbours allow
constexpr float kSpilt = 1.6f;       // times what the neighbours allow: charge of a track in the pixels beside it
constexpr float kSpiltLeast = 3.0f;  // sigma

// The higher one of the neighbours to both sides, not below 0. A star beyond the edge falls as steeply: where one side is
// not seen, nothing is said.
float Beside(const Window& w, int32_t r, int32_t c, int32_t down, int32_t along) {
  const int32_t left = c - std::abs(along), right = c + std::abs(along);
  if (r < down || r + down >= w.rows || left < 0 || right >= w.cols) return HUGE_VALF;
  return std::max({w.Row(r - down)[c - along], w.Row(r + down)[c + along], 0.0f});
}

// What starlight may be at a pixel, by the darkest of its sides: two pixels away, or one diagonally, which is as far from a
// line along the other diagonal.
float Allowed(const Window& w, int32_t r, int32_t c) {
  return std::min({Beside(w, r, c, 0, 2), Beside(w, r, c, 2, 0), Beside(w, r, c, 1, 1), Beside(w, r, c, 1, -1)});
}

}  // namespace

int32_t MaskTracks(float noise, float contrast, Window* window) {
  const Window& w = *window;
  int32_t count = 0;
  const auto mask = [window, &count](int32_t at) {
    count += window->masked[at] == 0;
    if (window->masked[at] == 0) window->masked[at] = kMaskHit;
  };
  for (int32_t r = 0; r < w.rows; r++) {
    for (int32_t c = 0; c < w.cols; c++) {
      const float v = w.Row(r)[c];
      if (v < kLeast * noise) continue;
      const float allowed = Allowed(w, r, c);
      if (v <= contrast * allowed + kLeast * noise) continue;
      for (int32_t rr = std::max(0, r - 1); rr <= std::min(w.rows - 1, r + 1); rr++) {
        for (int32_t cc = std::max(0, c - 1); cc <= std::min(w.cols - 1, c + 1); cc++) {
          if ((rr == r && cc == c) || w.Row(rr)[cc] > kSpilt * allowed + kSpiltLeast * noise) mask(rr * kWindowStride + cc);
        }
      }
    }
  }
  window->defective += count;
  return count;
}

}  // namespace summit::pixels
