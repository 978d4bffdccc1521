// SPDX-License-Identifier: Apache-2.0
// Writes raw full frames for tests through CFITSIO itself, in the forms archives have them.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_FITS_TESTING_RAW_FILE_MAKER_H_
#define SUMMIT_FITS_TESTING_RAW_FILE_MAKER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "addons/image/detector_model.h"

namespace summit::fits::testing {

struct RawFileForm {
  bool compressed = true;
  std::string instrument = "lsstCam", raft = "R44", slot = "SW0";
  std::string data_section{};  // of every segment; "": none
  std::string det_section{};
  int leave_out = -1;  // segment by its place
  long cols = image::kAmpCols;
};

// A value for pixel (amp, row, col).
using PixelMaker = std::function<int32_t(int32_t amp, int32_t row, int32_t col)>;

// The status of CFITSIO, 0 when all is well.
int WriteRawFile(const std::string& path, const image::DetectorModel& model, const RawFileForm& form, const PixelMaker& pixel);

}  // namespace summit::fits::testing

#endif  // SUMMIT_FITS_TESTING_RAW_FILE_MAKER_H_
