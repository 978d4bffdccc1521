// SPDX-License-Identifier: Apache-2.0
// What one stamp tells: the fixed-size result of the measuring chain, and its flags.
// Thread: plain data.
// Owns: nothing.
#ifndef SUMMIT_PIXELS_MEASUREMENT_H_
#define SUMMIT_PIXELS_MEASUREMENT_H_

#include <cstdint>

namespace summit::pixels {

// Each flag has one meaning; agent/model/flags.ts names the same bits for messages.
enum MeasureFlag : uint32_t {
  kNoStar = 1u << 0,        // no source above the detection threshold; numbers are NaN
  kLowSnr = 1u << 1,        // a source, but not certain enough: noise may have made it
  kEdge = 1u << 2,          // so close to the edge of the ROI that light is missing
  kSaturated = 1u << 3,     // pixels of the star at the ADC's end; masked in the fit
  kElongated = 1u << 4,     // trailed or very asymmetric; the position is a barycentre along the trail
  kBlended = 1u << 5,       // a second source inside the fit region shifts the position
  kHit = 1u << 6,           // a cosmic ray or hot pixel inside the star; masked in the fit
  kNotConverged = 1u << 7,  // the fit did not settle; the position is not to be used
  kFault = 1u << 8,         // the stamp itself is refused (see FaultReason); numbers are NaN
  kTooWide = 1u << 9,       // wider than any seeing; not a star
  kBadAmp = 1u << 10,       // the amplifier is listed as bad
  kUncalibrated = 1u << 11, // calibrations are asked for, and not all of them were there for this ROI
  kFrozen = 1u << 12,       // the pixels are those of the stamp before: the readout is stuck
};

// Flags that say: do not use this position. The others inform.
inline constexpr uint32_t kDoNotUse = kNoStar | kLowSnr | kEdge | kBlended | kNotConverged | kFault | kTooWide | kFrozen;

// Why a stamp was refused (kFault).
enum class FaultReason : uint32_t {
  kNone = 0,
  kGeometry = 1,  // rows, cols or pixel type outside what the kernel takes
  kAllZero = 2,   // every pixel is 0: the DAQ's form of "no data"
  kConstant = 3,  // every pixel has one value
  kRange = 4,     // values outside the ADC's 0..262143
  kTorn = 5,      // part of the stamp is missing: a run of rows is zero or constant
  kNotFinite = 6, // NaN or infinity in a floating-point image
};

// All positions in pixels of the ROI: 0-based, integer = pixel centre, x along columns (serial), y along
// rows (parallel). NaN where there is no measurement. 160 bytes, little endian.
struct Measurement {
  double x;            // px
  double y;            // px
  double ex;           // px, 1 sigma (Fisher)
  double ey;           // px, 1 sigma (Fisher)
  double flux;         // electron (ADU when the gain is not known, i.e. 1)
  double flux_err;     // electron, 1 sigma
  double background;   // ADU, mean level under the star
  double noise;        // ADU, per pixel, 1 sigma, background only
  double snr;          // matched-filter signal to noise: flux / flux_err at known position
  double fwhm;         // px
  double moment_xx;    // px^2, second central moment
  double moment_yy;    // px^2
  double moment_xy;    // px^2
  double chi2;         // reduced, inside the fit region
  double peak;         // ADU above background, brightest unmasked pixel of the star
  double reserved;
  uint32_t flags;      // MeasureFlag
  uint32_t fault;      // FaultReason
  uint32_t n_saturated;// pixels
  uint32_t n_masked;   // pixels left out of the fit
  uint32_t iterations;
  uint32_t candidates; // sources considered
  uint32_t measure_ns; // time of the call; filled by the caller, the kernel reads no clock
  uint32_t reserved2;
};
static_assert(sizeof(Measurement) == 160);

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_MEASUREMENT_H_
