// SPDX-License-Identifier: Apache-2.0
// The `replay` driver: recorded guider files behind the driver ABI, in the order of their stamps' TAI times.
// Thread: as driver.h says; `start` only while no thread is inside `next`.
// Owns: nothing; a handle owns the open files.
//
// Options: {"files": ["a_guider.fits", ...], "speed": 1, "loop": false, "obsid": "", "startDelayMs": 0}
//   speed         1: at the original pace; 2: twice as fast; 0 or "max": as fast as slots become free
//   loop          starts over after the last stamp. Each pass continues the TAI axis one second after the previous
//                 one and the sequence numbers behind it, so that a series never comes twice
//   obsid         the OBSID of files that have none
//   startDelayMs  waits so long before the first START
// Every file gives START, RESUME with the OBSID, its stamps, PAUSE and STOP; after the last file, END. A file does
// not tell when PAUSE and STOP came: they follow its last stamp and carry no time. A file whose sensor name was wrong
// gives frames with SUMMIT_FRAME_NAME_CORRECTED.
#ifndef SUMMIT_DAQ_REPLAY_DRIVER_H_
#define SUMMIT_DAQ_REPLAY_DRIVER_H_

#include "addons/daq/driver.h"

namespace summit::daq {

const SummitDriver* ReplayDriver();

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_REPLAY_DRIVER_H_
