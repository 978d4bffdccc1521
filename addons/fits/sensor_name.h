// SPDX-License-Identifier: Apache-2.0
// The name of the sensor a guider file holds: from its header or its file name, with the old exchange of SG0 and
// SG1 put right.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_FITS_SENSOR_NAME_H_
#define SUMMIT_FITS_SENSOR_NAME_H_

#include <optional>
#include <string>
#include <string_view>

namespace summit::fits {

// Guider files of earlier observing days carry the names SG0 and SG1 exchanged.
inline constexpr int kFirstDayOfRightNames = 20250509;

struct SensorName {
  std::string raft_bay;  // "R44"; empty when neither header nor file name tells
  std::string ccd_slot;  // "SG0", after the correction
  bool corrected = false;
  std::string evidence;  // one sentence: what was put right and why, or why it could not be judged

  std::string Joined() const { return raft_bay.empty() ? std::string() : raft_bay + "_" + ccd_slot; }
};

// Empty arguments are absent. `obsid` tells the day when `day_obs` does not.
SensorName NameSensor(std::string_view raft_bay, std::string_view ccd_slot, std::string_view day_obs,
                      std::string_view obsid, std::string_view file_name);

// The observing day as a number, 20250509; nothing when neither tells it.
std::optional<int> ObservingDay(std::string_view day_obs, std::string_view obsid);

}  // namespace summit::fits

#endif  // SUMMIT_FITS_SENSOR_NAME_H_
