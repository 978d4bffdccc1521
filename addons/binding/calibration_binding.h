// SPDX-License-Identifier: Apache-2.0
// A detector's master calibrations for one ROI, from files to what the measuring chain takes.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_BINDING_CALIBRATION_BINDING_H_
#define SUMMIT_BINDING_CALIBRATION_BINDING_H_

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "addons/daq/link.h"
#include "addons/fits/calibration_file.h"
#include "addons/pixels/calibration.h"

namespace summit::binding {

struct CalibrationOrder {
  std::string directory;  // holds bias.fits, dark.fits, flat.fits, defects.fits
  fits::CalibrationRoi roi;
  double gain = 1.0;     // electron/ADU, of files in electron
  double seconds = 0.0;  // of dark current
};

// (link, location, order, path of ptc.fits or "") -> Promise {missing, gain, readNoise}: reads on libuv's pool and hands
// over to the link thread. Gain 0: there is none in the file, or it was not asked for. missing: a sentence for each file.
Napi::Value CalibrateLink(Napi::Env env, std::shared_ptr<daq::Link> link, uint8_t location, const Napi::Value& order, std::string amplifiers);

// Reads JavaScript's {directory, segment, startRow, startCol, rows, cols, gain, seconds}; false when it is no such object.
bool ReadOrder(const Napi::Value& value, CalibrationOrder* order);

// What there is; *missing gets one sentence for each file that is not there or cannot be used.
std::unique_ptr<pixels::Calibration> LoadCalibration(const CalibrationOrder& order, std::vector<std::string>* missing);

// (path of ptc.fits, segment) -> {gain, readNoise}; throws with path and reason.
Napi::Value ReadAmplifier(const Napi::CallbackInfo& info);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_CALIBRATION_BINDING_H_
