// SPDX-License-Identifier: Apache-2.0
// Lets JavaScript write guider files: writeGuiderFile(path, headerJson, stamps).
// Thread: the thread of the environment.
// Owns: nothing.
//
//   writeGuiderFile(path: string, headerJson: string,
//                   stamps: {pixels: Int32Array, taiNs: bigint, daqStamp: number}[]): void
//
// The header is a JSON object of FITS keywords, {"OBSID": "MC_O_...", "ROICOLS": 50, "ROISEG": "Segment03",
// "GDSSTART": "2025-12-03T00:00:00.000"}; keywords that a guider file does not know become further cards. ROICOLS and
// ROIROWS are needed: they are the size of every stamp. Throws an Error with path and reason; blocks until the file
// is on the disk.
#ifndef SUMMIT_BINDING_FITS_BINDING_H_
#define SUMMIT_BINDING_FITS_BINDING_H_

#include <napi.h>

namespace summit::binding {

Napi::Value WriteGuiderFile(const Napi::CallbackInfo& info);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_FITS_BINDING_H_
