// SPDX-License-Identifier: Apache-2.0
// A borrowed rectangle of pixels: what the kernels read.
// Thread: plain data. Owns: nothing; the pixels must outlive the view.
#ifndef SUMMIT_PIXELS_IMAGE_VIEW_H_
#define SUMMIT_PIXELS_IMAGE_VIEW_H_

#include <cstdint>

namespace summit::pixels {

// Numbers equal SummitPixelType of addons/daq/driver.h.
enum class PixelType : uint8_t {
  kNone = 0,
  kI32 = 1,       // int32 [rows][cols], ADC counts 0..262143
  kU16 = 2,       // uint16 [rows][cols]
  kRaw18x16 = 3,  // 36 bytes per pixel clock, rows*cols of them (raw_decode.h)
  kF32 = 4,       // float [rows][cols]: archived images only, never from a DAQ
};

struct ImageView {
  const void* data = nullptr;
  PixelType type = PixelType::kNone;
  int32_t rows = 0;    // parallel
  int32_t cols = 0;    // serial
  int32_t stride = 0;  // pixels (raw: pixel clocks) from one row to the next; = cols when dense
  int32_t first_col = 0;  // raw: pixel clocks of underscan before the ROI in each row
};

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_IMAGE_VIEW_H_
