// SPDX-License-Identifier: Apache-2.0
#include "sim-hw/native/frame_addon.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim-hw/native/frame.h"

namespace summit::sim {
namespace {

using nlohmann::json;

double NumberIn(const json& from, const char* key, double otherwise = 0.0) {
  const auto found = from.find(key);
  return found != from.end() && found->is_number() ? found->get<double>() : otherwise;
}

json ListIn(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_array() ? *found : json::array();
}

std::string TextIn(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Detector DetectorOf(const json& from) {
  return Detector(TextIn(from, "name"), from.contains("latiss") && from["latiss"] == true, static_cast<uint64_t>(NumberIn(from, "seed", 1.0)));
}

Slitless SlitlessOf(const json& from) {
  Slitless spectrum{NumberIn(from, "x"),           NumberIn(from, "y"),          NumberIn(from, "angle"),      NumberIn(from, "flux"),
                    NumberIn(from, "distanceMm", 180), NumberIn(from, "grooves", 150), NumberIn(from, "fwhmCross", 10), NumberIn(from, "fwhmDisp", 10), {}};
  for (const json& line : ListIn(from, "lines")) spectrum.lines.push_back({NumberIn(line, "nm"), NumberIn(line, "depth"), NumberIn(line, "sigmaNm", 1.0)});
  return spectrum;
}

Scene SceneOf(const json& from) {
  Scene scene;
  scene.sky = NumberIn(from, "sky");
  scene.dark_time = NumberIn(from, "darkTime");
  scene.noise_seed = static_cast<uint64_t>(NumberIn(from, "noiseSeed", 1.0));
  for (const json& d : ListIn(from, "donuts")) {
    scene.donuts.push_back({NumberIn(d, "x"), NumberIn(d, "y"), NumberIn(d, "radius", 66), NumberIn(d, "flux"), NumberIn(d, "shadowX"), NumberIn(d, "shadowY"),
                            NumberIn(d, "shadowRadius")});
  }
  for (const json& s : ListIn(from, "stars")) {
    scene.stars.push_back({NumberIn(s, "x"), NumberIn(s, "y"), NumberIn(s, "flux"), NumberIn(s, "fwhm", 8), NumberIn(s, "ellipticity"), NumberIn(s, "angle")});
  }
  for (const json& t : ListIn(from, "tracks")) {
    scene.tracks.push_back({NumberIn(t, "x"), NumberIn(t, "y"), NumberIn(t, "length"), NumberIn(t, "angle"), NumberIn(t, "electronsPerPx")});
  }
  for (const json& s : ListIn(from, "spectra")) scene.spectra.push_back(SlitlessOf(s));
  return scene;
}

json AmpsOf(const Detector& detector) {
  json amps = json::array();
  for (const Amp& amp : detector.amps()) amps.push_back({{"name", amp.name}, {"gain", amp.gain}, {"noise_e", amp.noise}});
  return amps;
}

// {channels: "wavefront" | "latiss", detectors: [{name, latiss, seed, scene}]} -> {stream, truth}
class PaintWork : public Napi::AsyncWorker {
 public:
  PaintWork(Napi::Env env, std::string settings) : AsyncWorker(env), settings_(std::move(settings)), deferred_(env) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    const json settings = json::parse(settings_, nullptr, false);
    if (!settings.is_object()) return SetError("paintBoard: expected a JSON object");
    std::vector<Painted> painted;
    json truth = json::array();
    for (const json& each : ListIn(settings, "detectors")) {
      const Detector detector = DetectorOf(each);
      painted.push_back(Paint(detector, SceneOf(each.contains("scene") ? each["scene"] : json::object())));
      json donuts = json::array();
      for (const DonutTruth& d : painted.back().donuts) donuts.push_back({{"x_com", d.x_com}, {"y_com", d.y_com}, {"vignetted_fraction", d.vignetted_fraction}});
      truth.push_back({{"name", detector.name()}, {"amps", AmpsOf(detector)}, {"donuts", donuts}});
    }
    std::vector<const int32_t*> planes;
    for (const Painted& each : painted) {
      for (size_t i = 0; i < each.planes.size() / kRawPixels; i++) planes.push_back(each.planes.data() + i * kRawPixels);
    }
    if (planes.size() != 16) return SetError("paintBoard: expected two wavefront halves or LATISS");
    // LATISS numbers its channels the other way round.
    if (TextIn(settings, "channels") == "latiss") planes = std::vector<const int32_t*>(planes.rbegin(), planes.rend());
    stream_ = std::make_unique<std::vector<uint8_t>>(PackStream(planes));
    truth_ = truth.dump();
  }

  void OnOK() override {
    auto* stream = stream_.release();
    Napi::Object result = Napi::Object::New(Env());
    result.Set("stream", Napi::Buffer<uint8_t>::New(Env(), stream->data(), stream->size(), [stream](Napi::Env, uint8_t*) { delete stream; }));
    result.Set("truth", truth_);
    deferred_.Resolve(result);
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  std::string settings_;
  Napi::Promise::Deferred deferred_;
  std::unique_ptr<std::vector<uint8_t>> stream_;
  std::string truth_;
};

class CalibrationWork : public Napi::AsyncWorker {
 public:
  CalibrationWork(Napi::Env env, std::string settings, std::string folder)
      : AsyncWorker(env), settings_(std::move(settings)), folder_(std::move(folder)), deferred_(env) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    const json settings = json::parse(settings_, nullptr, false);
    if (!settings.is_object()) return SetError("writeCalibrations: expected a JSON object");
    const std::string problem = WriteCalibrations(DetectorOf(settings), folder_);
    if (!problem.empty()) SetError(problem);
  }
  void OnOK() override { deferred_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  std::string settings_, folder_;
  Napi::Promise::Deferred deferred_;
};

Napi::Value PaintBoard(const Napi::CallbackInfo& info) {
  auto* work = new PaintWork(info.Env(), info[0].ToString().Utf8Value());
  const Napi::Promise promise = work->promise();
  work->Queue();
  return promise;
}

Napi::Value JsWriteCalibrations(const Napi::CallbackInfo& info) {
  auto* work = new CalibrationWork(info.Env(), info[0].ToString().Utf8Value(), info[1].ToString().Utf8Value());
  const Napi::Promise promise = work->promise();
  work->Queue();
  return promise;
}

}  // namespace

void DefineFrames(Napi::Env env, Napi::Object exports) {
  exports.Set("paintBoard", Napi::Function::New<PaintBoard>(env));
  exports.Set("writeCalibrations", Napi::Function::New<JsWriteCalibrations>(env));
}

}  // namespace summit::sim
