// SPDX-License-Identifier: Apache-2.0
// Part of the stand-in for the DAQ SDK's image store.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_MOCK_IMS_STREAM_HH_
#define SUMMIT_MOCK_IMS_STREAM_HH_

#include <ims/Records.hh>

#endif  // SUMMIT_MOCK_IMS_STREAM_HH_
