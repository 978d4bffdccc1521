// SPDX-License-Identifier: Apache-2.0
// Part of the stand-in for the DAQ SDK.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_MOCK_DAQ_LOCATION_HH_
#define SUMMIT_MOCK_DAQ_LOCATION_HH_

#include <ims/Records.hh>

#endif  // SUMMIT_MOCK_DAQ_LOCATION_HH_
