// SPDX-License-Identifier: Apache-2.0
// The `recording` driver: a recorded DAQ stream behind the driver ABI, frame by frame as it was delivered.
// Thread: as driver.h says; `start` only while no thread is inside `next`.
// Owns: nothing; a handle owns the open file.
//
// Options: {"file": "night.smtrec", "speed": 1}
//   speed   1: at the original pace; 2: twice as fast; 0 or "max": as fast as slots become free
// Descriptors, flags, times and sessions are the recorded ones, CLOCK_MONOTONIC included: intervals are true, and the
// agent's clock follows them (agent/README.md). A stamp that had no slot comes without one. After the last record,
// or at damage, which is told, END.
#ifndef SUMMIT_DAQ_RECORDING_DRIVER_H_
#define SUMMIT_DAQ_RECORDING_DRIVER_H_

#include "addons/daq/driver.h"

namespace summit::daq {

const SummitDriver* RecordingDriver();

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_RECORDING_DRIVER_H_
