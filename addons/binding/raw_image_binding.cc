// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/raw_image_binding.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "addons/fits/durable_file.h"
#include "addons/fits/raw_image_writer.h"

namespace summit::binding {
namespace {

bool Write(const std::string& path, const std::string& header_json, const fits::CameraImage& image, unsigned threads, std::string* problem) {
  fits::CameraHeader header;
  fits::RawFile file;
  if (!fits::ReadCameraHeader(header_json, &header, problem) || !fits::MakeRawFile(header, image, threads, &file, problem)) {
    problem->insert(0, path + ": ");
    return false;
  }
  return fits::PublishRawFile(path, file, problem);
}

}  // namespace

Napi::Value WriteRawImage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const bool right = info.Length() == 7 && info[0].IsString() && info[1].IsString() && info[2].IsString() && info[3].IsNumber() && info[4].IsNumber() &&
                     info[5].IsTypedArray() && info[5].As<Napi::TypedArray>().TypedArrayType() == napi_int32_array && info[6].IsNumber();
  if (!right) {
    Napi::TypeError::New(env, "writeRawImage: expected path, header as JSON text, detector, rows, cols, an Int32Array, threads").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Napi::Int32Array planes = info[5].As<Napi::Int32Array>();
  const bool latiss = info[2].As<Napi::String>().Utf8Value() == "latiss";
  const fits::CameraImage image{latiss ? fits::RawDetector::kLatiss : fits::RawDetector::kWavefront, info[3].As<Napi::Number>().Uint32Value(),
                             info[4].As<Napi::Number>().Uint32Value(), std::span<const int32_t>(planes.Data(), planes.ElementLength())};
  std::string problem;
  if (!Write(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value(), image, info[6].As<Napi::Number>().Uint32Value(), &problem)) {
    Napi::Error::New(env, problem).ThrowAsJavaScriptException();
  }
  return env.Undefined();
}

}  // namespace summit::binding
