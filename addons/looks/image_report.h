// SPDX-License-Identifier: Apache-2.0
// What is told of a processed frame, as JSON: {detector, kind, header, isr, times_ms, product}. Numbers that are not
// known are null.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_LOOKS_IMAGE_REPORT_H_
#define SUMMIT_LOOKS_IMAGE_REPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "addons/fits/raw_image_file.h"
#include "addons/image/isr.h"
#include "addons/image/sky_map.h"

namespace summit::looks {

struct ImageTimes {
  double read_ms = 0.0, calibrations_ms = 0.0, isr_ms = 0.0, write_ms = 0.0, look_ms = 0.0;
};

struct ProcessedFrame {
  const fits::RawImage& raw;  // its planes are not looked at
  const image::IsrImage& frame;
  const image::SkyMap& sky;
  const std::vector<std::string>& missing;  // sentences: calibrations
  int32_t threads;
};

// Looks at the frame as its kind asks for, and takes the time of that.
std::string ImageReport(const ProcessedFrame& processed, ImageTimes* times);

// By the name it has in `applied`; false for one that cannot be switched.
bool SwitchStep(std::string_view name, bool on, image::StepSet* steps);

}  // namespace summit::looks

#endif  // SUMMIT_LOOKS_IMAGE_REPORT_H_
