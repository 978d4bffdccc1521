// SPDX-License-Identifier: Apache-2.0
// The measuring chain on painted stamps, blind and near a prediction: it always answers, says the same twice, and an
// answer that may be used lies in the stamp and has errors.
#include <cmath>
#include <cstdio>
#include <cstdlib>

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
  return 0;
}
