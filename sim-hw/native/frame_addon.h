// SPDX-License-Identifier: Apache-2.0
// Full frames for JavaScript: paintBoard and writeCalibrations, both away from the event loop. sim-hw/native.ts declares
// them; the settings are JSON text.
// Thread: the JavaScript thread; the work is done in libuv's pool. Owns: nothing.
#ifndef SUMMIT_SIM_FRAME_ADDON_H_
#define SUMMIT_SIM_FRAME_ADDON_H_

#include <napi.h>

namespace summit::sim {

void DefineFrames(Napi::Env env, Napi::Object exports);

}  // namespace summit::sim

#endif  // SUMMIT_SIM_FRAME_ADDON_H_
