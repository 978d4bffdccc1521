// SPDX-License-Identifier: Apache-2.0
// summit::daq::Link as a JavaScript class; agent/daq/native.ts declares its shape.
// Thread: all methods on the thread of their environment; blocking work goes to libuv's pool.
// Owns: references to the link and its recorder; stops them when the environment closes or the object is collected.
#ifndef SUMMIT_BINDING_NATIVE_LINK_H_
#define SUMMIT_BINDING_NATIVE_LINK_H_

#include <napi.h>

#include <memory>

#include "addons/binding/doorbell.h"
#include "addons/binding/link_parts.h"

namespace summit::binding {

class NativeLink : public Napi::ObjectWrap<NativeLink> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit NativeLink(const Napi::CallbackInfo& info);
  ~NativeLink() override;

 private:
  static void OnEnvironmentEnd(void* self);
  void StopAll();
  Napi::Value Start(const Napi::CallbackInfo& info);
  Napi::Value Stop(const Napi::CallbackInfo& info);
  Napi::Value Drain(const Napi::CallbackInfo& info);
  Napi::Value TakeLog(const Napi::CallbackInfo& info);
  Napi::Value Control(const Napi::CallbackInfo& info);
  Napi::Value Counters(const Napi::CallbackInfo& info);
  Napi::Value BusySince(const Napi::CallbackInfo& info);
  Napi::Value Predict(const Napi::CallbackInfo& info);
  Napi::Value Calibrate(const Napi::CallbackInfo& info);
  Napi::Value WantPixels(const Napi::CallbackInfo& info);
  Napi::Value TakePixels(const Napi::CallbackInfo& info);
  Napi::Value ReleasePixels(const Napi::CallbackInfo& info);
  Napi::Value TakeReports(const Napi::CallbackInfo& info);
  Napi::Value TakeImages(const Napi::CallbackInfo& info);
  Napi::Value WriteImage(const Napi::CallbackInfo& info);
  Napi::Value LookAtImage(const Napi::CallbackInfo& info);
  Napi::Value ReleaseImage(const Napi::CallbackInfo& info);
  Napi::Value TakeImageFiles(const Napi::CallbackInfo& info);
  Napi::Value TakeLooks(const Napi::CallbackInfo& info);
  Napi::Value TakeIsrFiles(const Napi::CallbackInfo& info);

  LinkParts parts_;
  std::shared_ptr<Doorbell> doorbell_;
};

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_NATIVE_LINK_H_
