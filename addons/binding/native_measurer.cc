// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/native_measurer.h"

#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "addons/binding/calibration_binding.h"
#include "addons/fits/image_file.h"
#include "addons/pixels/search.h"

namespace summit::binding {
namespace {

// Bytes of an image; 0 when its sides or its type make no sense.
size_t ImageBytes(pixels::PixelType type, int32_t rows, int32_t cols) {
  if (rows < 1 || cols < 1 || rows > 65536 || cols > 65536) return 0;
  const size_t clocks = static_cast<size_t>(rows) * static_cast<size_t>(cols);
  switch (type) {
    case pixels::PixelType::kI32:
    case pixels::PixelType::kF32: return clocks * 4;
    case pixels::PixelType::kU16: return clocks * 2;
    case pixels::PixelType::kRaw18x16: return clocks * 36;
    default: return 0;
  }
}

Napi::Object MeasurementObject(Napi::Env env, const pixels::Measurement& m) {
  Napi::Object out = Napi::Object::New(env);
  const auto set = [&](const char* name, double value) { out.Set(name, Napi::Number::New(env, value)); };
  set("x", m.x);
  set("y", m.y);
  set("ex", m.ex);
  set("ey", m.ey);
  set("flux", m.flux);
  set("fluxErr", m.flux_err);
  set("background", m.background);
  set("noise", m.noise);
  set("snr", m.snr);
  set("fwhm", m.fwhm);
  set("momentXx", m.moment_xx);
  set("momentYy", m.moment_yy);
  set("momentXy", m.moment_xy);
  set("chi2", m.chi2);
  set("peak", m.peak);
  set("flags", m.flags);
  set("fault", m.fault);
  set("nSaturated", m.n_saturated);
  set("nMasked", m.n_masked);
  set("iterations", m.iterations);
  set("candidates", m.candidates);
  set("measureNs", m.measure_ns);
  return out;
}

double NumberOr(const Napi::Object& object, const char* name, double fallback) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : fallback;
}

}  // namespace

Napi::Function NativeMeasurer::Define(Napi::Env env) {
  return DefineClass(env, "NativeMeasurer", {InstanceMethod<&NativeMeasurer::Measure>("measure"), InstanceMethod<&NativeMeasurer::Reset>("reset"), InstanceMethod<&NativeMeasurer::Calibrate>("calibrate")});
}

NativeMeasurer::NativeMeasurer(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsObject()) {
    Napi::TypeError::New(env, "NativeMeasurer: expected an object of settings").ThrowAsJavaScriptException();
    return;
  }
  const Napi::Object given = info[0].As<Napi::Object>();
  pixels::MeasureSettings settings;
  settings.max_rows = static_cast<int32_t>(NumberOr(given, "maxRows", settings.max_rows));
  settings.max_cols = static_cast<int32_t>(NumberOr(given, "maxCols", settings.max_cols));
  settings.gain = static_cast<float>(NumberOr(given, "gain", static_cast<double>(settings.gain)));
  settings.read_noise = static_cast<float>(NumberOr(given, "readNoise", static_cast<double>(settings.read_noise)));
  settings.saturation = static_cast<int32_t>(NumberOr(given, "saturation", settings.saturation));
  settings.expected_fwhm = static_cast<float>(NumberOr(given, "expectedFwhm", static_cast<double>(settings.expected_fwhm)));
  settings.raw_segment = static_cast<int32_t>(NumberOr(given, "rawSegment", settings.raw_segment));
  settings.calibrated = given.Get("calibrated").ToBoolean().Value();
  measurer_ = pixels::StampMeasurer::Create(settings);
  if (measurer_ == nullptr) {
    Napi::RangeError::New(env, "NativeMeasurer: expected sides 1.." + std::to_string(pixels::WideSearch::kMaxSide) +
                                   ", gain above 0, read noise 0 or above")
        .ThrowAsJavaScriptException();
  }
}

