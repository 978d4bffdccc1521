// SPDX-License-Identifier: Apache-2.0
// What a location of the camera is called.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_RECORDER_DETECTOR_NAME_H_
#define SUMMIT_RECORDER_DETECTOR_NAME_H_

#include <cstdint>
#include <string>

namespace summit::recorder {

struct DetectorName {
  std::string raft_bay;  // "R44"
  std::string ccd_slot;  // "SG0"
};

// Packed location: bay*9 + board*3 + sensor. In the corner rafts board 1 carries the guide sensors, 2 the wavefront
// sensors.
inline DetectorName NameOfLocation(uint8_t location) {
  const int bay = location / 9;
  const int board = location % 9 / 3;
  const int sensor = location % 3;
  const bool corner = bay == 0 || bay == 4 || bay == 20 || bay == 24;
  DetectorName name{.raft_bay = std::string("R").append(std::to_string(bay / 5)).append(std::to_string(bay % 5)), .ccd_slot = "S"};
  if (corner && board == 1) {
    name.ccd_slot += "G";
  } else if (corner && board == 2) {
    name.ccd_slot += "W";
  } else {
    name.ccd_slot += std::to_string(board);
  }
  name.ccd_slot += std::to_string(sensor);
  return name;
}

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_DETECTOR_NAME_H_
