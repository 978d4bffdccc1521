// SPDX-License-Identifier: Apache-2.0
// The mask that a master calibration brings along: bits by the names of its MP_ keys, in the numbers of ours.
// Thread: one at a time per open file. Owns: nothing.
#ifndef SUMMIT_FITS_CALIBRATION_MASK_H_
#define SUMMIT_FITS_CALIBRATION_MASK_H_

#include <fitsio.h>

#include <string>
#include <vector>

#include "addons/fits/open_file.h"
#include "addons/image/calibrations.h"

namespace summit::fits {

// Runs of marked pixels, row by row; none for a file without a mask of the detector's sides. False with a sentence without
// the path for a mask that cannot be read.
bool ReadCalibrationMask(FitsHandle* handle, const image::DetectorModel& model, std::vector<image::MaskRun>* runs, std::string* problem);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_CALIBRATION_MASK_H_
