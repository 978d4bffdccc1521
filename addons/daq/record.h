// SPDX-License-Identifier: Apache-2.0
// The one fixed-size record that crosses from the link thread into JavaScript: a frame descriptor plus
// either a measurement or an event's payload. agent/daq/record.ts decodes the same bytes.
// Thread: plain data; written by the link thread, read after the ring hands it over.
// Owns: nothing, except that `lease` != 0 is a pool slot the reader must give back.
#ifndef SUMMIT_DAQ_RECORD_H_
#define SUMMIT_DAQ_RECORD_H_

#include <cstdint>

#include "addons/daq/driver.h"
#include "addons/pixels/measurement.h"

namespace summit::daq {

// What happened to a stamp; the terms of the conservation law.
enum class Outcome : uint8_t {
  kEvent = 0,       // not a stamp: lifecycle or link event
  kMeasured = 1,    // complete, measured ("no star" is an answer)
  kRefused = 2,     // complete, refused by the kernel (kFault)
  kIncomplete = 3,  // packets missing: no numbers
  kDropped = 4,     // no free slot: no pixels, no numbers
};

struct Record {
  SummitFrame frame;        // 0    `data` is 0; `token` is 0
  uint64_t t_measured_ns;   // 128  CLOCK_MONOTONIC after the measurement
  uint64_t lease;           // 136  slot token if the pixels were asked for; else 0
  uint8_t outcome;          // 144  Outcome
  uint8_t reserved[3];      // 145
  uint32_t superseded;      // 148  older results of this sensor that gave way to this one in the ring
  union {                   // 152
    pixels::Measurement measurement;  // outcome 1, 2
    SummitSeriesMetadata series;      // START
    char text[184];                   // RESUME: comment (NUL-terminated); LINK_*: reason
  };
  uint64_t t_delivered_ns;  // 336  CLOCK_MONOTONIC when the driver delivered the frame; of a recording, the recorded time
};
static_assert(sizeof(Record) == 344);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_RECORD_H_
