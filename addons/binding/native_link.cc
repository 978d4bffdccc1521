// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/native_link.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>

#include "addons/binding/calibration_binding.h"
#include "addons/binding/errors.h"
#include "addons/binding/image_objects.h"
#include "addons/binding/recorder_objects.h"

namespace summit::binding {
namespace {

constexpr int kStopMs = 500;  // per wait; SIGTERM to exit is to take less than 1 s
constexpr int kStopRecorderMs = 3000;  // open files reach the disk; within the service's time to stop

Napi::BigInt Big(Napi::Env env, uint64_t value) { return Napi::BigInt::New(env, value); }

// Stopping joins threads: not on the event loop.
class StopWork : public Napi::AsyncWorker {
 public:
  StopWork(Napi::Env env, LinkParts parts, std::shared_ptr<Doorbell> doorbell)
      : AsyncWorker(env), parts_(std::move(parts)), doorbell_(std::move(doorbell)), deferred_(env) {}
  Napi::Promise promise() const { return deferred_.Promise(); }
  void Execute() override { clean_ = parts_.Stop(kStopMs, kStopRecorderMs); }
  void OnOK() override {
    doorbell_->Close();
    deferred_.Resolve(Napi::Boolean::New(Env(), clean_));
  }

 private:
  LinkParts parts_;
  std::shared_ptr<Doorbell> doorbell_;
  Napi::Promise::Deferred deferred_;
  bool clean_ = false;
};

class ControlWork : public Napi::AsyncWorker {
 public:
  ControlWork(Napi::Env env, std::shared_ptr<daq::Link> link, std::string command, int deadline_ms)
      : AsyncWorker(env), link_(std::move(link)), command_(std::move(command)), deadline_ms_(deadline_ms), deferred_(env) {}
  Napi::Promise promise() const { return deferred_.Promise(); }
  void Execute() override { code_ = link_->Control(command_, deadline_ms_, &reply_); }
  void OnOK() override {
    Napi::Object result = Napi::Object::New(Env());
    const char* code = code_ == SUMMIT_OK ? "" : ErrorCodeOf(code_);
    result.Set("code", code);
    result.Set("reply", reply_);
    deferred_.Resolve(result);
  }

