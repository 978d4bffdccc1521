// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/drivers.h"

#include "addons/daq/datadev_driver.h"

namespace summit::daq {

const SummitDriver* FindDriver(std::string_view name) {
  if (name == "wire") return WireDriver();
  if (name == "plugin") return PluginDriver();
  if (name == "replay") return ReplayDriver();
  if (name == "datadev") return DatadevDriver();
  if (name == "recording") return RecordingDriver();
  return nullptr;
}

}  // namespace summit::daq
