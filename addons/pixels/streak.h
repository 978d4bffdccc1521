// SPDX-License-Identifier: Apache-2.0
// The streak of a satellite: a straight even band of light that crosses the window from rim to rim. It is as bright as a
// star and as wide, and lies on top of one: it is measured along its whole length and taken out.
// Units: ADU, px of the window. Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_STREAK_H_
#define SUMMIT_PIXELS_STREAK_H_

#include <cstdint>

#include "addons/pixels/structure.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

// A line and the light across it. The light depends on the distance from the line along one axis: over rows where the line
// is flat, over columns where it is steep. So it is the same all along the line.
struct Streak {
  static constexpr int32_t kReach = 16;    // px from the line that are measured
  static constexpr int32_t kPerPixel = 2;  // steps of the light across
  static constexpr int32_t kSteps = 2 * kReach * kPerPixel + 1;

  bool flat = false;  // start + slope * column is a row; else start + slope * row is a column
  float start = 0.0f, slope = 0.0f;
  float across[kSteps] = {};  // ADU per pixel
  float peak = 0.0f;          // ADU: the greatest of `across`
  float width = 0.0f;         // px along the same axis: the sum of `across` over its peak

  // px from the line to a place, along the axis.
  float Beside(float x, float y) const { return flat ? y - (start + slope * x) : x - (start + slope * y); }
  float LightAt(float beside) const;  // ADU; 0 beyond the reach
};

// A place whose light is a star's and tells nothing of the streak; radius 0: none. px
struct StarPlace {
  float x = 0.0f, y = 0.0f, radius = 0.0f;
};

// Looks for a streak in a window whose structure is removed as `structure` says. Of a steep streak the columns' offsets took
// a part: where some stand out, the window is looked at with that put back. False: none.
bool FindStreak(const Window& window, const Structure& structure, Window* scratch, Streak* streak);

// Measures line and light again where the window has it, without the star's place. False: too little is left to measure.
bool MeasureStreak(const Window& window, float noise, const StarPlace& star, Streak* streak);

// Takes the streak's light out of a window of the same place, or (`times` -1) puts it back.
void SubtractStreak(const Streak& streak, float times, Window* window);

// Masks the pixels in which the streak's own noise is far above `noise`; `shot`: 1 / gain.
void MaskStreak(const Streak& streak, float noise, float shot, Window* window);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_STREAK_H_