 private:
  std::shared_ptr<daq::Link> link_;
  std::string command_;
  int deadline_ms_;
  Napi::Promise::Deferred deferred_;
  int code_ = SUMMIT_OK;
  std::string reply_;
};

Napi::Object SensorObject(Napi::Env env, uint8_t location, const daq::SensorCounters& counters) {
  Napi::Object sensor = Napi::Object::New(env);
  sensor.Set("location", Napi::Number::New(env, location));
  sensor.Set("seen", Big(env, counters.seen.Get()));
  sensor.Set("complete", Big(env, counters.complete.Get()));
  sensor.Set("incomplete", Big(env, counters.incomplete.Get()));
  sensor.Set("bad", Big(env, counters.bad.Get()));
  sensor.Set("duplicate", Big(env, counters.duplicate.Get()));
  sensor.Set("dropped", Big(env, counters.dropped.Get()));
  sensor.Set("lost", Big(env, counters.lost.Get()));
  sensor.Set("refused", Big(env, counters.refused.Get()));
  sensor.Set("superseded", Big(env, counters.superseded.Get()));
  sensor.Set("reordered", Big(env, counters.reordered.Get()));
  sensor.Set("errXfer", Big(env, counters.err_xfer.Get()));
  sensor.Set("errSize", Big(env, counters.err_size.Get()));
  sensor.Set("errMissBeg", Big(env, counters.err_miss_beg.Get()));
  sensor.Set("errMissEnd", Big(env, counters.err_miss_end.Get()));
  sensor.Set("unsettled", Big(env, counters.unsettled.Get()));
  return sensor;
}

Napi::Object StatsObject(Napi::Env env, const SummitLinkStats& stats) {
  Napi::Object link = Napi::Object::New(env);
  link.Set("packets", Big(env, stats.packets));
  link.Set("bytes", Big(env, stats.bytes));
  link.Set("bad_magic", Big(env, stats.bad_magic));
  link.Set("bad_version", Big(env, stats.bad_version));
  link.Set("bad_header", Big(env, stats.bad_header));
  link.Set("bad_payload", Big(env, stats.bad_payload));
  link.Set("unknown_event", Big(env, stats.unknown_event));
  link.Set("unknown_sensor", Big(env, stats.unknown_sensor));
  link.Set("duplicate_packets", Big(env, stats.duplicate_packets));
  link.Set("late_packets", Big(env, stats.late_packets));
  link.Set("packets_lost", Big(env, stats.packets_lost));
  link.Set("kernel_drops", Big(env, stats.kernel_drops));
  link.Set("rcvbuf_requested", Big(env, stats.rcvbuf_requested));
  link.Set("rcvbuf_actual", Big(env, stats.rcvbuf_actual));
  link.Set("link_downs", Big(env, stats.link_downs));
  link.Set("link_ups", Big(env, stats.link_ups));
  link.Set("source_restarts", Big(env, stats.source_restarts));
  link.Set("wakeups", Big(env, stats.wakeups));
  const uint64_t named = std::min<uint64_t>(stats.named_counts, SUMMIT_NAMED_COUNTS);
  for (uint64_t i = 0; i < named; ++i) {
    const std::string name(stats.named[i].name, strnlen(stats.named[i].name, sizeof(stats.named[i].name)));
    link.Set(name, Big(env, stats.named[i].value));
  }
  return link;
}

}  // namespace

Napi::Function NativeLink::Define(Napi::Env env) {
  return DefineClass(env, "NativeLink",
                     {
                         InstanceMethod<&NativeLink::Start>("start"),
                         InstanceMethod<&NativeLink::Stop>("stop"),
                         InstanceMethod<&NativeLink::Drain>("drain"),
                         InstanceMethod<&NativeLink::TakeLog>("takeLog"),
                         InstanceMethod<&NativeLink::Control>("control"),
                         InstanceMethod<&NativeLink::Counters>("counters"),
                         InstanceMethod<&NativeLink::BusySince>("busySince"),
                         InstanceMethod<&NativeLink::Predict>("predict"),
                         InstanceMethod<&NativeLink::Calibrate>("calibrate"),
                         InstanceMethod<&NativeLink::WantPixels>("wantPixels"),
                         InstanceMethod<&NativeLink::TakePixels>("takePixels"),
                         InstanceMethod<&NativeLink::ReleasePixels>("releasePixels"),
                         InstanceMethod<&NativeLink::TakeReports>("takeReports"),
                         InstanceMethod<&NativeLink::TakeImages>("takeImages"),
                         InstanceMethod<&NativeLink::WriteImage>("writeImage"),
                         InstanceMethod<&NativeLink::LookAtImage>("lookAtImage"),
                         InstanceMethod<&NativeLink::ReleaseImage>("releaseImage"),
                         InstanceMethod<&NativeLink::TakeImageFiles>("takeImageFiles"),
                         InstanceMethod<&NativeLink::TakeLooks>("takeLooks"),
                         InstanceMethod<&NativeLink::TakeIsrFiles>("takeIsrFiles"),
                     });
}

NativeLink::NativeLink(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeLink>(info) {
  Napi::Env env = info.Env();
  if (info.Length() != 2 || !info[0].IsString() || !info[1].IsFunction()) {
    Throw(env, SUMMIT_ERR_CONFIG, "NativeLink: expected settings (JSON text) and a doorbell function");
    return;
  }
  doorbell_ = std::make_shared<Doorbell>(env, info[1].As<Napi::Function>());
  std::string message;
  const int code = LinkParts::Create(info[0].As<Napi::String>().Utf8Value(), [doorbell = doorbell_] { doorbell->Ring(); }, &parts_, &message);
  if (code != SUMMIT_OK) {
    doorbell_->Close();
    Throw(env, code, message);
    return;
  }
  // Made after the thread-safe function, hence run before that one's own hook: the link thread is joined while
  // the function still exists.
  napi_add_env_cleanup_hook(env, OnEnvironmentEnd, this);
}

void NativeLink::OnEnvironmentEnd(void* self) {
  static_cast<NativeLink*>(self)->StopAll();
}

void NativeLink::StopAll() {
  doorbell_->Silence();
  parts_.Stop(kStopMs, kStopMs);
}

NativeLink::~NativeLink() {
  if (parts_.link == nullptr) return;
  napi_remove_env_cleanup_hook(Env(), OnEnvironmentEnd, this);
  StopAll();
}

Napi::Value NativeLink::Start(const Napi::CallbackInfo& info) {
  std::string message;
  const int code = parts_.Start(&message);
  if (code != SUMMIT_OK) {
    doorbell_->Close();
    Throw(info.Env(), code, message);
  } else {
    doorbell_->HoldLoop(info.Env());
  }
  return info.Env().Undefined();
}

Napi::Value NativeLink::Stop(const Napi::CallbackInfo& info) {
  auto* work = new StopWork(info.Env(), parts_, doorbell_);
  const Napi::Promise promise = work->promise();
  work->Queue();
  return promise;
}

Napi::Value NativeLink::Drain(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) {
    Throw(info.Env(), SUMMIT_ERR_CONFIG, "drain: expected a Uint8Array");
    return info.Env().Undefined();
  }
  const Napi::TypedArray array = info[0].As<Napi::TypedArray>();
  uint8_t* bytes = static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  if (reinterpret_cast<uintptr_t>(bytes) % alignof(daq::Record) != 0) {
    Throw(info.Env(), SUMMIT_ERR_CONFIG, "drain: expected memory that is aligned to 8 bytes");
    return info.Env().Undefined();
  }
  const size_t count = parts_.link->Drain({reinterpret_cast<daq::Record*>(bytes), array.ByteLength() / sizeof(daq::Record)});
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

Napi::Value NativeLink::TakeLog(const Napi::CallbackInfo& info) {
  std::vector<daq::LogLine> lines = parts_.link->TakeLog();
  if (parts_.recorder != nullptr) {
    for (const std::string& name : parts_.recorder->TakeLeftovers()) {
      lines.push_back({30, "recorder: an earlier run left " + name + " unfinished: moved to the folder incomplete"});
    }
  }
  if (parts_.images != nullptr) {
    for (const std::string& name : parts_.images->TakeLeftovers()) {
      lines.push_back({30, "images: an earlier run left " + name + " unfinished: moved to the folder incomplete"});
    }
  }
  Napi::Array array = Napi::Array::New(info.Env(), lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    Napi::Object line = Napi::Object::New(info.Env());
    line.Set("level", Napi::Number::New(info.Env(), lines[i].level));
    line.Set("text", lines[i].text);
    array.Set(static_cast<uint32_t>(i), line);
  }
  return array;
}

Napi::Value NativeLink::Control(const Napi::CallbackInfo& info) {
  if (!info[0].IsString() || !info[1].IsNumber()) {
    Throw(info.Env(), SUMMIT_ERR_CONFIG, "control: expected a command (JSON text) and a deadline in ms");
    return info.Env().Undefined();
  }
  const int deadline_ms = std::clamp(info[1].As<Napi::Number>().Int32Value(), 0, 600000);
  auto* work = new ControlWork(info.Env(), parts_.link, info[0].As<Napi::String>().Utf8Value(), deadline_ms);
  const Napi::Promise promise = work->promise();
  work->Queue();
  return promise;
}

Napi::Value NativeLink::Counters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const daq::LinkSnapshot snapshot = parts_.link->Snapshot();
  Napi::Object all = Napi::Object::New(env);
  all.Set("driver", snapshot.driver);
  all.Set("driverVersion", snapshot.driver_version);
  all.Set("linkUp", Napi::Boolean::New(env, snapshot.link.link_up != 0));
  all.Set("heartbeat", Big(env, snapshot.heartbeat));
  all.Set("driverError", Napi::Number::New(env, snapshot.driver_error));
  all.Set("link", StatsObject(env, snapshot.link));
  Napi::Object pool = Napi::Object::New(env);
  for (const auto& [name, value] : snapshot.pool) pool.Set(name, Big(env, value));
  all.Set("pool", pool);
  Napi::Object outcomes = Napi::Object::New(env);
  for (const auto& [name, text] : snapshot.outcomes) outcomes.Set(name, text);
  all.Set("outcomes", outcomes);
  Napi::Object recording = Napi::Object::New(env);
  if (parts_.recorder != nullptr) {
    for (const auto& [name, value] : parts_.recorder->Snapshot()) recording.Set(name, Big(env, value));
  }
  if (parts_.stream != nullptr) {
    for (const auto& [name, value] : parts_.stream->Snapshot()) recording.Set(name, Big(env, value));
    if (const std::string problem = parts_.stream->problem(); !problem.empty()) outcomes.Set("stream", problem);
  }
  all.Set("recording", recording);
  Napi::Object images = Napi::Object::New(env);
  if (daq::ImageReceiver* receiver = parts_.link->images(); receiver != nullptr) {
    for (const auto& [name, value] : receiver->Counters()) images.Set(name, Big(env, value));
  }
  all.Set("images", images);
  const daq::Worker& worker = parts_.link->worker();
  Napi::Array sensors = Napi::Array::New(env, worker.sensors());
  for (size_t i = 0; i < worker.sensors(); ++i) {
    sensors.Set(static_cast<uint32_t>(i), SensorObject(env, worker.location(i), worker.counters(i)));
  }
  all.Set("sensors", sensors);
  return all;
}

Napi::Value NativeLink::BusySince(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), parts_.link->busy_since());
}

