// SPDX-License-Identifier: Apache-2.0
// Calls one JavaScript function, without arguments, from any thread.
// Thread: Ring from any; the others on the thread of the environment.
// Owns: the thread-safe function. A thread that outlives the environment rings into nothing.
#ifndef SUMMIT_BINDING_DOORBELL_H_
#define SUMMIT_BINDING_DOORBELL_H_

#include <napi.h>

#include <mutex>

namespace summit::binding {

class Doorbell {
 public:
  Doorbell(Napi::Env env, Napi::Function function)
      : function_(Napi::ThreadSafeFunction::New(env, function, "summit link", 0, 1)) {
    function_.Unref(env);
  }
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  void Ring() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (open_) function_.NonBlockingCall();
  }
  // From now until Close the event loop does not end by itself.
  void HoldLoop(Napi::Env env) { function_.Ref(env); }
  // The environment is alive: gives the function back, so that the event loop can end.
  void Close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (open_) function_.Release();
    open_ = false;
  }
  // The environment is going and takes the function with it.
  void Silence() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = false;
  }

 private:
  std::mutex mutex_;
  Napi::ThreadSafeFunction function_;
  bool open_ = true;
};

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_DOORBELL_H_
