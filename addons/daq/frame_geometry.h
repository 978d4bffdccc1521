// SPDX-License-Identifier: Apache-2.0
// How many bytes a stamp of some geometry has, and what START promised the stamps of a series to be.
// Thread: one at a time.
// Owns: nothing outside itself.
#ifndef SUMMIT_DAQ_FRAME_GEOMETRY_H_
#define SUMMIT_DAQ_FRAME_GEOMETRY_H_

#include <cstdint>

#include "addons/daq/driver.h"

namespace summit::daq {

inline constexpr unsigned kLocations = 225;  // bays 25 x boards 3 x sensors 3
inline constexpr uint8_t kWholeLink = 0xFF;

// Payload bytes that rows, cols and pixel type call for; 0 when the pixel type is unknown or nothing is read.
inline uint64_t GeometryBytes(const SummitFrame& frame) {
  const uint64_t pixels = uint64_t{frame.rows} * frame.cols;
  switch (frame.pixel_type) {
    case SUMMIT_PIXEL_I32: return pixels * 4;
    case SUMMIT_PIXEL_U16: return pixels * 2;
    case SUMMIT_PIXEL_RAW18X16:
      return (uint64_t{frame.rows} + frame.over_rows) * (uint64_t{frame.cols} + frame.under_cols + frame.over_cols) * 36;
    default: return 0;
  }
}

class SeriesGeometry {
 public:
  void Forget() { known_ = false; }
  // From the payload of START; a short payload teaches nothing.
  void Learn(const SummitFrame& start);
  // Is this stamp's window another one than START announced?
  bool Contradicts(const SummitFrame& stamp) const;

 private:
  bool known_ = false;
  SummitRoiCommon common_{};
  SummitRoiLocation roi_{};
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_FRAME_GEOMETRY_H_