Napi::Value NativeLink::Predict(const Napi::CallbackInfo& info) {
  const auto location = static_cast<uint8_t>(info[0].ToNumber().Uint32Value());
  pixels::Prediction prediction;
  if (info[1].IsNumber() && info[2].IsNumber() && info[3].IsNumber()) {
    prediction.x = info[1].As<Napi::Number>().DoubleValue();
    prediction.y = info[2].As<Napi::Number>().DoubleValue();
    prediction.radius = info[3].As<Napi::Number>().DoubleValue();
    prediction.valid = std::isfinite(prediction.x) && std::isfinite(prediction.y) && prediction.radius > 0;
  }
  parts_.link->Predict(location, prediction);
  return info.Env().Undefined();
}

Napi::Value NativeLink::Calibrate(const Napi::CallbackInfo& info) {
  if (!info[0].IsNumber() || !info[2].IsString()) {
    Throw(info.Env(), SUMMIT_ERR_CONFIG, "calibrate: expected location, order and the path of ptc.fits");
    return info.Env().Undefined();
  }
  const auto location = static_cast<uint8_t>(info[0].As<Napi::Number>().Uint32Value());
  return CalibrateLink(info.Env(), parts_.link, location, info[1], info[2].As<Napi::String>().Utf8Value());
}

