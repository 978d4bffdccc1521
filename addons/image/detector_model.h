// SPDX-License-Identifier: Apache-2.0
// The detectors whose whole frames the agent takes: LATISS's ITL CCD and the halves of an ITL wavefront sensor. Which
// amplifiers a file or stream has, in the camera's HDU order, and where each one lies on the assembled CCD.
// A segment plane is what the camera stores: int32 [kAmpRows][kAmpCols], pixel (0, 0) is read first on every amplifier.
// Planes of a detector lie one after the other in HDU order.
// Thread: constants. Owns: nothing.
#ifndef SUMMIT_IMAGE_DETECTOR_MODEL_H_
#define SUMMIT_IMAGE_DETECTOR_MODEL_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace summit::image {

// Of every ITL amplifier (obs_lsst, policy/cameraHeader.yaml), px of the plane, 0-based.
inline constexpr int32_t kAmpCols = 576, kAmpRows = 2048;
inline constexpr int32_t kAmpPixels = kAmpCols * kAmpRows;
inline constexpr int32_t kDataFirstCol = 3, kDataCols = 509, kDataRows = 2000;
// Overscan: columns kSerialFirst..kAmpCols-1 of every row; rows kParallelFirst..kAmpRows-1 of every column.
inline constexpr int32_t kSerialFirst = 512, kParallelFirst = 2000;
inline constexpr int32_t kMostAmps = 16;
// ADC counts have 18 bits.
inline constexpr int32_t kAdcMost = 262143;

struct Amplifier {
  const char* name;     // of the camera model: C10
  const char* segment;  // EXTNAME: Segment10
  int32_t channel;      // CHANNEL, 1..16
  int32_t x0, y0;       // lower left corner of its data on the assembled CCD
  bool flip_x, flip_y;  // against the order of readout
};

struct DetectorModel {
  const char* kind;  // "latiss" or "wavefront"
  int32_t cols, rows;  // of the assembled CCD, as the data management system has it
  std::span<const Amplifier> amps;

  int32_t pixels() const { return cols * rows; }
};

// CCD pixel of data pixel (col, row) of an amplifier, both counted from the readout corner.
constexpr int32_t CcdX(const Amplifier& amp, int32_t col) { return amp.x0 + (amp.flip_x ? kDataCols - 1 - col : col); }
constexpr int32_t CcdY(const Amplifier& amp, int32_t row) { return amp.y0 + (amp.flip_y ? kDataRows - 1 - row : row); }

const DetectorModel& Latiss();
const DetectorModel& WavefrontHalf();

// By header words: INSTRUME, RAFTBAY, CCDSLOT. Null with one sentence for a detector that is none of these.
const DetectorModel* FindDetector(std::string_view instrument, std::string_view raft, std::string_view slot, std::string* problem);

// The folder of its calibrations and the last part of topics: "LATISS", "R44_SW0".
std::string DetectorName(const DetectorModel& model, std::string_view raft, std::string_view slot);

}  // namespace summit::image

#endif  // SUMMIT_IMAGE_DETECTOR_MODEL_H_
