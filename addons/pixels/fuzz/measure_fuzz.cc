// SPDX-License-Identifier: Apache-2.0
// The measuring chain on painted stamps, blind and near a prediction, raw and with calibrations of any values: it always answers, says the same twice, and an
// answer that may be used lies in the stamp and has errors.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "addons/pixels/fuzz/painter.h"
#include "addons/pixels/measure.h"

namespace {

using namespace summit::pixels;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void Check(const Measurement& m, const PaintedStamp& stamp) {
  const bool numbers = std::isfinite(m.x) && std::isfinite(m.y);
  Require(numbers == ((m.flags & (kNoStar | kFault)) == 0), "a position exactly when there is a star");
  Require(((m.flags & kFault) != 0) == (m.fault != 0), "a refusal exactly when there is a reason");
  if ((m.flags & kDoNotUse) != 0) return;
  Require(m.x > -0.5 && m.y > -0.5 && m.x < stamp.cols() - 0.5 && m.y < stamp.rows() - 0.5, "a usable star is in the stamp");
  Require(m.ex > 0.0 && m.ey > 0.0 && std::isfinite(m.ex + m.ey), "a usable position has errors");
  Require(m.flux > 0.0 && m.fwhm > 0.0 && std::isfinite(m.flux + m.flux_err + m.fwhm + m.snr + m.chi2), "a usable star has numbers");
}

// Calibrations from the input's last bytes, which paint as well: how much of each map there is, and with which values.
Calibration CalibrationOf(const uint8_t* data, size_t size, const PaintedStamp& stamp) {
  constexpr size_t kBytes = 12;
  const size_t skipped = size > kBytes ? size - kBytes : 0;
  FuzzBytes bytes(data + skipped, size - skipped);
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kOdd[] = {0.0f, 1.0f, -1.0f, 0.1f, 10.0f, 262143.0f, -262143.0f, 1e30f, std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min(), kInf, -kInf, std::numeric_limits<float>::quiet_NaN()};
  Calibration calibration;
  calibration.rows = stamp.rows();
  calibration.cols = stamp.cols();
  const uint8_t maps = bytes.Byte();
  calibration.complete = (maps & 8) != 0;
  const size_t pixels = static_cast<size_t>(stamp.rows()) * static_cast<size_t>(stamp.cols());
  uint32_t random = bytes.Word();
  const auto share = [&random] {
    random = random * 1664525u + 1013904223u;
    return static_cast<float>(random >> 8) / 16777216.0f;
  };
  const auto fill = [&](float usual, float spread, std::vector<float>* map) {
    const float odd = kOdd[bytes.Byte() % std::size(kOdd)], often = bytes.Byte() / 255.0f;
    map->resize(pixels);
    for (float& value : *map) value = share() < often * often ? odd : usual + spread * (share() - 0.5f);
  };
  if ((maps & 1) != 0) fill(static_cast<float>(bytes.Byte()), 20.0f, &calibration.offset);
  if ((maps & 2) != 0) fill(1.0f, 0.2f, &calibration.flat);
  if ((maps & 4) != 0) {
    const float often = bytes.Byte() / 255.0f;
    calibration.defects.resize(pixels);
    for (uint8_t& defect : calibration.defects) defect = share() < often ? bytes.Byte() | 1 : 0;
  }
  return calibration;
}

bool Same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzBytes bytes(data, size);
  MeasureSettings settings;
  settings.max_rows = settings.max_cols = 137;
  settings.gain = 0.5f + bytes.Share();
  settings.read_noise = static_cast<float>(bytes.Byte() % 16);
  settings.saturation = bytes.Byte() % 2 == 0 ? 262143 : 60000;
  const float near_x = bytes.Share(), near_y = bytes.Share();
  const PaintedStamp stamp(&bytes);
  const auto measurer = StampMeasurer::Create(settings);
  Require(measurer != nullptr, "these settings make sense");

  const Measurement blind = measurer->Measure(stamp.view(), {});
  Check(blind, stamp);
  measurer->Reset();
  const Measurement again = measurer->Measure(stamp.view(), {});
  Require(blind.flags == again.flags && Same(blind.x, again.x) && Same(blind.y, again.y) && Same(blind.flux, again.flux), "the same stamp gives the same answer");
  const Prediction near{true, static_cast<double>(near_x) * stamp.cols(), static_cast<double>(near_y) * stamp.rows(), 5.0};
  Check(measurer->Measure(stamp.view(), near), stamp);

  Calibration calibration = CalibrationOf(data, size, stamp);
  Require(Prepare(&calibration), "maps of the stamp's size are taken");
  measurer->Reset();
  measurer->Use(&calibration);
  const Measurement calibrated = measurer->Measure(stamp.view(), {});
  Check(calibrated, stamp);
  Check(measurer->Measure(stamp.view(), near), stamp);
  measurer->Reset();
  const Measurement once_more = measurer->Measure(stamp.view(), {});
  Require(calibrated.flags == once_more.flags && Same(calibrated.x, once_more.x) && Same(calibrated.flux, once_more.flux), "the same calibrated stamp gives the same answer");
  return 0;
}
