// SPDX-License-Identifier: Apache-2.0
// What disturbs a star: one class at a time, against truth. Nothing may be more than a pixel off without a flag that
// says so.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>

#include "addons/pixels/measure.h"
#include "addons/pixels/testing/star_stamp.h"

namespace summit::pixels {
namespace {

using testing::Conditions;
using testing::FluxForSnr;
using testing::MeasureBlind;
using testing::Profile;
using testing::Stamp;

constexpr int kStamps = testing::Stamps(60);

struct Place {
  double x, y, flux;
  Profile profile;
};

struct Tally {
  int answered = 0;  // without a flag against use
  int wrong = 0;     // of these, more than 1 px off
  int flagged[11] = {};
};

// Stars of SNR 30 to 300 and FWHM 3 to 6 px near the middle, each disturbed by `disturb`.
Tally TallyOf(const std::function<void(Stamp&, const Place&)>& disturb, uint32_t seed, bool with_star = true) {
  Tally tally;
  const Conditions conditions;
  for (int i = 0; i < kStamps; i++) {
    Stamp stamp(conditions, seed + static_cast<uint32_t>(i));
    const Profile profile{stamp.Uniform(3.0, 6.0), stamp.Uniform(2.8, 4.5), 0.0, 0.0};
    const Place place{stamp.Uniform(19.0, 31.0), stamp.Uniform(19.0, 31.0), FluxForSnr(profile, conditions, std::exp(stamp.Uniform(3.4, 5.7))), profile};
    if (with_star) stamp.AddStar(profile, place.x, place.y, place.flux);
    disturb(stamp, place);
    stamp.Expose();
    const Measurement m = MeasureBlind(conditions, stamp.View());
    for (int b = 0; b < 11; b++) tally.flagged[b] += static_cast<int>(m.flags >> b & 1u);
    if ((m.flags & kDoNotUse) != 0) continue;
    tally.answered++;
    if (!with_star || !(std::hypot(m.x - place.x, m.y - place.y) <= 1.0)) tally.wrong++;
  }
  return tally;
}

TEST(MeasureNuisance, CleanStars) {
  const Tally t = TallyOf([](Stamp&, const Place&) {}, 100);
  EXPECT_EQ(t.wrong, 0);
  EXPECT_EQ(t.answered, kStamps);
}

TEST(MeasureNuisance, HotPixels) {
  const Tally t = TallyOf([](Stamp& s, const Place& p) {
    for (int i = 0; i < 3; i++) s.AddOffset(static_cast<int>(p.y + s.Uniform(-9.0, 9.0)), static_cast<int>(p.x + s.Uniform(-9.0, 9.0)), std::exp(s.Uniform(4.5, 9.9)));
  }, 200);
  EXPECT_EQ(t.wrong, 0);
  EXPECT_GE(t.answered, kStamps - 1);
}

TEST(MeasureNuisance, CosmicRays) {
  const Tally t = TallyOf([](Stamp& s, const Place& p) {
    s.AddTrack(p.x + s.Uniform(-10.0, 10.0), p.y + s.Uniform(-10.0, 10.0), s.Uniform(1.0, 20.0), s.Uniform(0.0, 6.28), std::exp(s.Uniform(6.5, 9.0)));
  }, 300);
  EXPECT_EQ(t.wrong, 0);
  EXPECT_GE(t.answered, kStamps - 3);
}

TEST(MeasureNuisance, BadColumns) {
  const Tally t = TallyOf([](Stamp& s, const Place& p) {
    const double adu = std::exp(s.Uniform(4.5, 9.0));
    s.AddColumn(static_cast<int>(p.x + s.Uniform(-8.0, 8.0)), s.Uniform(0.0, 1.0) < 0.25 ? -adu : adu, s.Uniform(0.0, 1.0) < 0.5 ? 0 : static_cast<int>(s.Uniform(0.0, 40.0)));
  }, 400);
  EXPECT_EQ(t.wrong, 0);
  EXPECT_GE(t.answered, kStamps - 1);
}

TEST(MeasureNuisance, BleedingOfAnotherStar) {
  const Tally t = TallyOf([](Stamp& s, const Place& p) {
    const int first = static_cast<int>(p.x + s.Uniform(8.0, 15.0)), width = 1 + static_cast<int>(s.Uniform(0.0, 3.0));
    const double adu = std::exp(s.Uniform(8.0, 11.0));
    for (int c = first; c < first + width; c++) s.AddColumn(c, adu, static_cast<int>(s.Uniform(0.0, 1.5) * 10.0));
  }, 500);
  EXPECT_EQ(t.wrong, 0);
  EXPECT_GE(t.answered, kStamps - 2);
}

TEST(MeasureNuisance, ASecondFainterStar) {
  const Tally t = TallyOf([](Stamp& s, const Place& p) {
    const double angle = s.Uniform(0.0, 6.28), distance = s.Uniform(2.5, 3.5) * p.profile.fwhm;
    s.AddStar(p.profile, p.x + distance * std::cos(angle), p.y + distance * std::sin(angle), p.flux * s.Uniform(0.1, 0.7));
  }, 600);
  EXPECT_EQ(t.wrong, 0);
  EXPECT_GE(t.answered, kStamps - 1);
}

TEST(MeasureNuisance, CloseDoublesAreRightOrFlagged) {
  const Tally t = TallyOf([](Stamp& s, const Place& p) {
    const double angle = s.Uniform(0.0, 6.28), distance = s.Uniform(0.8, 2.3) * p.profile.fwhm;
    s.AddStar(p.profile, p.x + distance * std::cos(angle), p.y + distance * std::sin(angle), p.flux * s.Uniform(0.2, 0.9));
  }, 700);
  EXPECT_LE(t.wrong, 2);
  EXPECT_GE(t.flagged[5], kStamps / 12);  // blended
}

TEST(MeasureNuisance, GradientsAndPickup) {
  const Tally gradient = TallyOf([](Stamp& s, const Place&) {
    const double gx = s.Uniform(-2.0, 2.0), gy = s.Uniform(-2.0, 2.0);
    for (int r = 0; r < 50; r++) {
      for (int c = 0; c < 50; c++) s.AddOffset(r, c, gx * c + gy * r);
    }
  }, 800);
  EXPECT_EQ(gradient.wrong, 0);
  EXPECT_GE(gradient.answered, kStamps - 1);
  const Tally pickup = TallyOf([](Stamp& s, const Place&) {
    const double fx = s.Uniform(0.0, 0.4), fy = s.Uniform(0.0, 0.4), phase = s.Uniform(0.0, 6.28);
    for (int r = 0; r < 50; r++) {
      for (int c = 0; c < 50; c++) s.AddOffset(r, c, 4.0 * std::sin(6.2832 * (fx * c + fy * r) + phase));
    }
  }, 900);
  EXPECT_EQ(pickup.wrong, 0);
  EXPECT_GE(pickup.answered, kStamps - 1);
}

TEST(MeasureNuisance, TrailedStarsKeepTheirMiddle) {
  int wrong = 0, answered = 0, elongated = 0;
  const Conditions conditions;
  for (uint32_t i = 0; i < static_cast<uint32_t>(kStamps); i++) {
    Stamp stamp(conditions, 1000 + i);
    const Profile profile{stamp.Uniform(3.0, 5.0), 3.5, 0.0, 0.0};
    const double x = stamp.Uniform(20.0, 30.0), y = stamp.Uniform(20.0, 30.0), angle = stamp.Uniform(0.0, 6.28), length = stamp.Uniform(0.8, 2.5) * profile.fwhm;
    const double flux = FluxForSnr(profile, conditions, stamp.Uniform(50.0, 200.0));
    for (int k = 0; k < 15; k++) {
      const double s = ((k + 0.5) / 15.0 - 0.5) * length;
      stamp.AddStar(profile, x + s * std::cos(angle), y + s * std::sin(angle), flux / 15.0);
    }
    stamp.Expose();
    const Measurement m = MeasureBlind(conditions, stamp.View());
    elongated += (m.flags & kElongated) != 0;
    if ((m.flags & kDoNotUse) != 0) continue;
    answered++;
    wrong += !(std::hypot(m.x - x, m.y - y) <= 1.0);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(answered, kStamps - 6);
  EXPECT_GE(elongated, kStamps / 6);
}

TEST(MeasureNuisance, ArtefactsWithoutAStarAreNoStar) {
  const Tally hot = TallyOf([](Stamp& s, const Place& p) { s.AddOffset(static_cast<int>(p.y), static_cast<int>(p.x), 9000.0); }, 1100, false);
  const Tally track = TallyOf([](Stamp& s, const Place& p) { s.AddTrack(p.x, p.y, s.Uniform(1.0, 20.0), s.Uniform(0.0, 6.28), 3000.0); }, 1200, false);
  const Tally column = TallyOf([](Stamp& s, const Place& p) { s.AddColumn(static_cast<int>(p.x), 4000.0, static_cast<int>(p.y)); }, 1300, false);
  EXPECT_EQ(hot.answered, 0);
  EXPECT_EQ(track.answered, 0);
  EXPECT_EQ(column.answered, 0);
}

TEST(MeasureNuisance, StarsAtAndBeyondTheEdgeAreFlagged) {
  const Conditions conditions;
  for (const double x : {-2.5, -0.8, 0.6, 48.4, 50.2, 52.0}) {
    Stamp stamp(conditions, 77);
    stamp.AddStar(Profile{}, x, 25.3, 60000.0);
    stamp.Expose();
    const Measurement m = MeasureBlind(conditions, stamp.View());
    EXPECT_NE(m.flags & (kEdge | kNoStar), 0u) << "x = " << x;
  }
}

TEST(MeasureNuisance, FullWellIsSaturated) {
  const Conditions conditions;
  Stamp stamp(conditions, 5);
  stamp.AddStar(Profile{}, 25.4, 24.7, 8e6);
  stamp.Expose();
  for (int32_t& p : stamp.pixels()) p = std::min(p, 100000);
  const Measurement m = MeasureBlind(conditions, stamp.View());
  EXPECT_NE(m.flags & kSaturated, 0u);
  EXPECT_GT(m.n_saturated, 8u);
  EXPECT_NEAR(m.x, 25.4, 0.1);
  EXPECT_NEAR(m.y, 24.7, 0.1);
}

}  // namespace
}  // namespace summit::pixels
