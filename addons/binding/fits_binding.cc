// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/fits_binding.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "addons/fits/guider_file_writer.h"
#include "addons/fits/tai_text.h"

namespace summit::binding {
namespace {

using nlohmann::json;

bool Whole(const json& value) {
  return value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{INT64_MAX});
}

// ROISEG, ROISPLIT and GDSSTART. False: not one of them. `good` tells whether its value has the right type.
bool ReadOwnForm(const std::string& name, const json& value, fits::GuiderHeader* header, bool* good) {
  if (name == fits::kSegmentKeyword) {
    const std::string text = value.is_string() ? value.get<std::string>() : std::string();
    *good = text.size() == 9 && text.rfind("Segment", 0) == 0 && text[7] >= '0' && text[7] <= '9' && text[8] >= '0' && text[8] <= '9';
    if (*good) header->segment = (text[7] - '0') * 10 + (text[8] - '0');
  } else if (name == fits::kSplitKeyword) {
    *good = value.is_boolean();
    if (*good) header->split_roi = value.get<bool>();
  } else if (name == fits::kStartKeyword) {
    if (value.is_string()) header->gds_start_tai_ns = fits::ParseTai(value.get<std::string>());
    *good = header->gds_start_tai_ns.has_value();
  } else {
    return false;
  }
  return true;
}

bool ReadOther(const std::string& name, const json& value, fits::GuiderHeader* header) {
  fits::GuiderValue card;
  if (value.is_string()) {
    card = value.get<std::string>();
  } else if (value.is_boolean()) {
    card = value.get<bool>();
  } else if (Whole(value)) {
    card = value.get<int64_t>();
  } else if (value.is_number()) {
    card = value.get<double>();
  } else {
    return false;
  }
  header->other.emplace_back(name, std::move(card));
  return true;
}

// False when the value has a wrong type.
bool ReadKeyword(const std::string& name, const json& value, fits::GuiderHeader* header) {
  bool good = true;
  if (ReadOwnForm(name, value, header, &good)) return good;
  const auto text = std::find_if(std::begin(fits::kTextKeywords), std::end(fits::kTextKeywords),
                                 [&](const fits::TextKeyword& keyword) { return name == keyword.name; });
  if (text != std::end(fits::kTextKeywords)) {
    if (value.is_string()) header->*text->member = value.get<std::string>();
    return value.is_string();
  }
  const auto number = std::find_if(std::begin(fits::kNumberKeywords), std::end(fits::kNumberKeywords),
                                   [&](const fits::NumberKeyword& keyword) { return name == keyword.name; });
  if (number != std::end(fits::kNumberKeywords)) {
    if (Whole(value)) header->*number->member = value.get<int64_t>();
    return Whole(value);
  }
  return ReadOther(name, value, header);
}

bool ReadHeader(const std::string& text, fits::GuiderHeader* header, std::string* problem) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) {
    *problem = "header: expected a JSON object of FITS keywords";
    return false;
  }
  for (const auto& [name, value] : object.items()) {
    if (value.is_null() || ReadKeyword(name, value, header)) continue;
    *problem = "header: " + name + ": not the kind of value it takes: " + value.dump();
    return false;
  }
  const auto side = [](const std::optional<int64_t>& value) { return value && *value > 0 && *value <= UINT16_MAX; };
  if (side(header->roi_cols) && side(header->roi_rows)) return true;
  *problem = "header: ROICOLS, ROIROWS: expected 1..65535 both";
  return false;
}

bool ReadStamp(const Napi::Value& value, fits::NewStamp* stamp) {
  if (!value.IsObject()) return false;
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value pixels = object.Get("pixels");
  const Napi::Value tai_ns = object.Get("taiNs");
  const Napi::Value daq_stamp = object.Get("daqStamp");
  if (!pixels.IsTypedArray() || pixels.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) return false;
  if (!tai_ns.IsBigInt() || !daq_stamp.IsNumber() || daq_stamp.As<Napi::Number>().DoubleValue() < 0) return false;
  const Napi::Int32Array array = pixels.As<Napi::Int32Array>();
  bool lossless = false;
  stamp->pixels = std::span<const int32_t>(array.Data(), array.ElementLength());
  stamp->tai_ns = tai_ns.As<Napi::BigInt>().Uint64Value(&lossless);
  stamp->daq_stamp = static_cast<uint64_t>(daq_stamp.As<Napi::Number>().Int64Value());
  return lossless;
}

bool WriteFile(const std::string& path, const std::string& header_json, const Napi::Array& stamps, std::string* problem) {
  fits::GuiderHeader header;
  if (!ReadHeader(header_json, &header, problem)) {
    problem->insert(0, path + ": ");
    return false;
  }
  const auto writer = fits::GuiderFileWriter::Create(path, header, problem);
  if (writer == nullptr) return false;
  for (uint32_t i = 0; i < stamps.Length(); ++i) {
    const Napi::HandleScope scope(stamps.Env());
    fits::NewStamp stamp;
    stamp.rows = static_cast<uint16_t>(*header.roi_rows);
    stamp.cols = static_cast<uint16_t>(*header.roi_cols);
    const Napi::Value value = stamps.Get(i);
    if (!ReadStamp(value, &stamp)) {
      *problem = path + ": stamps[" + std::to_string(i) + "]: expected {pixels: Int32Array, taiNs: bigint, daqStamp: number}";
      return false;
    }
    if (!writer->Append(stamp, problem)) return false;
  }
  return writer->Close(problem);
}

}  // namespace

Napi::Value WriteGuiderFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 3 || !info[0].IsString() || !info[1].IsString() || !info[2].IsArray()) {
    Napi::TypeError::New(env, "writeGuiderFile: expected path, header as JSON text, and an array of stamps").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  std::string problem;
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  if (!WriteFile(path, info[1].As<Napi::String>().Utf8Value(), info[2].As<Napi::Array>(), &problem) && !env.IsExceptionPending()) {
    Napi::Error::New(env, problem).ThrowAsJavaScriptException();
  }
  return env.Undefined();
}

}  // namespace summit::binding