Napi::Value NativeMeasurer::Measure(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 4 || !info[0].IsTypedArray() || !info[1].IsNumber() || !info[2].IsNumber() || !info[3].IsNumber()) {
    Napi::TypeError::New(env, "measure: expected pixels, type, rows, cols").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Napi::TypedArray pixels = info[0].As<Napi::TypedArray>();
  pixels::ImageView view;
  view.type = static_cast<pixels::PixelType>(info[1].As<Napi::Number>().Int32Value());
  view.rows = info[2].As<Napi::Number>().Int32Value();
  view.cols = info[3].As<Napi::Number>().Int32Value();
  view.stride = view.cols;
  const size_t bytes = ImageBytes(view.type, view.rows, view.cols);
  const auto* data = static_cast<const uint8_t*>(pixels.ArrayBuffer().Data()) + pixels.ByteOffset();
  if (bytes == 0 || pixels.ByteLength() < bytes || reinterpret_cast<uintptr_t>(data) % 4 != 0) {
    Napi::RangeError::New(env, "measure: expected " + std::to_string(view.rows) + " x " + std::to_string(view.cols) +
                                   " pixels of a known type at a multiple of 4 bytes, got " + std::to_string(pixels.ByteLength()) + " bytes")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  view.data = data;
  pixels::Prediction prediction;
  if (info.Length() >= 7 && info[4].IsNumber() && info[5].IsNumber() && info[6].IsNumber()) {
    prediction = {true, info[4].As<Napi::Number>().DoubleValue(), info[5].As<Napi::Number>().DoubleValue(), info[6].As<Napi::Number>().DoubleValue()};
  }
  return MeasurementObject(env, measurer_->Measure(view, prediction));
}

Napi::Value NativeMeasurer::Calibrate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  CalibrationOrder order;
  if (info.Length() < 1 || !ReadOrder(info[0], &order)) {
    Napi::TypeError::New(env, "calibrate: expected {directory, segment, startRow, startCol, rows, cols, gain, seconds}").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  std::vector<std::string> missing;
  calibration_ = LoadCalibration(order, &missing);
  measurer_->Use(calibration_.get());
  const Napi::Array out = Napi::Array::New(env, missing.size());
  for (uint32_t i = 0; i < missing.size(); ++i) out.Set(i, Napi::String::New(env, missing[i]));
  return out;
}

Napi::Value NativeMeasurer::Reset(const Napi::CallbackInfo& info) {
  measurer_->Reset();
  return info.Env().Undefined();
}

Napi::Function NativeGuiderFile::Define(Napi::Env env) {
  return DefineClass(env, "NativeGuiderFile", {InstanceMethod<&NativeGuiderFile::Stamps>("stamps"), InstanceMethod<&NativeGuiderFile::Read>("read"), InstanceMethod<&NativeGuiderFile::Roi>("roi")});
}

NativeGuiderFile::NativeGuiderFile(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsString()) {
    Napi::TypeError::New(env, "NativeGuiderFile: expected a path").ThrowAsJavaScriptException();
    return;
  }
  std::string problem;
  file_ = fits::GuiderFile::Open(info[0].As<Napi::String>().Utf8Value(), &problem);
  if (file_ == nullptr) Napi::Error::New(env, problem).ThrowAsJavaScriptException();
}

Napi::Value NativeGuiderFile::Stamps(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Array out = Napi::Array::New(env, file_->stamps().size());
  for (uint32_t i = 0; i < file_->stamps().size(); ++i) {
    const Napi::HandleScope scope(env);
    Napi::Object stamp = Napi::Object::New(env);
    stamp.Set("rows", Napi::Number::New(env, file_->stamps()[i].rows));
    stamp.Set("cols", Napi::Number::New(env, file_->stamps()[i].cols));
    stamp.Set("taiNs", Napi::BigInt::New(env, file_->stamps()[i].tai_ns));
    out.Set(i, stamp);
  }
  return out;
}

Napi::Value NativeGuiderFile::Roi(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const fits::GuiderHeader& header = file_->header();
  Napi::Object out = Napi::Object::New(env);
  const auto set = [&](const char* name, const std::optional<int64_t>& value) {
    out.Set(name, value ? Napi::Number::New(env, static_cast<double>(*value)) : env.Null());
  };
  const std::string detector = file_->sensor().Joined();
  out.Set("detector", detector.empty() ? env.Null() : Napi::String::New(env, detector).As<Napi::Value>());
  set("segment", header.segment);
  set("startRow", header.roi_start_row);
  set("startCol", header.roi_start_col);
  set("integrationMs", header.integration_ms);
  return out;
}

Napi::Value NativeGuiderFile::Read(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const double index = info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1.0;
  if (!(index >= 0.0) || !(index < static_cast<double>(file_->stamps().size()))) {
    Napi::RangeError::New(env, "read: expected the number of a stamp").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const auto at = static_cast<size_t>(index);
  Napi::Int32Array pixels = Napi::Int32Array::New(env, file_->stamps()[at].pixels());
  std::string problem;
  if (!file_->ReadPixels(at, std::span<int32_t>(pixels.Data(), pixels.ElementLength()), &problem)) {
    Napi::Error::New(env, problem).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return pixels;
}

Napi::Value ReadImage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsString() || !info[1].IsNumber()) {
    Napi::TypeError::New(env, "readImage: expected path and HDU (0: the first image)").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  fits::FitsImage image;
  std::string problem;
  if (!fits::ReadImage(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::Number>().Int32Value(), &image, &problem)) {
    Napi::Error::New(env, problem).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Float32Array pixels = Napi::Float32Array::New(env, image.pixels.size());
  std::memcpy(pixels.Data(), image.pixels.data(), image.pixels.size() * sizeof(float));
  Napi::Object out = Napi::Object::New(env);
  out.Set("hdu", Napi::Number::New(env, image.hdu));
  out.Set("name", image.name);
  out.Set("rows", Napi::Number::New(env, image.rows));
  out.Set("cols", Napi::Number::New(env, image.cols));
  out.Set("pixels", pixels);
  return out;
}

}  // namespace summit::binding
