// SPDX-License-Identifier: Apache-2.0
// Tells JavaScript where the fields of a Record are, so that agent/daq/record.ts can check its own table.
// Thread: the thread of the environment. Owns: nothing.
#ifndef SUMMIT_BINDING_RECORD_LAYOUT_H_
#define SUMMIT_BINDING_RECORD_LAYOUT_H_

#include <napi.h>

namespace summit::binding {

Napi::Value RecordLayout(const Napi::CallbackInfo& info);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_RECORD_LAYOUT_H_
