// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/recorder_objects.h"

#include "addons/daq/options.h"

namespace summit::binding {

bool ReadRecorderSettings(const std::string& json, recorder::RecorderSettings* settings, std::string* message) {
  if (json.empty() || json == "null") return true;
  daq::Options options(json, "recorder");
  settings->folder = options.Text("folder", "");
  settings->partition = options.Text("partition", settings->partition);
  settings->queue_stamps = static_cast<uint32_t>(options.Int("queueStamps", settings->queue_stamps, 8, 65536));
  settings->shared = options.Flag("shared", false);
  *message = options.Problems();
  if (message->empty() && settings->folder.empty()) *message = "recorder: folder: expected a path";
  return message->empty();
}

bool ReadStreamSettings(const std::string& json, recorder::StreamSettings* settings, std::string* message) {
  if (json.empty() || json == "null") return true;
  daq::Options options(json, "stream");
  settings->path = options.Text("path", "");
  settings->compress = options.Flag("compress", false);
  settings->guided = options.Flag("guided", false);
  settings->queue_stamps = static_cast<uint32_t>(options.Int("queueStamps", settings->queue_stamps, 8, 65536));
  settings->json = options.Json("header");
  *message = options.Problems();
  if (message->empty() && settings->path.empty()) *message = "stream: path: expected a path";
  return message->empty();
}

Napi::Array ReportsArray(Napi::Env env, const std::vector<recorder::FileReport>& reports) {
  Napi::Array array = Napi::Array::New(env, reports.size());
  for (size_t i = 0; i < reports.size(); ++i) {
    const recorder::FileReport& report = reports[i];
    const auto number = [&](uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); };
    Napi::Object one = Napi::Object::New(env);
    one.Set("location", number(report.location));
    one.Set("obsid", report.obsid);
    one.Set("obsidTold", Napi::Boolean::New(env, report.obsid_told));
    one.Set("seriesId", report.series_id);
    one.Set("sequence", number(report.sequence));
    one.Set("series", Napi::BigInt::New(env, report.series));
    one.Set("closedBy", report.closed_by);
    one.Set("path", report.path);
    one.Set("sidecar", report.sidecar);
    one.Set("sha256", report.sha256);
    one.Set("bytes", number(report.bytes));
    one.Set("problem", report.problem);
    one.Set("stamps", number(report.stamps));
    one.Set("complete", number(report.complete));
    one.Set("leftOut", number(report.left_out));
    one.Set("failed", number(report.failed));
    one.Set("closedNs", Napi::BigInt::New(env, report.closed_ns));
    one.Set("durableNs", Napi::BigInt::New(env, report.durable_ns));
    array.Set(static_cast<uint32_t>(i), one);
  }
  return array;
}

}  // namespace summit::binding
