// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/drivers.h"

namespace summit::daq {

const SummitDriver* FindDriver(std::string_view name) {
  if (name == "wire") return WireDriver();
  if (name == "plugin") return PluginDriver();
#if __has_include("addons/daq/replay_driver.h")
  if (name == "replay") return ReplayDriver();
#endif
  return nullptr;
}

}  // namespace summit::daq
