// SPDX-License-Identifier: Apache-2.0
// What must hold for every stamp, whatever is in it: the answer follows the pixels when they are shifted, mirrored,
// transposed or made brighter. Columns and rows are treated differently (columns are read out as one), so mirrors and
// transposition change the answer by a small part of its error; shifts bring other pixels to the stamp's edge.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "addons/pixels/measure.h"
#include "addons/pixels/testing/star_stamp.h"

namespace summit::pixels {
namespace {

using testing::Conditions;
using testing::FluxForSnr;
using testing::MeasureBlind;
using testing::Profile;
using testing::Stamp;

constexpr int kSide = 50;
constexpr uint32_t kStamps = testing::Stamps(35u);

struct Case {
  Stamp stamp;
  Profile profile;
  double snr;
};

// Stars of all strengths and widths, of slightly different shapes, somewhere near the middle.
Case Draw(uint32_t seed, const Conditions& conditions) {
  Case drawn{Stamp(conditions, 7000 + seed), {}, 20.0 * std::pow(20.0, seed % 7 / 6.0)};
  drawn.profile = {3.0 + seed % 5 * 0.6, 3.0, 0.03 * (seed % 3), 0.02 * (seed % 4)};
  const double x = drawn.stamp.Uniform(18.0, 31.0), y = drawn.stamp.Uniform(18.0, 31.0);
  drawn.stamp.AddStar(drawn.profile, x, y, FluxForSnr(drawn.profile, conditions, drawn.snr));
  drawn.stamp.Expose();
  return drawn;
}

Measurement MeasureMapped(const Conditions& conditions, Stamp* stamp, const std::function<int(int, int)>& from) {
  const std::vector<int32_t>& pixels = stamp->pixels();
  std::vector<int32_t> mapped(pixels.size());
  for (int r = 0; r < kSide; r++) {
    for (int c = 0; c < kSide; c++) mapped[static_cast<size_t>(r * kSide + c)] = pixels[static_cast<size_t>(from(r, c))];
  }
  return MeasureBlind(conditions, {mapped.data(), PixelType::kI32, kSide, kSide, kSide});
}

// Largest difference, in the stated errors, of what two answers say of the same star.
struct Difference {
  double position = 0.0, flux = 0.0, width = 0.0;
  void Take(const Measurement& a, double x, double y, const Measurement& b) {
    position = std::max({position, std::fabs(x - b.x) / a.ex, std::fabs(y - b.y) / a.ey});
    flux = std::max(flux, std::fabs(a.flux - b.flux) / a.flux_err);
    width = std::max(width, std::fabs(a.fwhm / b.fwhm - 1.0));
  }
};

// Pixels that leave at one side come in at the other: noise stays noise.
TEST(MeasureProperty, AShiftByWholePixelsShiftsTheAnswer) {
  const Conditions conditions;
  Difference most;
  for (uint32_t i = 0; i < kStamps; i++) {
    Case drawn = Draw(i, conditions);
    const Measurement m = MeasureBlind(conditions, drawn.stamp.View());
    ASSERT_EQ(m.flags & kDoNotUse, 0u) << i;
    const int dx = static_cast<int>(i % 9) - 4, dy = static_cast<int>(i % 7) - 3;
    const auto shifted = [dx, dy](int r, int c) { return (r - dy + kSide) % kSide * kSide + (c - dx + kSide) % kSide; };
    const Measurement other = MeasureMapped(conditions, &drawn.stamp, shifted);
    ASSERT_EQ(other.flags & kDoNotUse, 0u) << i;
    most.Take(m, m.x + dx, m.y + dy, other);
  }
  EXPECT_LT(most.position, 0.5);
  EXPECT_LT(most.flux, 0.5);
  EXPECT_LT(most.width, 0.05);
}

void ExpectMirrored(bool in_x, bool in_y) {
  const Conditions conditions;
  Difference most;
  for (uint32_t i = 0; i < kStamps; i++) {
    Case drawn = Draw(i, conditions);
    const Measurement m = MeasureBlind(conditions, drawn.stamp.View());
    const auto mirrored = [in_x, in_y](int r, int c) { return (in_y ? kSide - 1 - r : r) * kSide + (in_x ? kSide - 1 - c : c); };
    const Measurement other = MeasureMapped(conditions, &drawn.stamp, mirrored);
    ASSERT_EQ((m.flags | other.flags) & kDoNotUse, 0u) << i;
    most.Take(m, in_x ? kSide - 1 - m.x : m.x, in_y ? kSide - 1 - m.y : m.y, other);
  }
  EXPECT_LT(most.position, 0.25);
  EXPECT_LT(most.flux, 0.25);
  EXPECT_LT(most.width, 0.03);
}

TEST(MeasureProperty, AMirrorInXMirrorsTheAnswer) { ExpectMirrored(true, false); }
TEST(MeasureProperty, AMirrorInYMirrorsTheAnswer) { ExpectMirrored(false, true); }

// Meaningful only without column and row structure: its removal is made for columns first.
TEST(MeasureProperty, ATransposedStampHasATransposedAnswer) {
  Conditions conditions;
  conditions.column_scatter = conditions.row_scatter = 0.0;
  Difference most;
  for (uint32_t i = 0; i < kStamps; i++) {
    Case drawn = Draw(i, conditions);
    const Measurement m = MeasureBlind(conditions, drawn.stamp.View());
    const Measurement other = MeasureMapped(conditions, &drawn.stamp, [](int r, int c) { return c * kSide + r; });
    ASSERT_EQ((m.flags | other.flags) & kDoNotUse, 0u) << i;
    most.Take(m, m.y, m.x, other);
  }
  EXPECT_LT(most.position, 1.0);
  EXPECT_LT(most.flux, 1.0);
  EXPECT_LT(most.width, 0.08);
}

// k times the light is k times the flux, at the same place, within the errors of both.
TEST(MeasureProperty, FluxFollowsTheLight) {
  const Conditions conditions;
  const Profile profile{4.0, 3.0, 0.0, 0.0};
  const double light = FluxForSnr(profile, conditions, 60.0);
  for (const double factor : {2.0, 5.0, 20.0}) {
    double ratio = 0.0, error = 0.0;
    for (uint32_t i = 0; i < kStamps; i++) {
      Stamp faint(conditions, 8000 + i), bright(conditions, 9000 + i);
      faint.AddStar(profile, 25.3, 24.6, light);
      bright.AddStar(profile, 25.3, 24.6, factor * light);
      faint.Expose();
      bright.Expose();
      const Measurement a = MeasureBlind(conditions, faint.View()), b = MeasureBlind(conditions, bright.View());
      ASSERT_EQ((a.flags | b.flags) & kDoNotUse, 0u);
      ratio += b.flux / a.flux / factor / kStamps;
      error = std::hypot(a.flux_err / a.flux, b.flux_err / b.flux) / std::sqrt(kStamps);
      EXPECT_LT(std::fabs(a.x - b.x), 5.0 * std::hypot(a.ex, b.ex));
      EXPECT_LT(std::fabs(a.y - b.y), 5.0 * std::hypot(a.ey, b.ey));
    }
    EXPECT_NEAR(ratio, 1.0, 4.0 * error + 0.01) << factor;
  }
}

}  // namespace
}  // namespace summit::pixels
