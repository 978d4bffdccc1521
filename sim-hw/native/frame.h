// SPDX-License-Identifier: Apache-2.0
// Paints one image of a CCD: light, then everything that the camera does to it, as raw segments; and packs the segments
// of a board into the DAQ's stream.
// Thread: any. Owns: nothing outside the call.
#ifndef SUMMIT_SIM_FRAME_H_
#define SUMMIT_SIM_FRAME_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim-hw/native/detector.h"

namespace summit::sim {

// Positions in px of the assembled CCD, 0-based, integer = pixel centre; fluxes in electron before the flat.
struct Donut {
  double x, y, radius, flux;
  double shadow_x, shadow_y, shadow_radius;  // light is only inside this circle too, relative to x, y; radius 0: everywhere
};
struct PointSource {
  double x, y, flux, fwhm, ellipticity, angle;  // angle of the major axis, rad
};
struct Track {
  double x, y, length, angle, electrons_per_px;  // angle rad
};
struct Line {
  double nm, depth, sigma_nm;  // depth negative: emission
};
struct Slitless {
  double x, y;       // of the zeroth order
  double angle;      // rad, x = x0 + tan(angle) (y - y0)
  double flux;       // electron, of the first order
  double distance_mm, grooves_per_mm;
  double fwhm_cross, fwhm_disp;  // px
  std::vector<Line> lines;
};

struct Scene {
  double sky = 0.0;         // electron/px
  double dark_time = 0.0;   // s
  uint64_t noise_seed = 1;
  std::vector<Donut> donuts;
  std::vector<PointSource> stars;
  std::vector<Track> tracks;
  std::vector<Slitless> spectra;
};

struct DonutTruth {
  double x_com, y_com, vignetted_fraction;
};

struct Painted {
  std::vector<int32_t> planes;  // in the order of the detector's amps, kRawPixels each
  std::vector<DonutTruth> donuts;
};

Painted Paint(const Detector& detector, const Scene& scene);

// 16 planes by channel, as the DAQ streams them: 36 bytes a clock, codes XORed with 0x20000.
std::vector<uint8_t> PackStream(const std::vector<const int32_t*>& channels);

// bias, dark, flat, defects, crosstalk, ptc and linearizer .fits in `folder`; "" or one sentence.
std::string WriteCalibrations(const Detector& detector, const std::string& folder);

}  // namespace summit::sim

#endif  // SUMMIT_SIM_FRAME_H_
