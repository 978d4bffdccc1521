// SPDX-License-Identifier: Apache-2.0
// Masks what is too sharp for starlight: tracks of cosmic rays and hot pixels, also on top of a star.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_TRACKS_H_
#define SUMMIT_PIXELS_TRACKS_H_

#include <cstdint>

#include "addons/pixels/window.h"

namespace summit::pixels {

// Masks (kMaskHit) the pixels that are more than `contrast` times as bright as both neighbours to two sides, two pixels
// away: across a track there is a side to which both are dark; and the charge beside them. Structure must be removed. Returns
// how many are new.
int32_t MaskTracks(float noise, float contrast, Window* window);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_TRACKS_H_
