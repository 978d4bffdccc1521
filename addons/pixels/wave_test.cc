// SPDX-License-Identifier: Apache-2.0
// Pickup of known amplitude, length and direction: taken out of the noise and from under stars, and nothing else is.
#include "addons/pixels/wave.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>

#include "addons/pixels/measure.h"
#include "addons/pixels/structure.h"
#include "addons/pixels/testing/star_stamp.h"
#include "addons/pixels/window.h"

namespace summit::pixels {
namespace {

using testing::Conditions;
using testing::FluxForSnr;
using testing::MeasureBlind;
using testing::Profile;
using testing::Stamp;
using testing::Stamps;

struct Tone {
  double amplitude, kx, ky, phase;  // ADU, rad / px
};

void AddTone(const Conditions& conditions, const Tone& tone, Stamp* stamp) {
  for (int r = 0; r < conditions.rows; r++) {
    for (int c = 0; c < conditions.cols; c++) stamp->AddOffset(r, c, tone.amplitude * std::sin(tone.kx * c + tone.ky * r + tone.phase));
  }
}

struct Removed {
  int32_t waves;
  float noise, before;  // ADU
};

Removed Remove(const Conditions& conditions, Stamp* stamp) {
  const auto window = std::make_unique<Window>();
  const auto structure = std::make_unique<Structure>();
  stamp->Expose();
  EXPECT_EQ(CopyWindow(stamp->View(), 0, 0, conditions.rows, conditions.cols, 262143, window.get()), FaultReason::kNone);
  RemoveStructure(window.get(), structure.get());
  const float before = structure->noise;
  const int32_t waves = RemoveWaves(window.get(), structure.get());
  return {waves, structure->noise, before};
}

TEST(Wave, WhatIsLeftIsTheNoise) {
  const Conditions conditions;
  const double sigma = std::sqrt(conditions.Variance()) / conditions.gain;
  for (uint32_t i = 0; i < Stamps(60u); i++) {
    Stamp stamp(conditions, 4000 + i);
    const double angle = stamp.Uniform(0.35, 1.25), k = stamp.Uniform(0.3, 1.2);
    AddTone(conditions, {stamp.Uniform(6.0, 25.0), k * std::cos(angle), (i % 2 == 0 ? 1.0 : -1.0) * k * std::sin(angle), stamp.Uniform(0.0, 6.28)}, &stamp);
    const Removed removed = Remove(conditions, &stamp);
    EXPECT_EQ(removed.waves, 1) << i;
    EXPECT_NEAR(removed.noise / sigma, 1.0, 0.06) << i;
    EXPECT_GT(removed.before, 1.1 * sigma) << i;
  }
}

TEST(Wave, TwoTonesAreTakenOutOneAfterTheOther) {
  const Conditions conditions;
  const double sigma = std::sqrt(conditions.Variance()) / conditions.gain;
  Stamp stamp(conditions, 4100);
  AddTone(conditions, {20.0, 0.4, 0.5, 1.0}, &stamp);
  AddTone(conditions, {15.0, 0.7, -0.4, 2.0}, &stamp);
  const Removed removed = Remove(conditions, &stamp);
  EXPECT_EQ(removed.waves, 2);
  EXPECT_NEAR(removed.noise / sigma, 1.0, 0.06);
}

TEST(Wave, NoiseStarsAndTracksAreNone) {
  const Conditions conditions;
  for (uint32_t i = 0; i < Stamps(90u); i++) {
    Stamp stamp(conditions, 4200 + i);
    const Profile profile{stamp.Uniform(2.5, 6.5), stamp.Uniform(2.5, 4.5), 0.0, 0.0};
    const double flux = FluxForSnr(profile, conditions, std::exp(stamp.Uniform(2.0, 7.0)));
    if (i % 3 != 0) stamp.AddStar(profile, stamp.Uniform(15.0, 35.0), stamp.Uniform(15.0, 35.0), flux);
    if (i % 3 == 2) stamp.AddStar(profile, stamp.Uniform(5.0, 45.0), stamp.Uniform(5.0, 45.0), 0.6 * flux);
    if (i % 2 == 0) stamp.AddTrack(stamp.Uniform(5.0, 30.0), stamp.Uniform(5.0, 30.0), 20.0, stamp.Uniform(0.0, 1.5), 2000.0);
    const Removed removed = Remove(conditions, &stamp);
    EXPECT_EQ(removed.waves, 0) << i;
    EXPECT_FLOAT_EQ(removed.noise, removed.before) << i;
  }
}

// A tone as strong as the star and as long as it is wide: the worst for its position.
TEST(Wave, AFaintStarInStrongPickupIsWhereItIs) {
  const Conditions conditions;
  double pull2 = 0.0;
  int answered = 0;
  constexpr int kStamps = Stamps(120);
  for (uint32_t i = 0; i < kStamps; i++) {
    Stamp stamp(conditions, 4300 + i);
    const Profile profile{stamp.Uniform(3.0, 6.5), 3.5, 0.0, 0.0};
    const double x = stamp.Uniform(19.0, 31.0), y = stamp.Uniform(19.0, 31.0);
    stamp.AddStar(profile, x, y, FluxForSnr(profile, conditions, stamp.Uniform(25.0, 60.0)));
    AddTone(conditions, {stamp.Uniform(10.0, 25.0), stamp.Uniform(0.15, 0.6), stamp.Uniform(-0.6, 0.6), stamp.Uniform(0.0, 6.28)}, &stamp);
    stamp.Expose();
    const Measurement m = MeasureBlind(conditions, stamp.View());
    if ((m.flags & kDoNotUse) != 0) continue;
    answered++;
    EXPECT_LE(std::hypot(m.x - x, m.y - y), 1.0) << i;
    pull2 += (m.x - x) * (m.x - x) / (m.ex * m.ex) + (m.y - y) * (m.y - y) / (m.ey * m.ey);
  }
  EXPECT_GE(answered, kStamps - 1);
  EXPECT_LE(std::sqrt(pull2 / (2.0 * answered)), 1.6);
}

}  // namespace
}  // namespace summit::pixels
