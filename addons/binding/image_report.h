// SPDX-License-Identifier: Apache-2.0
// What is told of a processed frame, as JSON: {detector, kind, header, isr, times_ms, product}. Numbers that are not
// known are null.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_BINDING_IMAGE_REPORT_H_
#define SUMMIT_BINDING_IMAGE_REPORT_H_

#include <string>
#include <vector>

#include "addons/fits/raw_image_file.h"
#include "addons/image/isr.h"
#include "addons/image/sky_map.h"

namespace summit::binding {

struct ImageTimes {
  double read_ms = 0.0, calibrations_ms = 0.0, isr_ms = 0.0, write_ms = 0.0, look_ms = 0.0;
};

struct ProcessedFrame {
  const fits::RawImage& raw;
  const image::IsrImage& frame;
  const image::SkyMap& sky;
  const std::vector<std::string>& missing;  // sentences: calibrations
  int32_t threads;
};

// Looks at the frame as its kind asks for, and takes the time of that.
std::string ImageReport(const ProcessedFrame& processed, ImageTimes* times);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_IMAGE_REPORT_H_
