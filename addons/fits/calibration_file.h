// SPDX-License-Identifier: Apache-2.0
// Reads the part of a detector's master calibrations that one ROI sees, in the order its amplifier is read out.
// Calibrations are of the assembled CCD (4072 x 4000, as the data management system has it): DETECTOR/bias.fits,
// dark.fits, flat.fits, defects.fits, ptc.fits.
// Thread: any; each call opens and closes the file. Owns: nothing.
#ifndef SUMMIT_FITS_CALIBRATION_FILE_H_
#define SUMMIT_FITS_CALIBRATION_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace summit::fits {

// In trimmed amplifier coordinates; start counts from the readout corner.
struct CalibrationRoi {
  int32_t segment = 0;  // label, 0-7 or 10-17
  int32_t start_row = 0, start_col = 0;
  int32_t rows = 0, cols = 0;
};

// One sentence without a path; "" for an ROI that lies on the CCD.
std::string RoiProblem(const CalibrationRoi& roi);

struct CalibrationImage {
  std::vector<float> pixels{};  // rows x cols of the ROI
  bool adu = false;             // the file says ADU; otherwise electron (dark: per second; flat: relative)
};

// False with one sentence, the path in it.
bool ReadCalibrationImage(const std::string& path, const CalibrationRoi& roi, CalibrationImage* image, std::string* problem);

// 1 where a defect covers the pixel.
bool ReadDefects(const std::string& path, const CalibrationRoi& roi, std::vector<uint8_t>* defects, std::string* problem);

struct AmplifierConstants {
  double gain = 0.0;        // electron/ADU, above 0
  double read_noise = 0.0;  // electron
};

// Of the photon transfer curve's table, the row of a segment's amplifier.
bool ReadAmplifier(const std::string& path, int32_t segment, AmplifierConstants* constants, std::string* problem);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_CALIBRATION_FILE_H_
