// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/image_processor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "addons/binding/image_workshop.h"
#include "addons/image/parallel.h"
#include "addons/looks/image_report.h"

namespace summit::binding {
namespace {

class ProcessWork : public Napi::AsyncWorker {
 public:
  ProcessWork(Napi::Env env, std::shared_ptr<ImageWorkshop> workshop, std::string path, std::string isr_path)
      : AsyncWorker(env), workshop_(std::move(workshop)), path_(std::move(path)), isr_path_(std::move(isr_path)), deferred_(env) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    std::string problem;
    if (!workshop_->Process(path_, isr_path_, &result_, &problem)) SetError(problem);
  }

  void OnOK() override {
    Napi::Object out = Napi::Object::New(Env());
    out.Set("report", Napi::String::New(Env(), result_.report));
    out.Set("preview", Napi::Buffer<uint8_t>::Copy(Env(), result_.preview.data(), result_.preview.size()));
    out.Set("cols", Napi::Number::New(Env(), result_.cols));
    out.Set("rows", Napi::Number::New(Env(), result_.rows));
    deferred_.Resolve(out);
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  std::shared_ptr<ImageWorkshop> workshop_;
  std::string path_, isr_path_;
  WorkshopResult result_{};
  Napi::Promise::Deferred deferred_;
};

bool ReadSettings(const Napi::Value& value, WorkshopSettings* settings) {
  if (!value.IsObject()) return false;
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value folder = object.Get("calibrations"), threads = object.Get("threads"), steps = object.Get("steps");
  if (!folder.IsString() || !threads.IsNumber() || !steps.IsObject()) return false;
  settings->calibrations = folder.As<Napi::String>().Utf8Value();
  settings->isr.threads = std::clamp(threads.As<Napi::Number>().Int32Value(), 1, image::kMostThreads);
  const Napi::Object wanted = steps.As<Napi::Object>();
  const Napi::Array names = wanted.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); i++) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    const Napi::Value on = wanted.Get(name);
    if (!on.IsBoolean() || !looks::SwitchStep(name, on.As<Napi::Boolean>().Value(), &settings->isr.steps)) return false;
  }
  return true;
}

}  // namespace

Napi::Function NativeImageProcessor::Define(Napi::Env env) { return DefineClass(env, "NativeImageProcessor", {InstanceMethod<&NativeImageProcessor::Process>("process")}); }

NativeImageProcessor::NativeImageProcessor(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  WorkshopSettings settings;
  if (info.Length() < 1 || !ReadSettings(info[0], &settings)) {
    Napi::TypeError::New(info.Env(), "NativeImageProcessor: expected {calibrations, threads, steps}").ThrowAsJavaScriptException();
    return;
  }
  workshop_ = std::make_shared<ImageWorkshop>(std::move(settings));
}

Napi::Value NativeImageProcessor::Process(const Napi::CallbackInfo& info) {
  if (info.Length() < 2 || !info[0].IsString() || !info[1].IsString()) {
    Napi::TypeError::New(info.Env(), "process: expected path and path of the ISR file").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  auto* work = new ProcessWork(info.Env(), workshop_, info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value());
  const Napi::Promise promise = work->promise();
  work->Queue();
  return promise;
}

}  // namespace summit::binding
