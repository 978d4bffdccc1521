// SPDX-License-Identifier: Apache-2.0
// Tracks on top of stars: the track is masked and the star is measured; stars alone are never masked.
#include "addons/pixels/tracks.h"

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

constexpr float kContrast = 6.0f;

int32_t Masked(Stamp* stamp) {
  const auto window = std::make_unique<Window>();
  const auto structure = std::make_unique<Structure>();
  stamp->Expose();
  EXPECT_EQ(CopyWindow(stamp->View(), 0, 0, 50, 50, 262143, window.get()), FaultReason::kNone);
  RemoveStructure(window.get(), structure.get());
  return MaskTracks(structure->noise, kContrast, window.get());
}

TEST(Tracks, StarsOfAnyWidthAreNotMasked) {
  const Conditions conditions;
  for (uint32_t i = 0; i < Stamps(120u); i++) {
    Stamp stamp(conditions, 5000 + i);
    const Profile profile{stamp.Uniform(2.5, 6.5), stamp.Uniform(2.5, 6.0), 0.0, 0.0};
    stamp.AddStar(profile, stamp.Uniform(-1.0, 50.0), stamp.Uniform(-1.0, 50.0), FluxForSnr(profile, conditions, std::exp(stamp.Uniform(3.0, 6.5))));
    EXPECT_EQ(Masked(&stamp), 0) << i;
  }
}

// At an edge the direction along it decides; a corner has none. Noise beside a hot pixel may pass for its charge.
TEST(Tracks, HotPixelsAndTracksAreAlsoAtEdges) {
  const Conditions conditions;
  for (const int row : {0, 1, 25, 48, 49}) {
    for (const int col : {0, 1, 25, 48, 49}) {
      Stamp stamp(conditions, 5200);
      stamp.AddOffset(row, col, 3000.0);
      const int32_t masked = Masked(&stamp);
      const bool diagonal = row % 47 == 1 && col % 47 == 1;
      EXPECT_EQ(masked >= 1, row == 25 || col == 25 || diagonal) << row << ", " << col;
      EXPECT_LE(masked, 2) << row << ", " << col;
    }
  }
  Stamp track(conditions, 5201);
  track.AddTrack(12.0, 15.0, 18.0, 0.5, 4000.0);
  EXPECT_GE(Masked(&track), 16);
}

// Tracks that outshine the star they cross.
TEST(Tracks, TheStarUnderATrackIsFound) {
  const Conditions conditions;
  constexpr int kStamps = Stamps(100);
  int answered = 0, wrong = 0, hit = 0;
  for (uint32_t i = 0; i < kStamps; i++) {
    Stamp stamp(conditions, 5300 + i);
    const Profile profile{stamp.Uniform(3.5, 6.0), 3.5, 0.0, 0.0};
    const double x = stamp.Uniform(19.0, 31.0), y = stamp.Uniform(19.0, 31.0), angle = stamp.Uniform(0.0, 6.28), length = stamp.Uniform(4.0, 14.0);
    const double near = stamp.Uniform(0.0, 3.0), along = stamp.Uniform(0.0, 6.28);
    stamp.AddStar(profile, x, y, FluxForSnr(profile, conditions, stamp.Uniform(25.0, 60.0)));
    stamp.AddTrack(x + near * std::cos(along) - 0.5 * length * std::cos(angle), y + near * std::sin(along) - 0.5 * length * std::sin(angle), length, angle,
                   std::exp(stamp.Uniform(7.0, 8.5)));
    stamp.Expose();
    const Measurement m = MeasureBlind(conditions, stamp.View());
    if ((m.flags & kDoNotUse) != 0) continue;
    answered++;
    hit += (m.flags & kHit) != 0;
    wrong += !(std::hypot(m.x - x, m.y - y) <= 1.0);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(answered, kStamps - kStamps / 20);
  EXPECT_GE(hit, kStamps / 2);
}

TEST(Tracks, ATrackAloneLeavesNoStar) {
  const Conditions conditions;
  for (uint32_t i = 0; i < Stamps(150u); i++) {
    Stamp stamp(conditions, 5500 + i);
    stamp.AddTrack(stamp.Uniform(5.0, 45.0), stamp.Uniform(5.0, 45.0), stamp.Uniform(1.0, 15.0), stamp.Uniform(0.0, 6.28), std::exp(stamp.Uniform(5.0, 9.0)));
    stamp.Expose();
    EXPECT_NE(MeasureBlind(conditions, stamp.View()).flags & kDoNotUse, 0u) << i;
  }
}

}  // namespace
}  // namespace summit::pixels
