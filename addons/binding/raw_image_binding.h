// SPDX-License-Identifier: Apache-2.0
// Lets JavaScript write one raw image: writeRawImage(path, headerJson, detector, rows, cols, planes, threads).
// Thread: the thread of the environment.
// Owns: nothing.
//
// The header is {"primary": [[name, value, comment?], ...], "reb_cond": [...], "config_cond": [...]}; detector is
// "latiss" or "wavefront", planes an Int32Array in the order of the segments. The sidecar is written beside it.
// Throws an Error with path and reason; blocks until both are on the disk.
#ifndef SUMMIT_BINDING_RAW_IMAGE_BINDING_H_
#define SUMMIT_BINDING_RAW_IMAGE_BINDING_H_

#include <napi.h>

namespace summit::binding {

Napi::Value WriteRawImage(const Napi::CallbackInfo& info);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_RAW_IMAGE_BINDING_H_
