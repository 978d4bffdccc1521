// SPDX-License-Identifier: Apache-2.0
// The recorder's settings from JSON, and its reports as JavaScript objects; agent/daq/native.ts declares their shape.
// Thread: the thread of the environment.
// Owns: nothing.
#ifndef SUMMIT_BINDING_RECORDER_OBJECTS_H_
#define SUMMIT_BINDING_RECORDER_OBJECTS_H_

#include <napi.h>

#include <string>
#include <vector>

#include "addons/recorder/guider_recorder.h"
#include "addons/recorder/stream_recorder.h"

namespace summit::binding {

// "null" leaves the folder empty: nothing is recorded. False with everything that is wrong.
bool ReadRecorderSettings(const std::string& json, recorder::RecorderSettings* settings, std::string* message);

// The same with an empty path.
bool ReadStreamSettings(const std::string& json, recorder::StreamSettings* settings, std::string* message);

Napi::Array ReportsArray(Napi::Env env, const std::vector<recorder::FileReport>& reports);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_RECORDER_OBJECTS_H_