Napi::Value NativeLink::WantPixels(const Napi::CallbackInfo& info) {
  std::array<bool, 256> want{};
  if (info[0].IsArray()) {
    const Napi::Array array = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); ++i) {
      const uint32_t location = array.Get(i).ToNumber().Uint32Value();
      if (location < daq::kLocations) want[location] = true;
    }
  }
  for (unsigned location = 0; location < daq::kLocations; ++location) {
    parts_.link->Want(static_cast<uint8_t>(location), want[location]);
  }
  return info.Env().Undefined();
}

Napi::Value NativeLink::TakePixels(const Napi::CallbackInfo& info) {
  bool lossless = false;
  const uint64_t lease = info[0].IsBigInt() ? info[0].As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  const uint32_t bytes = parts_.link->leases().Bytes(lease);
  if (bytes == 0) {
    Throw(info.Env(), SUMMIT_ERR_STATE, "takePixels: this lease was never given, or was given back");
    return info.Env().Undefined();
  }
  const Napi::Value copy = Napi::Buffer<uint8_t>::Copy(info.Env(), parts_.link->leases().Pixels(lease), bytes);
  parts_.link->leases().Release(lease);
  return copy;
}

Napi::Value NativeLink::ReleasePixels(const Napi::CallbackInfo& info) {
  bool lossless = false;
  const uint64_t lease = info[0].IsBigInt() ? info[0].As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  if (!parts_.link->leases().Release(lease)) {
    Throw(info.Env(), SUMMIT_ERR_STATE, "releasePixels: this lease was never given, or was given back");
  }
  return info.Env().Undefined();
}

