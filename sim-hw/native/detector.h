// SPDX-License-Identifier: Apache-2.0
// One simulated CCD of a full frame, LATISS or a wavefront half: what is fixed about it, all from its seed. The frames
// are painted with it, and the master calibrations are the same numbers.
// Thread: any, once made. Owns: its tables.
#ifndef SUMMIT_SIM_DETECTOR_H_
#define SUMMIT_SIM_DETECTOR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace summit::sim {

inline constexpr int32_t kAmpCols = 509;   // with light
inline constexpr int32_t kAmpRows = 2000;
inline constexpr int32_t kRawCols = 576;
inline constexpr int32_t kRawRows = 2048;
inline constexpr int32_t kPrescan = 3;
inline constexpr size_t kRawPixels = size_t{kRawCols} * kRawRows;
inline constexpr int32_t kNodes = 11;
inline constexpr double kNodesEnd = 150000.0;  // ADU

struct Amp {
  std::string name;      // C10
  int32_t x0 = 0;        // its columns in the CCD begin here
  bool top = false;      // reads from the top row down
  double gain = 1.0;     // electron/ADU
  double noise = 8.0;    // electron
  double level = 0.0;    // ADU, of the overscan
  double curvature = 0.0;  // of the linearity: S(u) = curvature u (1 - u / kNodesEnd)
  double turnoff = 0.0;  // ADU: above it the signal is not to be trusted
};

struct Defect {
  int32_t x, y, dx, dy;  // 0-based corner, size
  bool hot;
};

class Detector {
 public:
  // `latiss` false: a half of a wavefront sensor.
  Detector(std::string name, bool latiss, uint64_t seed);

  const std::string& name() const { return name_; }
  bool latiss() const { return latiss_; }
  int32_t cols() const { return 8 * kAmpCols; }
  int32_t rows() const { return latiss_ ? 2 * kAmpRows : kAmpRows; }
  // In the order of the camera's HDUs.
  const std::vector<Amp>& amps() const { return amps_; }
  // [source][target], of electrons
  const std::vector<double>& crosstalk() const { return crosstalk_; }
  const std::vector<Defect>& defects() const { return defects_; }

  // Of the assembled CCD, row by row: electron, electron/s, relative.
  float BiasAt(int32_t x, int32_t y) const { return bias_columns_[static_cast<size_t>(x)] + bias_rows_[static_cast<size_t>(y)]; }
  float DarkAt(int32_t x, int32_t y) const { return dark_[Block(x, y)]; }
  float FlatAt(int32_t x, int32_t y) const { return flat_[Block(x, y)]; }

  // What of the signal (ADU) the linearizer takes away.
  static double Surplus(const Amp& amp, double adu) { return amp.curvature * adu * (1.0 - adu / kNodesEnd); }

 private:
  static constexpr int32_t kBlock = 32;
  size_t Block(int32_t x, int32_t y) const { return static_cast<size_t>(y / kBlock) * static_cast<size_t>((cols() + kBlock - 1) / kBlock) + static_cast<size_t>(x / kBlock); }

  std::string name_;
  bool latiss_;
  std::vector<Amp> amps_;
  std::vector<double> crosstalk_;
  std::vector<Defect> defects_;
  std::vector<float> bias_columns_, bias_rows_, dark_, flat_;
};

}  // namespace summit::sim

#endif  // SUMMIT_SIM_DETECTOR_H_
