// SPDX-License-Identifier: Apache-2.0
// Columns that are read but see no light: their level is far below that of the columns beside them. Level like any
// other offset comes out with the structure, and what stays is a gap in the star.
// Units: ADU. Thread: any. Owns: nothing.
#ifndef SUMMIT_PIXELS_DEAD_COLUMNS_H_
#define SUMMIT_PIXELS_DEAD_COLUMNS_H_

#include "addons/pixels/structure.h"
#include "addons/pixels/window.h"

namespace summit::pixels {

// Masks them as defects. Comes after RemoveStructure, whose offsets it reads.
void MaskDeadColumns(const Structure& structure, Window* window);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_DEAD_COLUMNS_H_