Napi::Value NativeLink::TakeReports(const Napi::CallbackInfo& info) {
  if (parts_.recorder == nullptr) return Napi::Array::New(info.Env());
  return ReportsArray(info.Env(), parts_.recorder->TakeReports());
}

Napi::Value NativeLink::TakeImages(const Napi::CallbackInfo& info) {
  daq::ImageReceiver* receiver = parts_.link->images();
  return ImageNewsArray(info.Env(), receiver != nullptr ? receiver->TakeNews() : std::vector<daq::ImageNews>{});
}

Napi::Value NativeLink::WriteImage(const Napi::CallbackInfo& info) {
  recorder::ImageJob job;
  bool lossless = false;
  const uint64_t token = info[0].IsBigInt() ? info[0].As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  if (parts_.link->images() != nullptr) job.planes = parts_.link->images()->Planes(token);
  if (parts_.images == nullptr || job.planes == nullptr || !ReadImageJob(info[1], &job)) {
    Throw(info.Env(), SUMMIT_ERR_STATE, "writeImage: expected the token of an image that is lent, and {id, firstPlane, detector, name, header}");
    return info.Env().Undefined();
  }
  parts_.images->Write(std::move(job));
  return info.Env().Undefined();
}

Napi::Value NativeLink::LookAtImage(const Napi::CallbackInfo& info) {
  looks::LookJob job;
  bool lossless = false;
  const uint64_t token = info[0].IsBigInt() ? info[0].As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  if (parts_.link->images() != nullptr) job.planes = parts_.link->images()->Planes(token);
  if (parts_.looker == nullptr || job.planes == nullptr || !ReadLookJob(info[1], &job)) {
    Throw(info.Env(), SUMMIT_ERR_STATE, "lookAtImage: expected the token of an image that is lent, and {id, firstPlane, kind, calibration, header, isrPath, calibrations}");
    return info.Env().Undefined();
  }
  parts_.looker->Look(std::move(job));
  return info.Env().Undefined();
}

Napi::Value NativeLink::ReleaseImage(const Napi::CallbackInfo& info) {
  bool lossless = false;
  const uint64_t token = info[0].IsBigInt() ? info[0].As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  if (parts_.link->images() == nullptr || !parts_.link->images()->Release(token)) {
    Throw(info.Env(), SUMMIT_ERR_STATE, "releaseImage: this image was never lent, or was given back");
  }
  return info.Env().Undefined();
}

Napi::Value NativeLink::TakeImageFiles(const Napi::CallbackInfo& info) {
  return ImageFilesArray(info.Env(), parts_.images != nullptr ? parts_.images->TakeReports() : std::vector<recorder::ImageFileReport>{});
}

Napi::Value NativeLink::TakeLooks(const Napi::CallbackInfo& info) {
  return LooksArray(info.Env(), parts_.looker != nullptr ? parts_.looker->TakeReports() : std::vector<looks::LookReport>{});
}

Napi::Value NativeLink::TakeIsrFiles(const Napi::CallbackInfo& info) {
  return IsrFilesArray(info.Env(), parts_.looker != nullptr ? parts_.looker->TakeIsrFiles() : std::vector<looks::IsrFileReport>{});
}

}  // namespace summit::binding
