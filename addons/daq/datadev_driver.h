// SPDX-License-Identifier: Apache-2.0
// The `datadev` driver: a SLAC PGP/DMA fibre card behind the driver ABI.
// Thread: as driver.h says.
// Owns: nothing; a handle owns its card.
//
// Options: {"device": "/dev/datadev_0", "destinations": [0], "zeroCopy": true, "linkTimeoutMs": 750,
//           "registers": [{"name": "link_status", "address": 0}]}
#ifndef SUMMIT_DAQ_DATADEV_DRIVER_H_
#define SUMMIT_DAQ_DATADEV_DRIVER_H_

#include <cstdint>

#include "addons/daq/datadev_card.h"
#include "addons/daq/driver.h"

namespace summit::daq {

const SummitDriver* DatadevDriver();

// As the table's `open`, over any card.
int OpenDatadev(const CardCalls& calls, const char* json, const SummitHost* host, void** handle, char* message, uint64_t message_bytes);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_DATADEV_DRIVER_H_
