// SPDX-License-Identifier: Apache-2.0
// Paints one sensor's stamps: bias with structure, stars, cosmic rays, noise, 18-bit clip.
// Thread: one at a time per SensorModel. Owns: the sensor's fixed pattern, made once from its seed.
#ifndef SUMMIT_SIM_RENDERER_H_
#define SUMMIT_SIM_RENDERER_H_

#include <cstdint>
#include <vector>

namespace summit::sim {

enum class PixelType : uint8_t { kI32 = 1, kU16 = 2, kRaw18x16 = 3 };

struct SensorSettings {
  int32_t rows = 50;
  int32_t cols = 50;
  PixelType type = PixelType::kI32;
  int32_t plane = 0;            // raw: which of the 16 segments carries the sky
  uint64_t seed = 1;            // of the fixed pattern
  double bias = 13000.0;        // ADU
  double gain = 1.4;            // electron per ADU
  double read_noise = 6.0;      // ADU
  double column_sigma = 2.0;    // ADU, fixed pattern over columns
  double transient = 60.0;      // ADU, serial transient at the first column
  double row_ramp = -5.0;       // ADU, at the first row, gone after a few
  double hot_pixels = 0.0;      // mean number in the ROI
  int32_t split_column = -1;    // columns from this one on are another amplifier's; negative: none
  double split_step = 0.0;      // ADU, its level above the first one's
  double moffat_beta = 3.0;
};

struct Star {
  double x;     // px in the ROI, 0-based, integer = pixel centre
  double y;     // px
  double flux;  // electron, total
  double fwhm;  // px
};

// A straight track of charge.
struct CosmicRay {
  double x, y;      // px, where it begins
  double dx, dy;    // px, its length
  double electrons; // in all
};

class SensorModel {
 public:
  explicit SensorModel(const SensorSettings& settings);

  // Bytes of one stamp in the settings' pixel type.
  uint64_t Bytes() const;

  // Paints a stamp into `out` (Bytes() long). The same arguments give the same bytes.
  void Render(uint64_t noise_seed, const std::vector<Star>& stars, const std::vector<CosmicRay>& rays, void* out);

 private:
  void AddStar(const Star& star);
  void AddRay(const CosmicRay& ray);
  void Digitize(uint64_t noise_seed, void* out);
  void DigitizeRaw(uint64_t noise_seed, uint8_t* out) const;

  SensorSettings settings_;
  std::vector<float> pattern_;  // ADU, fixed
  std::vector<float> light_;    // electron, this stamp
};

}  // namespace summit::sim

#endif  // SUMMIT_SIM_RENDERER_H_
