// SPDX-License-Identifier: Apache-2.0
// A frame as people look at it.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_LOOKS_PREVIEW_H_
#define SUMMIT_LOOKS_PREVIEW_H_

#include <cstdint>
#include <vector>

#include "addons/image/sky_map.h"

namespace summit::looks {

// The binned frame in 8 bit, row 0 the lowest: stretched by asinh from a little below the sky to 900 times its noise.
void DrawPreview(const image::SkyMap& sky, std::vector<uint8_t>* preview);

}  // namespace summit::looks

#endif  // SUMMIT_LOOKS_PREVIEW_H_
