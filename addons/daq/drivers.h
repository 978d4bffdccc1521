// SPDX-License-Identifier: Apache-2.0
// The drivers built into the agent, and the lookup by the name a profile uses.
// Thread: any; the tables are constant.
// Owns: nothing.
#ifndef SUMMIT_DAQ_DRIVERS_H_
#define SUMMIT_DAQ_DRIVERS_H_

#include <string_view>

#include "addons/daq/driver.h"

namespace summit::daq {

const SummitDriver* WireDriver();
const SummitDriver* ReplayDriver();
const SummitDriver* RecordingDriver();
const SummitDriver* PluginDriver();

// nullptr when no driver has this name.
const SummitDriver* FindDriver(std::string_view name);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_DRIVERS_H_
