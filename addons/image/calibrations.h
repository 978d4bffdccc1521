// SPDX-License-Identifier: Apache-2.0
// A detector's master calibrations as instrument signature removal takes them. What a detector does not have is empty.
// Thread: plain data, read by many once it is prepared. Owns: its maps.
#ifndef SUMMIT_IMAGE_CALIBRATIONS_H_
#define SUMMIT_IMAGE_CALIBRATIONS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "addons/image/detector_model.h"

namespace summit::image {

// Pixels of the assembled CCD, both ends included.
struct Box {
  int32_t x0, x1, y0, y1;
};

// Bits of the mask plane; 0 to 8 are those of LSST's afw.
enum MaskBit : int32_t { kBad = 1 << 0, kSaturated = 1 << 1, kInterpolated = 1 << 2, kSuspect = 1 << 7, kCrosstalk = 1 << 9 };

// Pixels of a row of the assembled CCD, both ends included, with these bits of the mask.
struct MaskRun {
  int32_t y, x0, x1, bits;
};

enum class LinearityKind : uint8_t { kNone, kSpline, kPolynomial };

// corrected = u - S(u) (spline, S held beyond its ends) or u + sum c[i] u^(2+i) (polynomial), all in electron.
struct Linearity {
  static constexpr int32_t kMostPieces = 127, kMostPowers = 8;
  LinearityKind kind = LinearityKind::kNone;
  int32_t pieces = 0;
  float least = 0.0f, most = 0.0f;
  std::array<float, kMostPieces + 1> start{}, c0{}, c1{}, c2{}, c3{};
  int32_t powers = 0;
  std::array<float, kMostPowers> c{};
};

struct AmpCalibration {
  double gain = 0.0;        // electron/adu; 0: not known
  double read_noise = 0.0;  // electron; 0: not known
  double turnoff = 0.0;     // adu, where the photon transfer curve turns; 0: not known
  Linearity linearity{};
  Linearity linearity_after{};  // of what the first one gives
};

struct Calibrations {
  std::vector<float> bias{}, dark{};  // electron; electron/s
  std::vector<float> inverse_flat{};
  std::vector<MaskRun> bias_mask{}, dark_mask{}, flat_mask{};  // what the masters say of their own pixels
  std::vector<Box> defects{};
  bool has_defects = false;
  bool has_ptc = false;
  bool has_linearizer = false;
  std::array<AmpCalibration, kMostAmps> amps{};
  // [source * amps + target]; square: coefficient of the source's square, 1/electron. Empty: none.
  std::vector<float> crosstalk{}, crosstalk_square{};
  bool crosstalk_in_adu = false;
};

// The spline through (nodes, values), adu, by Akima (J. ACM 17, 589, 1970), scaled to electron. False with a sentence.
bool MakeSpline(const std::vector<double>& nodes, const std::vector<double>& values, double gain, Linearity* linearity, std::string* problem);

// Two splines one after the other, each of its nodes with their values (cp_pipe, linearity.py): {n, m, n nodes, n values of
// what brings the amplifier to the detector's reference, m nodes, m values of what makes that linear, padding}. n or m may be 0.
bool MakeDoubleSpline(const std::vector<double>& coefficients, double gain, Linearity* first, Linearity* after, std::string* problem);

// u + sum c[i] u^(2+i) in adu, scaled to electron.
bool MakePolynomial(const std::vector<double>& coefficients, double gain, Linearity* linearity, std::string* problem);

// What the linearizer gives for one value, electron: for tests and tables.
double Linearized(const Linearity& linearity, double electron);

// Turns values that are no numbers, and flats that are not above 0, into nothing, and marks their pixels as bad.
void SetFlat(std::vector<float> flat, const DetectorModel& model, Calibrations* calibrations);
void SetBias(std::vector<float> bias, const DetectorModel& model, Calibrations* calibrations);
void SetDark(std::vector<float> dark, const DetectorModel& model, Calibrations* calibrations);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_CALIBRATIONS_H_
