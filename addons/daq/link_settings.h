// SPDX-License-Identifier: Apache-2.0
// The settings of one link, as agent/daq/link.ts hands them over (LinkSettings of agent/model/daq.ts).
// Thread: plain data.
// Owns: nothing outside itself.
#ifndef SUMMIT_DAQ_LINK_SETTINGS_H_
#define SUMMIT_DAQ_LINK_SETTINGS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "addons/daq/frame_pool.h"
#include "addons/daq/image_receiver.h"
#include "addons/daq/thread_setup.h"
#include "addons/daq/worker.h"

namespace summit::daq {

struct LinkSettings {
  std::string driver{};
  std::string options{};  // JSON object for the driver
  std::string recorder{};  // JSON object for the guider recorder; "null": nothing is recorded
  std::string stream{};    // JSON object for the recorder of the whole stream; "null": none
  FramePoolSettings pool;
  ThreadSettings thread;
  uint32_t ring_records = 4096;
  std::vector<SensorSetup> sensors{};
  ImageSettings images{};
  std::string image_writer{};  // JSON object for the writer of raw images; "null": none
  std::string image_looker{};  // and for who looks at them
};

// False with everything that is wrong in *message.
bool ReadLinkSettings(std::string_view json, LinkSettings* settings, std::string* message);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_LINK_SETTINGS_H_
