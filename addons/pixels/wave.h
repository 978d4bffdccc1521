// SPDX-License-Identifier: Apache-2.0
// Takes electronic pickup out of a window: a tone in the stream of pixels is a plane wave over the stamp, which noise is not,
// for its neighbours are alike. One as long as a star is wide moves the star by more than its stated error.
// Units: ADU, px. Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_WAVE_H_
#define SUMMIT_PIXELS_WAVE_H_

#include "addons/pixels/structure.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

// Subtracts up to two plane waves that stand out of the noise, and measures the noise again; returns how many. Comes after
// RemoveStructure. A wave shorter than four pixels, or beside a star that is bright against it, does no harm and stays.
int32_t RemoveWaves(Window* window, Structure* structure);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_WAVE_H_
