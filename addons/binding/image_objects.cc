// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/image_objects.h"

#include <cstdio>

#include "addons/daq/options.h"
#include "addons/image/parallel.h"
#include "addons/looks/image_report.h"

namespace summit::binding {
namespace {

const char* NameOf(daq::ImageNewsKind kind) {
  switch (kind) {
    case daq::ImageNewsKind::kCreated: return "created";
    case daq::ImageNewsKind::kSource: return "source";
    case daq::ImageNewsKind::kFailed: return "failed";
    case daq::ImageNewsKind::kComplete: return "complete";
  }
  return "";
}

}  // namespace

bool ReadImageWriterSettings(const std::string& json, recorder::ImageWriterSettings* settings, std::string* message) {
  if (json.empty() || json == "null") return true;
  daq::Options options(json, "imageWriter");
  settings->folder = options.Text("folder", "");
  settings->threads = static_cast<unsigned>(options.Int("threads", settings->threads, 1, 64));
  settings->idle = options.Flag("idle", false);
  *message = options.Problems();
  if (message->empty() && settings->folder.empty()) *message = "imageWriter: folder: expected a path";
  return message->empty();
}

Napi::Array ImageNewsArray(Napi::Env env, const std::vector<daq::ImageNews>& news) {
  Napi::Array array = Napi::Array::New(env, news.size());
  for (size_t i = 0; i < news.size(); ++i) {
    const daq::ImageNews& item = news[i];
    const auto big = [&](uint64_t value) { return Napi::BigInt::New(env, value); };
    const auto number = [&](uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); };
    char tag[20];
    std::snprintf(tag, sizeof(tag), "%llx", static_cast<unsigned long long>(item.image));
    Napi::Object one = Napi::Object::New(env);
    one.Set("kind", NameOf(item.kind));
    one.Set("imageTag", tag);
    one.Set("name", item.name);
    one.Set("details", item.json);
    one.Set("sourceDetails", item.source_json);
    one.Set("simulated", Napi::Boolean::New(env, item.simulated));
    one.Set("location", number(item.location));
    one.Set("reason", item.reason);
    one.Set("token", big(item.token));
    one.Set("bytes", number(item.bytes));
    one.Set("bytesExpected", number(item.bytes_expected));
    one.Set("resumed", number(item.resumed));
    one.Set("triggerTaiNs", big(item.t_src_tai_ns));
    one.Set("createdNs", big(item.t_created_ns));
    one.Set("firstNs", big(item.t_first_ns));
    one.Set("lastNs", big(item.t_last_ns));
    array.Set(static_cast<uint32_t>(i), one);
  }
  return array;
}

Napi::Array ImageFilesArray(Napi::Env env, const std::vector<recorder::ImageFileReport>& reports) {
  Napi::Array array = Napi::Array::New(env, reports.size());
  for (size_t i = 0; i < reports.size(); ++i) {
    const recorder::ImageFileReport& report = reports[i];
    Napi::Object one = Napi::Object::New(env);
    one.Set("id", Napi::Number::New(env, static_cast<double>(report.id)));
    one.Set("path", report.path);
    one.Set("sidecar", report.sidecar);
    one.Set("sha256", report.sha256);
    one.Set("problem", report.problem);
    one.Set("bytes", Napi::Number::New(env, static_cast<double>(report.bytes)));
    one.Set("begunNs", Napi::BigInt::New(env, report.begun_ns));
    one.Set("madeNs", Napi::BigInt::New(env, report.made_ns));
    one.Set("durableNs", Napi::BigInt::New(env, report.durable_ns));
    array.Set(static_cast<uint32_t>(i), one);
  }
  return array;
}

bool ReadImageJob(const Napi::Value& value, recorder::ImageJob* job) {
  if (!value.IsObject()) return false;
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value id = object.Get("id"), plane = object.Get("firstPlane"), detector = object.Get("detector"), name = object.Get("name"),
                    header = object.Get("header");
  if (!id.IsNumber() || !plane.IsNumber() || !detector.IsString() || !name.IsString() || !header.IsString()) return false;
  job->id = static_cast<uint64_t>(id.As<Napi::Number>().Int64Value());
  job->first_plane = plane.As<Napi::Number>().Uint32Value();
  job->name = name.As<Napi::String>().Utf8Value();
  job->header = header.As<Napi::String>().Utf8Value();
  const bool latiss = detector.As<Napi::String>().Utf8Value() == "latiss";
  job->detector = latiss ? fits::RawDetector::kLatiss : fits::RawDetector::kWavefront;
  // All segments lie inside the 16 of a board, and the name inside the folder.
  return job->first_plane <= (latiss ? 0u : 8u) && !job->name.empty() && job->name.find('/') == std::string::npos;
}

