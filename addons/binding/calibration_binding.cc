// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/calibration_binding.h"

#include <utility>

namespace summit::binding {
namespace {

class CalibrateWork : public Napi::AsyncWorker {
 public:
  CalibrateWork(Napi::Env env, std::shared_ptr<daq::Link> link, uint8_t location, CalibrationOrder order, std::string amplifiers)
      : AsyncWorker(env), link_(std::move(link)), location_(location), order_(std::move(order)), amplifiers_(std::move(amplifiers)), deferred_(env) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    auto fresh = std::make_unique<daq::SensorCalibration>();
    if (!amplifiers_.empty()) {
      std::string problem;
      if (fits::ReadAmplifier(amplifiers_, order_.roi.segment, &constants_, &problem)) {
        order_.gain = constants_.gain;
      } else {
        missing_.push_back(problem);
        constants_ = {};
      }
    }
    const bool constants = missing_.empty();
    std::unique_ptr<pixels::Calibration> maps = LoadCalibration(order_, &missing_);
    if (maps != nullptr) fresh->maps = std::move(*maps);
    fresh->maps.complete = fresh->maps.complete && constants;
    const auto small = [](double value) { return static_cast<uint16_t>(value); };
    fresh->segment = small(order_.roi.segment);
    fresh->start_row = small(order_.roi.start_row);
    fresh->start_col = small(order_.roi.start_col);
    fresh->rows = small(order_.roi.rows);
    fresh->cols = small(order_.roi.cols);
    fresh->integration_ms = small(order_.seconds * 1000.0 + 0.5);
    fresh->gain = static_cast<float>(constants_.gain);
    fresh->read_noise = static_cast<float>(constants_.read_noise);
    link_->Calibrate(location_, std::move(fresh));
  }

  void OnOK() override {
    Napi::Object result = Napi::Object::New(Env());
    const Napi::Array missing = Napi::Array::New(Env(), missing_.size());
    for (uint32_t i = 0; i < missing_.size(); ++i) missing.Set(i, Napi::String::New(Env(), missing_[i]));
    result.Set("missing", missing);
    result.Set("gain", Napi::Number::New(Env(), constants_.gain));
    result.Set("readNoise", Napi::Number::New(Env(), constants_.read_noise));
    deferred_.Resolve(result);
  }

 private:
  std::shared_ptr<daq::Link> link_;
  uint8_t location_;
  CalibrationOrder order_;
  std::string amplifiers_;
  Napi::Promise::Deferred deferred_;
  fits::AmplifierConstants constants_;
  std::vector<std::string> missing_{};
};

}  // namespace

Napi::Value CalibrateLink(Napi::Env env, std::shared_ptr<daq::Link> link, uint8_t location, const Napi::Value& value, std::string amplifiers) {
  CalibrationOrder order;
  if (!ReadOrder(value, &order)) {
    Napi::TypeError::New(env, "calibrate: expected {directory, segment, startRow, startCol, rows, cols, gain, seconds}").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto* work = new CalibrateWork(env, std::move(link), location, std::move(order), std::move(amplifiers));
  const Napi::Promise promise = work->promise();
  work->Queue();
  return promise;
}

bool ReadOrder(const Napi::Value& value, CalibrationOrder* order) {
  if (!value.IsObject()) return false;
  const Napi::Object object = value.As<Napi::Object>();
  bool good = object.Get("directory").IsString();
  const auto number = [&object, &good](const char* name) {
    const Napi::Value member = object.Get(name);
    good = good && member.IsNumber();
    return member.IsNumber() ? member.As<Napi::Number>().DoubleValue() : 0.0;
  };
  order->roi.segment = static_cast<int32_t>(number("segment"));
  order->roi.start_row = static_cast<int32_t>(number("startRow"));
  order->roi.start_col = static_cast<int32_t>(number("startCol"));
  order->roi.rows = static_cast<int32_t>(number("rows"));
  order->roi.cols = static_cast<int32_t>(number("cols"));
  order->gain = number("gain");
  order->seconds = number("seconds");
  if (good) order->directory = object.Get("directory").As<Napi::String>().Utf8Value();
  return good && order->gain > 0.0 && order->seconds >= 0.0 && order->roi.rows <= 4096 && order->roi.cols <= 4096;
}

std::unique_ptr<pixels::Calibration> LoadCalibration(const CalibrationOrder& order, std::vector<std::string>* missing) {
  auto calibration = std::make_unique<pixels::Calibration>();
  calibration->rows = order.roi.rows;
  calibration->cols = order.roi.cols;
  const auto path = [&order](const char* name) { return order.directory + "/" + name; };
  std::string problem;
  const auto add = [&](const char* name, double seconds) {
    fits::CalibrationImage image;
    if (!fits::ReadCalibrationImage(path(name), order.roi, &image, &problem)) {
      missing->push_back(problem);
      return;
    }
    calibration->offset.resize(image.pixels.size(), 0.0f);
    const auto factor = static_cast<float>(image.adu ? seconds : seconds / order.gain);
    for (size_t i = 0; i < image.pixels.size(); ++i) calibration->offset[i] += factor * image.pixels[i];
  };
  add("bias.fits", 1.0);
  add("dark.fits", order.seconds);
  fits::CalibrationImage flat;
  if (fits::ReadCalibrationImage(path("flat.fits"), order.roi, &flat, &problem)) {
    calibration->flat = std::move(flat.pixels);
  } else {
    missing->push_back(problem);
  }
  if (!fits::ReadDefects(path("defects.fits"), order.roi, &calibration->defects, &problem)) {
    missing->push_back(problem);
    calibration->defects.clear();
  }
  calibration->complete = missing->empty();
  if (pixels::Prepare(calibration.get())) return calibration;
  // Maps are read for this very ROI: of another size they cannot be.
  return nullptr;
}

Napi::Value ReadAmplifier(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsString() || !info[1].IsNumber()) {
    Napi::TypeError::New(env, "readAmplifier: expected path and segment").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  fits::AmplifierConstants constants;
  std::string problem;
  if (!fits::ReadAmplifier(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::Number>().Int32Value(), &constants, &problem)) {
    Napi::Error::New(env, problem).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("gain", Napi::Number::New(env, constants.gain));
  out.Set("readNoise", Napi::Number::New(env, constants.read_noise));
  return out;
}

}  // namespace summit::binding
