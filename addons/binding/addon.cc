// SPDX-License-Identifier: Apache-2.0
// The module: one instance per environment, so that it loads in the main thread, in workers and in contexts.
#include <napi.h>
#include <time.h>

#include <cmath>

#include "addons/binding/fits_binding.h"
#include "addons/binding/image_processor.h"
#include "addons/binding/listener.h"
#include "addons/binding/native_link.h"
#include "addons/binding/calibration_binding.h"
#include "addons/binding/native_measurer.h"
#include "addons/binding/raw_image_binding.h"
#include "addons/binding/record_layout.h"
#include "addons/binding/service_notify.h"
#include "addons/daq/clock.h"
#include "addons/daq/driver.h"

namespace summit::binding {
namespace {

Napi::Value MonotonicNs(const Napi::CallbackInfo& info) { return Napi::BigInt::New(info.Env(), daq::MonotonicNs()); }

// Whole seconds of CLOCK_TAI ahead of CLOCK_REALTIME: 0 when nobody told the kernel the leap seconds.
Napi::Value ClockTaiMinusUtc(const Napi::CallbackInfo& info) {
  const auto tai = static_cast<double>(daq::ClockNs(CLOCK_TAI));
  const auto utc = static_cast<double>(daq::ClockNs(CLOCK_REALTIME));
  return Napi::Number::New(info.Env(), std::round((tai - utc) * 1e-9));
}

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports, {
                             InstanceValue("NativeLink", NativeLink::Define(env), napi_enumerable),
                             InstanceValue("NativeMeasurer", NativeMeasurer::Define(env), napi_enumerable),
                             InstanceValue("NativeImageProcessor", NativeImageProcessor::Define(env), napi_enumerable),
                             InstanceValue("NativeGuiderFile", NativeGuiderFile::Define(env), napi_enumerable),
                             InstanceValue("readImage", Napi::Function::New<ReadImage>(env), napi_enumerable),
                             InstanceValue("readAmplifier", Napi::Function::New<ReadAmplifier>(env), napi_enumerable),
                             InstanceValue("monotonicNs", Napi::Function::New<MonotonicNs>(env), napi_enumerable),
                             InstanceValue("clockTaiMinusUtc", Napi::Function::New<ClockTaiMinusUtc>(env), napi_enumerable),
                             InstanceValue("holdConnections", Napi::Function::New<HoldConnections>(env), napi_enumerable),
                             InstanceValue("connectionsOf", Napi::Function::New<ConnectionsOf>(env), napi_enumerable),
                             InstanceValue("cutOff", Napi::Function::New<CutOff>(env), napi_enumerable),
                             InstanceValue("driverAbi", Napi::Number::New(env, SUMMIT_ABI_VERSION), napi_enumerable),
                             InstanceValue("recordLayout", Napi::Function::New<RecordLayout>(env), napi_enumerable),
                             InstanceValue("writeRawImage", Napi::Function::New<WriteRawImage>(env), napi_enumerable),
                             InstanceValue("writeGuiderFile", Napi::Function::New<WriteGuiderFile>(env), napi_enumerable),
                             InstanceValue("notifyServiceManager", Napi::Function::New<NotifyServiceManager>(env),
                                           napi_enumerable),
                         });
  }
};

}  // namespace

NODE_API_ADDON(Addon)

}  // namespace summit::binding