bool ReadLookerSettings(const std::string& json, looks::LookerSettings* settings, std::string* message) {
  settings->workers = 0;
  if (json.empty() || json == "null") return true;
  daq::Options options(json, "imageLooker");
  settings->calibrations = options.Text("calibrations", "");
  settings->workers = static_cast<unsigned>(options.Int("workers", 1, 1, 16));
  settings->threads = static_cast<int32_t>(options.Int("threads", 2, 1, image::kMostThreads));
  settings->idle = options.Flag("idle", false);
  for (const std::string& detector : options.Array("detectors")) {
    daq::Options each(detector, "imageLooker: detectors");
    looks::LookedDetector one;
    one.name = each.Text("name", "");
    one.latiss = each.Text("kind", "wavefront") == "latiss";
    *message += each.Problems();
    settings->detectors.push_back(std::move(one));
  }
  for (const std::string& text : options.Array("steps")) {
    daq::Options each(text, "imageLooker: steps");
    const std::string name = each.Text("name", "");
    if (!looks::SwitchStep(name, each.Flag("on", true), &settings->isr.steps)) *message += "imageLooker: steps: no step " + name + "; ";
    *message += each.Problems();
  }
  *message += options.Problems();
  return message->empty();
}

bool ReadLookJob(const Napi::Value& value, looks::LookJob* job) {
  if (!value.IsObject()) return false;
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value id = object.Get("id"), plane = object.Get("firstPlane"), kind = object.Get("kind"), calibration = object.Get("calibration"), header = object.Get("header"), isr = object.Get("isrPath"), folder = object.Get("calibrations");
  if (!id.IsNumber() || !plane.IsNumber() || !kind.IsString() || !calibration.IsString() || !header.IsString() || !isr.IsString() || !folder.IsString()) return false;
  job->id = static_cast<uint64_t>(id.As<Napi::Number>().Int64Value());
  job->first_plane = plane.As<Napi::Number>().Uint32Value();
  job->detector = {calibration.As<Napi::String>().Utf8Value(), kind.As<Napi::String>().Utf8Value() == "latiss"};
  job->header = header.As<Napi::String>().Utf8Value();
  job->isr_path = isr.As<Napi::String>().Utf8Value();
  job->calibrations = folder.As<Napi::String>().Utf8Value();
  // All segments lie inside the 16 of a board.
  return job->first_plane <= (job->detector.latiss ? 0u : 8u);
}

Napi::Array LooksArray(Napi::Env env, const std::vector<looks::LookReport>& reports) {
  Napi::Array array = Napi::Array::New(env, reports.size());
  for (size_t i = 0; i < reports.size(); ++i) {
    const looks::LookReport& report = reports[i];
    Napi::Object one = Napi::Object::New(env);
    one.Set("id", Napi::Number::New(env, static_cast<double>(report.id)));
    one.Set("problem", report.problem);
    one.Set("report", report.report);
    one.Set("preview", Napi::Buffer<uint8_t>::Copy(env, report.preview.data(), report.preview.size()));
    one.Set("cols", Napi::Number::New(env, report.cols));
    one.Set("rows", Napi::Number::New(env, report.rows));
    one.Set("begunNs", Napi::BigInt::New(env, report.begun_ns));
    one.Set("isrNs", Napi::BigInt::New(env, report.isr_ns));
    one.Set("doneNs", Napi::BigInt::New(env, report.done_ns));
    array.Set(static_cast<uint32_t>(i), one);
  }
  return array;
}

Napi::Array IsrFilesArray(Napi::Env env, const std::vector<looks::IsrFileReport>& reports) {
  Napi::Array array = Napi::Array::New(env, reports.size());
  for (size_t i = 0; i < reports.size(); ++i) {
    Napi::Object one = Napi::Object::New(env);
    one.Set("id", Napi::Number::New(env, static_cast<double>(reports[i].id)));
    one.Set("path", reports[i].path);
    one.Set("problem", reports[i].problem);
    one.Set("bytes", Napi::Number::New(env, static_cast<double>(reports[i].bytes)));
    one.Set("durableNs", Napi::BigInt::New(env, reports[i].durable_ns));
    array.Set(static_cast<uint32_t>(i), one);
  }
  return array;
}

}  // namespace summit::binding
