// SPDX-License-Identifier: Apache-2.0
// The measuring chain against truth: accuracy beside the Cramer-Rao bound, stated errors, input types.
#include "addons/pixels/measure.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "addons/pixels/raw_decode.h"
#include "addons/pixels/simd.h"
#include "addons/pixels/testing/star_stamp.h"

namespace summit::pixels {
namespace {

using testing::Bound;
using testing::BoundOf;
using testing::Conditions;
using testing::FluxForSnr;
using testing::MeasureBlind;
using testing::Profile;
using testing::SettingsFor;
using testing::Stamp;
using testing::Stamps;

// Statistics of what the other tests run: of the optimized build.
#if !defined(SUMMIT_SANITIZED)
struct Accuracy {
  double over_bound = 0.0;  // rms of the error over the Cramer-Rao bound, x and y together
  double pull = 0.0;        // rms of the error over the stated error
  double width = 0.0;       // mean of fwhm over truth
  double answered = 0.0;    // share
};

Accuracy AccuracyOf(const Profile& profile, double snr, int stamps, uint32_t seed) {
  const Conditions conditions;
  const double flux = FluxForSnr(profile, conditions, snr);
  const Bound bound = BoundOf(profile, conditions, flux);
  Accuracy a;
  int answered = 0;
  for (int i = 0; i < stamps; i++) {
    Stamp stamp(conditions, seed + static_cast<uint32_t>(i));
    const double x = stamp.Uniform(21.0, 29.0), y = stamp.Uniform(21.0, 29.0);
    stamp.AddStar(profile, x, y, flux);
    stamp.Expose();
    const Measurement m = MeasureBlind(conditions, stamp.View());
    if (!std::isfinite(m.x) || (m.flags & kDoNotUse) != 0) continue;
    answered++;
    a.over_bound += std::pow((m.x - x) / bound.sigma_x, 2) + std::pow((m.y - y) / bound.sigma_x, 2);
    a.pull += std::pow((m.x - x) / m.ex, 2) + std::pow((m.y - y) / m.ey, 2);
    a.width += m.fwhm / profile.fwhm;
  }
  a.over_bound = std::sqrt(a.over_bound / (2 * answered));
  a.pull = std::sqrt(a.pull / (2 * answered));
  a.width /= answered;
  a.answered = answered / static_cast<double>(stamps);
  return a;
}

// 300 coordinates give an rms to 4 %: the limits leave three times that over the kernel's goals.
TEST(MeasureAccuracy, ReachesTheCramerRaoBoundWithHonestErrors) {
  for (const double snr : {15.0, 50.0, 300.0}) {
    const Accuracy a = AccuracyOf(Profile{}, snr, 150, 1000);
    EXPECT_LT(a.over_bound, snr < 20.0 ? 1.20 : 1.14) << "SNR " << snr;
    EXPECT_GT(a.pull, 0.88) << "SNR " << snr;
    EXPECT_LT(a.pull, 1.16) << "SNR " << snr;
    EXPECT_NEAR(a.width, 1.0, snr < 20.0 ? 0.06 : 0.04) << "SNR " << snr;
    EXPECT_EQ(a.answered, 1.0) << "SNR " << snr;
  }
}

// Widths of 0.5 to 1.5 arcsec and wings of every kind, bright enough to see a bias.
TEST(MeasureAccuracy, HoldsForOtherWidthsAndWings) {
  for (const Profile& profile : {Profile{2.5, 3.5, 0.0, 0.0}, Profile{4.0, 2.6, 0.0, 0.0}, Profile{4.0, 5.0, 0.05, 0.03}, Profile{7.5, 3.5, 0.0, 0.0}}) {
    const Accuracy a = AccuracyOf(profile, 200.0, 80, 5000);
    EXPECT_LT(a.over_bound, 1.22) << "FWHM " << profile.fwhm << ", beta " << profile.beta;
    EXPECT_NEAR(a.width, 1.0, 0.04) << "FWHM " << profile.fwhm << ", beta " << profile.beta;
    EXPECT_EQ(a.answered, 1.0);
  }
}

// In a series the columns become known: the position along x gets nearer to the bound of known columns.
TEST(Measure, ASeriesLearnsItsColumns) {
  Conditions conditions;
  conditions.column_scatter = 0.0;
  const Profile profile;
  const double flux = FluxForSnr(profile, conditions, 15.0), bound = BoundOf(profile, conditions, flux).sigma_x;
  double columns[50];
  Stamp source(conditions, 99);
  for (double& c : columns) c = source.Uniform(-6.0, 6.0);
  double error2 = 0.0;
  int count = 0;
  for (uint32_t series = 0; series < 6; series++) {
    const auto measurer = StampMeasurer::Create(SettingsFor(conditions));
    Prediction prediction;
    for (uint32_t i = 0; i < 60; i++) {
      Stamp stamp(conditions, 7000 + series * 100 + i);
      const double x = stamp.Uniform(22.0, 28.0), y = stamp.Uniform(22.0, 28.0);
      stamp.AddStar(profile, x, y, flux);
      for (int c = 0; c < 50; c++) stamp.AddColumn(c, columns[c]);
      stamp.Expose();
      const Measurement m = measurer->Measure(stamp.View(), prediction);
      prediction = {true, 25.0, 25.0, 6.0};
      if (i < 10) continue;
      ASSERT_TRUE(std::isfinite(m.x));
      error2 += std::pow((m.x - x) / bound, 2);
      count++;
    }
  }
  EXPECT_LT(std::sqrt(error2 / count), 1.13);
}
#endif  // SUMMIT_SANITIZED

// The baseline code gives what the code for this processor gives, but for rounding.
TEST(Measure, EveryInstructionSetGivesTheSameAnswer) {
  const Conditions conditions;
  for (uint32_t seed = 1; seed <= Stamps(40u); seed++) {
    Stamp stamp(conditions, seed);
    stamp.AddStar(Profile{stamp.Uniform(3.0, 6.0), 3.5, 0.0, 0.0}, stamp.Uniform(20.0, 30.0), stamp.Uniform(20.0, 30.0), std::exp(stamp.Uniform(7.0, 13.0)));
    stamp.AddTrack(stamp.Uniform(0.0, 49.0), stamp.Uniform(0.0, 49.0), 8.0, stamp.Uniform(0.0, 6.28), 2000.0);
    stamp.Expose();
    const Measurement widest = MeasureBlind(conditions, stamp.View());
    for (const SimdLevel level : {SimdLevel::kPlain, SimdLevel::kAvx2}) {
      LimitSimd(level);
      const Measurement plain = MeasureBlind(conditions, stamp.View());
      LimitSimd(SimdLevel::kAvx512);
      EXPECT_EQ(widest.flags, plain.flags);
      if (!std::isfinite(widest.x)) continue;
      EXPECT_NEAR(widest.x, plain.x, 0.05 * widest.ex) << "seed " << seed;
      EXPECT_NEAR(widest.y, plain.y, 0.05 * widest.ey) << "seed " << seed;
      EXPECT_NEAR(widest.ex, plain.ex, 0.02 * widest.ex) << "seed " << seed;
      EXPECT_NEAR(widest.flux, plain.flux, 0.1 * widest.flux_err) << "seed " << seed;
    }
  }
}

TEST(Measure, AStarBesideTheSearchIsNotTakenForTheOneThatIsExpected) {
  const Conditions conditions;
  const Profile profile;
  const double flux = FluxForSnr(profile, conditions, 50.0);
  for (const bool there : {true, false}) {
    for (uint32_t seed = 0; seed < Stamps(40u); seed++) {
      Stamp stamp(conditions, 300 + seed);
      const double angle = stamp.Uniform(0.0, 6.28), far = stamp.Uniform(8.0, 11.0);
      // Outside the square that is searched; its wing lies inside.
      const double dx = std::fabs(std::cos(angle)) > 0.71 ? std::copysign(far, std::cos(angle)) : far * std::cos(angle);
      const double dy = std::fabs(std::cos(angle)) > 0.71 ? far * std::sin(angle) : std::copysign(far, std::sin(angle));
      if (there) stamp.AddStar(profile, 24.3, 25.1, flux);
      stamp.AddStar(profile, 24.3 + dx, 25.1 + dy, 3.0 * flux);
      stamp.Expose();
      const auto measurer = StampMeasurer::Create(SettingsFor(conditions));
      const Measurement m = measurer->Measure(stamp.View(), Prediction{true, 24.3, 25.1, 6.0});
      if (there) {
        EXPECT_LT(std::hypot(m.x - 24.3, m.y - 25.1), 1.0) << seed;
      } else if ((m.flags & kDoNotUse) == 0) {
        EXPECT_LT(std::hypot(m.x - 24.3, m.y - 25.1), 6.0 * std::sqrt(2.0) + 1.5) << seed;
      }
    }
  }
}

Measurement MeasureOne(const Conditions& conditions, double x, double y, double flux, uint32_t seed, std::vector<int32_t>* pixels) {
  Stamp stamp(conditions, seed);
  stamp.AddStar(Profile{}, x, y, flux);
  stamp.Expose();
  if (pixels != nullptr) *pixels = stamp.pixels();
  return MeasureBlind(conditions, stamp.View());
}

TEST(Measure, EveryInputTypeGivesTheSameNumbers) {
  const Conditions conditions;
  std::vector<int32_t> pixels;
  const Measurement expected = MeasureOne(conditions, 24.3, 26.8, 20000.0, 5, &pixels);
  ASSERT_EQ(expected.flags & kDoNotUse, 0u);
  const std::vector<uint16_t> small(pixels.begin(), pixels.end());
  const std::vector<float> real(pixels.begin(), pixels.end());
  const Measurement from_u16 = MeasureBlind(conditions, {small.data(), PixelType::kU16, 50, 50, 50});
  const Measurement from_f32 = MeasureBlind(conditions, {real.data(), PixelType::kF32, 50, 50, 50});
  EXPECT_EQ(from_u16.x, expected.x);
  EXPECT_EQ(from_u16.flux, expected.flux);
  EXPECT_EQ(from_f32.x, expected.x);

  // Raw: the stamp in segment 5 of 16, all other segments zero; 3 clocks of underscan before and 4 of overscan after
  // each row.
  constexpr size_t kClocks = 3 + 50 + 4;
  std::vector<uint8_t> raw(50 * kClocks * kRawClockBytes, 0x5A);
  for (size_t n = 0; n < pixels.size(); n++) {
    const size_t i = n / 50 * kClocks + 3 + n % 50;
    std::fill_n(raw.begin() + static_cast<long>(i * kRawClockBytes), kRawClockBytes, uint8_t{0});
    for (size_t s = 0; s < 16; s++) {
      const uint32_t value = (s == 5 ? static_cast<uint32_t>(pixels[n]) : 0u) ^ kRawCodeInverted;
      for (size_t b = 0; b < 18; b++) {
        const size_t bit = 18 * s + b;
        if ((value >> b & 1u) != 0) raw[i * kRawClockBytes + bit / 8] = static_cast<uint8_t>(raw[i * kRawClockBytes + bit / 8] | 1u << (bit % 8));
      }
    }
  }
  MeasureSettings settings = SettingsFor(conditions);
  settings.raw_segment = 5;
  const Measurement from_raw = StampMeasurer::Create(settings)->Measure({raw.data(), PixelType::kRaw18x16, 50, 50, static_cast<int32_t>(kClocks), 3}, Prediction{});
  EXPECT_EQ(from_raw.x, expected.x);
  EXPECT_EQ(from_raw.y, expected.y);
  EXPECT_EQ(from_raw.flux, expected.flux);
}

TEST(Measure, TheSameHistoryGivesTheSameAnswer) {
  const Conditions conditions;
  const auto one = StampMeasurer::Create(SettingsFor(conditions)), two = StampMeasurer::Create(SettingsFor(conditions));
  for (uint32_t seed = 1; seed <= 10; seed++) {
    Stamp stamp(conditions, seed);
    stamp.AddStar(Profile{}, 25.2, 24.7, 4000.0);
    stamp.Expose();
    const Measurement a = one->Measure(stamp.View(), Prediction{}), b = two->Measure(stamp.View(), Prediction{});
    EXPECT_EQ(a.x, b.x);
    EXPECT_EQ(a.ex, b.ex);
    EXPECT_EQ(a.flags, b.flags);
  }
}

TEST(Measure, ALargeRoiIsSearchedAndTracked) {
  Conditions conditions;
  conditions.rows = conditions.cols = 400;
  Stamp stamp(conditions, 3);
  stamp.AddStar(Profile{}, 311.3, 87.6, 8000.0);
  stamp.Expose();
  const auto measurer = StampMeasurer::Create(SettingsFor(conditions));
  for (const Prediction& prediction : {Prediction{}, Prediction{true, 312.0, 88.0, 3.0}}) {
    const Measurement m = measurer->Measure(stamp.View(), prediction);
    EXPECT_NEAR(m.x, 311.3, 0.15);
    EXPECT_NEAR(m.y, 87.6, 0.15);
    EXPECT_EQ(m.flags & kDoNotUse, 0u);
  }
}

TEST(Measure, AWholePixelShiftMovesTheAnswerByAsMuch) {
  Conditions conditions;
  conditions.column_scatter = conditions.row_scatter = 0.0;
  Stamp stamp(conditions, 8);
  stamp.AddStar(Profile{}, 25.3, 24.6, 30000.0);
  const std::vector<int32_t> pixels = stamp.Expose();
  std::vector<int32_t> shifted(pixels.size()), flipped(pixels.size());
  for (size_t r = 0; r < 50; r++) {
    for (size_t c = 0; c < 50; c++) {
      shifted[r * 50 + c] = pixels[(r + 47) % 50 * 50 + (c + 48) % 50];
      flipped[r * 50 + c] = pixels[r * 50 + 49 - c];
    }
  }
  const Measurement m = MeasureBlind(conditions, stamp.View());
  const Measurement s = MeasureBlind(conditions, {shifted.data(), PixelType::kI32, 50, 50, 50});
  const Measurement f = MeasureBlind(conditions, {flipped.data(), PixelType::kI32, 50, 50, 50});
  EXPECT_NEAR(s.x, m.x + 2.0, 0.15 * m.ex);
  EXPECT_NEAR(s.y, m.y + 3.0, 0.15 * m.ey);
  EXPECT_NEAR(f.x, 49.0 - m.x, 0.15 * m.ex);
  EXPECT_NEAR(f.y, m.y, 0.15 * m.ey);
}

}  // namespace
}  // namespace summit::pixels
