// SPDX-License-Identifier: Apache-2.0
// What was seen in a frame as JSON, by the keys of <stem>.json (agent/README.md).
// Thread: any. Owns: nothing.
#ifndef SUMMIT_LOOKS_LOOK_REPORT_H_
#define SUMMIT_LOOKS_LOOK_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "addons/fits/raw_image_file.h"
#include "addons/image/donuts.h"
#include "addons/image/latiss_look.h"

namespace summit::looks {

nlohmann::json LatissProduct(const image::LatissLook& look, const image::LatissOrder& order, const fits::RawHeader& header);
nlohmann::json DonutProduct(const std::vector<image::Donut>& donuts, const image::SkyMap& map, const fits::RawHeader& header);

// Names of flags, without those of ISR.
std::vector<std::string> LookFlagNames(uint32_t flags);

}  // namespace summit::looks

#endif  // SUMMIT_LOOKS_LOOK_REPORT_H_
