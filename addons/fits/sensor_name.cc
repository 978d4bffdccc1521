// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/sensor_name.h"

#include <charconv>

namespace summit::fits {
namespace {

std::optional<int> EightDigits(std::string_view text) {
  int value = 0;
  if (text.size() != 8) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 19700101) return std::nullopt;
  return value;
}

bool Digit(char c) { return c >= '0' && c <= '9'; }

// "..._R44_SG0_guider.fits"; SG and SW are guide and wavefront sensors, S a science sensor.
bool FromFileName(std::string_view name, SensorName* found) {
  for (size_t at = 0; at + 8 <= name.size(); ++at) {
    const std::string_view part = name.substr(at, 8);
    if (part[0] != '_' || part[1] != 'R' || !Digit(part[2]) || !Digit(part[3]) || part[4] != '_' || part[5] != 'S') continue;
    if (!Digit(part[7]) || (part[6] != 'G' && part[6] != 'W' && !Digit(part[6]))) continue;
    found->raft_bay = part.substr(1, 3);
    found->ccd_slot = part.substr(5, 3);
    return true;
  }
  return false;
}

}  // namespace

std::optional<int> ObservingDay(std::string_view day_obs, std::string_view obsid) {
  if (const std::optional<int> day = EightDigits(day_obs)) return day;
  // MC_O_20251202_000439
  return obsid.size() >= 13 ? EightDigits(obsid.substr(5, 8)) : std::nullopt;
}

SensorName NameSensor(std::string_view raft_bay, std::string_view ccd_slot, std::string_view day_obs,
                      std::string_view obsid, std::string_view file_name) {
  SensorName name;
  name.raft_bay = raft_bay;
  name.ccd_slot = ccd_slot;
  std::string source = "RAFTBAY and CCDSLOT say ";
  if (raft_bay.empty() || ccd_slot.empty()) {
    name.raft_bay.clear();
    name.ccd_slot.clear();
    source = "the file name says ";
    if (!FromFileName(file_name, &name)) {
      name.evidence = "neither RAFTBAY and CCDSLOT nor the file name tell the sensor";
      return name;
    }
  }
  if (name.ccd_slot != "SG0" && name.ccd_slot != "SG1") return name;
  const std::optional<int> day = ObservingDay(day_obs, obsid);
  if (!day) {
    name.evidence = "neither DAYOBS nor OBSID tell the observing day: " + name.Joined() + " is taken as it stands";
    return name;
  }
  if (*day >= kFirstDayOfRightNames) return name;
  source += name.Joined();
  name.ccd_slot = name.ccd_slot == "SG0" ? "SG1" : "SG0";
  name.corrected = true;
  name.evidence = source + ", the sensor is " + name.Joined() + ": files of observing day " + std::to_string(*day) +
                  ", before " + std::to_string(kFirstDayOfRightNames) + ", have SG0 and SG1 exchanged";
  return name;
}

}  // namespace summit::fits
