// SPDX-License-Identifier: Apache-2.0
// Reads the master calibrations of a whole detector: DIRECTORY/{bias,dark,flat,defects,crosstalk,ptc,linearizer}.fits,
// of the assembled CCD, with the columns and header words of ip_isr.
// Thread: any; reads on as many threads as it is told. Owns: nothing.
#ifndef SUMMIT_FITS_DETECTOR_CALIBRATIONS_H_
#define SUMMIT_FITS_DETECTOR_CALIBRATIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "addons/image/calibrations.h"

namespace summit::fits {

// What there is; *missing gets one sentence, the path in it, for each file that is not there or cannot be used.
std::unique_ptr<image::Calibrations> ReadDetectorCalibrations(const std::string& directory, const image::DetectorModel& model, int32_t threads, std::vector<std::string>* missing);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_DETECTOR_CALIBRATIONS_H_
