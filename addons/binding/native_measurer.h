// SPDX-License-Identifier: Apache-2.0
// The measuring chain and the FITS readers for archived data, as JavaScript sees them; agent/daq/native.ts declares
// their shape.
// Thread: the thread of the environment; calls block while they measure or read.
// Owns: a measurer, or an open file, for as long as the object lives.
#ifndef SUMMIT_BINDING_NATIVE_MEASURER_H_
#define SUMMIT_BINDING_NATIVE_MEASURER_H_

#include <napi.h>

#include <memory>

#include "addons/fits/guider_file.h"
#include "addons/pixels/measure.h"

namespace summit::binding {

class NativeMeasurer : public Napi::ObjectWrap<NativeMeasurer> {
 public:
  static Napi::Function Define(Napi::Env env);
  // One object: maxRows, maxCols, gain, readNoise, saturation, expectedFwhm, rawSegment, calibrated, as in MeasureSettings.
  explicit NativeMeasurer(const Napi::CallbackInfo& info);

 private:
  // (pixels: Uint8Array, type, rows, cols, x?, y?, radius?) -> Measurement
  Napi::Value Measure(const Napi::CallbackInfo& info);
  Napi::Value Reset(const Napi::CallbackInfo& info);
  // (order: calibration_binding.h) -> string[]: what is missing, one sentence each
  Napi::Value Calibrate(const Napi::CallbackInfo& info);

  std::unique_ptr<pixels::Calibration> calibration_;
  std::unique_ptr<pixels::StampMeasurer> measurer_;
};

class NativeGuiderFile : public Napi::ObjectWrap<NativeGuiderFile> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit NativeGuiderFile(const Napi::CallbackInfo& info);

 private:
  Napi::Value Stamps(const Napi::CallbackInfo& info);
  Napi::Value Read(const Napi::CallbackInfo& info);
  // () -> {detector, segment, startRow, startCol, integrationMs}: null where the header does not tell
  Napi::Value Roi(const Napi::CallbackInfo& info);

  std::unique_ptr<fits::GuiderFile> file_;
};

// (path, hdu) -> {hdu, name, rows, cols, pixels: Float32Array}
Napi::Value ReadImage(const Napi::CallbackInfo& info);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_NATIVE_MEASURER_H_
