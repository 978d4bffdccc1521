// SPDX-License-Identifier: Apache-2.0
#include "sim-hw/native/renderer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "sim-hw/native/noise.h"

namespace summit::sim {
namespace {

constexpr int32_t kAdcMax = 262143;  // 18 bits
constexpr uint32_t kRawCode = 0x20000u;  // guider, wavefront and AuxTel codes are inverted in the top bit

int32_t Clip(float value, int32_t highest) {
  return static_cast<int32_t>(std::clamp(std::floor(value + 0.5f), 0.0f, static_cast<float>(highest)));
}

}  // namespace

SensorModel::SensorModel(const SensorSettings& settings) : settings_(settings) {
  const auto rows = static_cast<size_t>(settings.rows), cols = static_cast<size_t>(settings.cols);
  pattern_.resize(rows * cols);
  light_.resize(rows * cols);
  Normals normals(settings.seed);
  Random random(settings.seed ^ 0xA5A5A5A5u);
  std::vector<float> column(cols);
  for (size_t c = 0; c < cols; c++) {
    const double edge = settings.transient * std::exp(-static_cast<double>(c) / 2.0);
    const bool beyond = settings.split_column >= 0 && static_cast<int32_t>(c) >= settings.split_column;
    const double level = settings.bias + (beyond ? settings.split_step : 0.0);
    column[c] = static_cast<float>(level + edge + settings.column_sigma * normals.Next());
  }
  for (size_t r = 0; r < rows; r++) {
    const double ramp = settings.row_ramp * std::exp(-static_cast<double>(r) / 3.0) + 0.3 * normals.Next();
    for (size_t c = 0; c < cols; c++) pattern_[r * cols + c] = column[c] + static_cast<float>(ramp);
  }
  const auto hot = static_cast<size_t>(settings.hot_pixels + random.Uniform());
  for (size_t i = 0; i < hot; i++) {
    const size_t at = random.Next() % (rows * cols);
    pattern_[at] += static_cast<float>(200.0 + 3000.0 * random.Uniform());
  }
}

uint64_t SensorModel::Bytes() const {
  const uint64_t pixels = static_cast<uint64_t>(settings_.rows) * static_cast<uint64_t>(settings_.cols);
  switch (settings_.type) {
    case PixelType::kI32: return pixels * 4;
    case PixelType::kU16: return pixels * 2;
    case PixelType::kRaw18x16: return pixels * 36;
  }
  return 0;
}

// A circular Moffat profile, integrated over each pixel with 3 x 3 Gauss-Legendre points (5 x 5 points of a
// finer rule would change a pixel of a 3 px star by less than 1e-4 of its value).
void SensorModel::AddStar(const Star& star) {
  static constexpr double kNode[3] = {-0.3872983346207417, 0.0, 0.3872983346207417};
  static constexpr double kWeight[3] = {5.0 / 18.0, 8.0 / 18.0, 5.0 / 18.0};
  const double beta = settings_.moffat_beta;
  const double alpha2 = star.fwhm * star.fwhm / 4.0 / (std::pow(2.0, 1.0 / beta) - 1.0);
  const double norm = star.flux * (beta - 1.0) / (M_PI * alpha2);
  // Beyond this radius a pixel gets less than 0.02 electron.
  const double reach = std::sqrt(alpha2) * std::pow(std::max(norm, 1e-9) / 0.02, 0.5 / beta) + 2.0;
  const int r0 = std::max(0, static_cast<int>(std::floor(star.y - reach)));
  const int r1 = std::min(settings_.rows - 1, static_cast<int>(std::ceil(star.y + reach)));
  const int c0 = std::max(0, static_cast<int>(std::floor(star.x - reach)));
  const int c1 = std::min(settings_.cols - 1, static_cast<int>(std::ceil(star.x + reach)));
  for (int r = r0; r <= r1; r++) {
    for (int c = c0; c <= c1; c++) {
      double sum = 0.0;
      for (int i = 0; i < 3; i++) {
        const double dy = r + kNode[i] - star.y;
        for (int j = 0; j < 3; j++) {
          const double dx = c + kNode[j] - star.x;
          const double t = 1.0 + (dx * dx + dy * dy) / alpha2;
          sum += kWeight[i] * kWeight[j] * (beta == 3.0 ? 1.0 / (t * t * t) : std::pow(t, -beta));
        }
      }
      light_[static_cast<size_t>(r) * static_cast<size_t>(settings_.cols) + static_cast<size_t>(c)] += static_cast<float>(norm * sum);
    }
  }
}

void SensorModel::AddRay(const CosmicRay& ray) {
  const int steps = std::max(1, static_cast<int>(4.0 * std::hypot(ray.dx, ray.dy)));
  for (int i = 0; i < steps; i++) {
    const double t = (i + 0.5) / steps;
    const auto c = static_cast<int>(std::lround(ray.x + t * ray.dx)), r = static_cast<int>(std::lround(ray.y + t * ray.dy));
    if (r < 0 || r >= settings_.rows || c < 0 || c >= settings_.cols) continue;
    light_[static_cast<size_t>(r) * static_cast<size_t>(settings_.cols) + static_cast<size_t>(c)] += static_cast<float>(ray.electrons / steps);
  }
}

void SensorModel::Render(uint64_t noise_seed, const std::vector<Star>& stars, const std::vector<CosmicRay>& rays, void* out) {
  std::fill(light_.begin(), light_.end(), 0.0f);
  for (const Star& star : stars) AddStar(star);
  for (const CosmicRay& ray : rays) AddRay(ray);
  if (settings_.type == PixelType::kRaw18x16) {
    DigitizeRaw(noise_seed, static_cast<uint8_t*>(out));
  } else {
    Digitize(noise_seed, out);
  }
}

void SensorModel::Digitize(uint64_t noise_seed, void* out) {
  Normals normals(noise_seed);
  const float sigma = static_cast<float>(settings_.read_noise), per_adu = static_cast<float>(1.0 / settings_.gain);
  const bool wide = settings_.type == PixelType::kI32;
  const int32_t highest = wide ? kAdcMax : 65535;
  for (size_t i = 0; i < pattern_.size(); i++) {
    float value = pattern_[i] + sigma * normals.Next();
    // Shot noise of the light: the Poisson distribution by its normal limit.
    if (light_[i] > 0.0f) value += (light_[i] + std::sqrt(light_[i]) * normals.Next()) * per_adu;
    const int32_t adu = Clip(value, highest);
    if (wide) {
      std::memcpy(static_cast<uint8_t*>(out) + 4 * i, &adu, 4);
    } else {
      const auto small = static_cast<uint16_t>(adu);
      std::memcpy(static_cast<uint8_t*>(out) + 2 * i, &small, 2);
    }
  }
}

// 36 bytes per pixel clock: 16 segments of 18 bits, first segment in the least significant bits.
void SensorModel::DigitizeRaw(uint64_t noise_seed, uint8_t* out) const {
  Normals normals(noise_seed);
  const float sigma = static_cast<float>(settings_.read_noise), per_adu = static_cast<float>(1.0 / settings_.gain);
  for (size_t i = 0; i < pattern_.size(); i++) {
    uint64_t words[5] = {};
    for (int segment = 0; segment < 16; segment++) {
      float value = pattern_[i] + sigma * normals.Next();
      if (segment == settings_.plane && light_[i] > 0.0f) value += (light_[i] + std::sqrt(light_[i]) * normals.Next()) * per_adu;
      const uint64_t code = static_cast<uint64_t>(static_cast<uint32_t>(Clip(value, kAdcMax)) ^ kRawCode);
      const int bit = 18 * segment;
      words[bit / 64] |= code << (bit % 64);
      if (bit % 64 > 46) words[bit / 64 + 1] |= code >> (64 - bit % 64);
    }
    std::memcpy(out + 36 * i, words, 36);
  }
}

}  // namespace summit::sim
