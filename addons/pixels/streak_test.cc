// SPDX-License-Identifier: Apache-2.0
// Streaks of every direction and brightness on top of stars, against truth; nothing else is taken for one.
#include "addons/pixels/streak.h"

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

// A band of `electrons` per px of length through (x, y), `fwhm` wide.
void AddStreak(Stamp* stamp, int side, double x, double y, double angle, double electrons, double fwhm) {
  const double beta = 2.5, alpha = 0.5 * fwhm / std::sqrt(std::pow(2.0, 1.0 / beta) - 1.0);
  const double total = alpha * std::sqrt(M_PI) * std::tgamma(beta - 0.5) / std::tgamma(beta);
  for (int r = 0; r < side; r++) {
    for (int c = 0; c < side; c++) {
      double sum = 0.0;
      for (int i = -1; i <= 1; i++) {
        for (int k = -1; k <= 1; k++) {
          const double u = -(c + k / 3.0 - x) * std::sin(angle) + (r + i / 3.0 - y) * std::cos(angle);
          sum += std::pow(1.0 + u * u / (alpha * alpha), -beta) / 9.0;
        }
      }
      stamp->AddLight(r, c, electrons * sum / total);
    }
  }
}

constexpr int kStamps = testing::Stamps(60);

struct Tally {
  int answered = 0;  // without a flag against use
  int wrong = 0;     // of these, more than 1 px off
  int far = 0;       // more than 0.3 px
};

// Stars of a signal to noise, crossed within 12 px by streaks of any direction, of so many electrons per px. SNR 0: no star.
Tally TallyOf(double snr, double electrons, uint32_t seed, int side = 50) {
  Conditions conditions;
  conditions.rows = conditions.cols = side;
  Tally tally;
  for (int i = 0; i < kStamps; i++) {
    Stamp stamp(conditions, seed + static_cast<uint32_t>(i));
    const Profile profile{stamp.Uniform(3.0, 6.0), 3.0, 0.0, 0.0};
    const double middle = 0.5 * side, x = stamp.Uniform(middle - 8.0, middle + 8.0), y = stamp.Uniform(middle - 8.0, middle + 8.0);
    const double angle = stamp.Uniform(0.0, M_PI), beside = stamp.Uniform(-12.0, 12.0);
    if (snr > 0.0) stamp.AddStar(profile, x, y, FluxForSnr(profile, conditions, snr));
    AddStreak(&stamp, side, x - beside * std::sin(angle), y + beside * std::cos(angle), angle, electrons, profile.fwhm);
    stamp.Expose();
    const Measurement m = MeasureBlind(conditions, stamp.View());
    if ((m.flags & kDoNotUse) != 0) continue;
    tally.answered++;
    const double off = snr > 0.0 ? std::hypot(m.x - x, m.y - y) : HUGE_VAL;
    tally.wrong += off > 1.0;
    tally.far += off > 0.3;
  }
  return tally;
}

TEST(Streak, TheStarBesideOrBeneathIsMeasured) {
  for (const double electrons : {200.0, 500.0, 2000.0}) {
    for (const double snr : {80.0, 300.0}) {
      const Tally t = TallyOf(snr, electrons, 90000);
      EXPECT_EQ(t.wrong, 0) << snr << ' ' << electrons;
      EXPECT_LE(t.far, 2) << snr << ' ' << electrons;
      EXPECT_GE(t.answered, kStamps - 1 - kStamps / 12) << snr << ' ' << electrons;
    }
  }
}

TEST(Streak, FarBrighterThanTheStarItLeavesNoAnswerRatherThanAWrongOne) {
  for (const double electrons : {2000.0, 10000.0, 60000.0}) {
    EXPECT_LE(TallyOf(20.0, electrons, 92000).wrong, 1) << electrons;
    EXPECT_LE(TallyOf(0.0, electrons, 93000).answered, 1) << electrons;
  }
}

TEST(Streak, InALargeRoiItIsNoStar) {
  for (const double electrons : {500.0, 2000.0}) {
    const Tally t = TallyOf(80.0, electrons, 94000, 96);
    EXPECT_LE(t.wrong, 1) << electrons;
    EXPECT_GE(t.answered, kStamps - 1 - kStamps / 12) << electrons;
    EXPECT_LE(TallyOf(0.0, electrons, 93000, 96).answered, 1) << electrons;
  }
}

TEST(Streak, NothingElseIsOne) {
  const Conditions conditions;
  const auto window = std::make_unique<Window>(), scratch = std::make_unique<Window>();
  const auto structure = std::make_unique<Structure>();
  const auto found = [&](Stamp* stamp) {
    stamp->Expose();
    EXPECT_EQ(CopyWindow(stamp->View(), 0, 0, 50, 50, 262143, window.get()), FaultReason::kNone);
    RemoveStructure(window.get(), structure.get());
    Streak streak;
    return FindStreak(*window, *structure, scratch.get(), &streak);
  };
  for (int i = 0; i < kStamps; i++) {
    Stamp star(conditions, 5000 + static_cast<uint32_t>(i)), two = star, column = star, bleeding = star, track = star;
    const Profile profile{star.Uniform(2.5, 6.5), star.Uniform(2.5, 6.0), 0.0, 0.0};
    star.AddStar(profile, star.Uniform(-1.0, 50.0), star.Uniform(-1.0, 50.0), FluxForSnr(profile, conditions, std::exp(star.Uniform(3.0, 6.5))));
    EXPECT_FALSE(found(&star)) << i;
    two.AddStar(profile, 2.0, two.Uniform(2.0, 48.0), 40000.0);
    two.AddStar(profile, 47.0, two.Uniform(2.0, 48.0), 40000.0);
    EXPECT_FALSE(found(&two)) << i;
    column.AddColumn(static_cast<int>(column.Uniform(5.0, 45.0)), std::exp(column.Uniform(4.5, 9.0)), column.Uniform(0.0, 1.0) < 0.5 ? 0 : static_cast<int>(column.Uniform(0.0, 40.0)));
    EXPECT_FALSE(found(&column)) << i;
    const int first = static_cast<int>(bleeding.Uniform(8.0, 40.0)), width = 1 + static_cast<int>(bleeding.Uniform(0.0, 4.0));
    for (int c = first; c < first + width; c++) bleeding.AddColumn(c, 6000.0, static_cast<int>(bleeding.Uniform(0.0, 1.5) * 10.0));
    EXPECT_FALSE(found(&bleeding)) << i;
    track.AddTrack(track.Uniform(5.0, 45.0), track.Uniform(5.0, 45.0), track.Uniform(1.0, 20.0), track.Uniform(0.0, 6.28), 3000.0);
    EXPECT_FALSE(found(&track)) << i;
  }
}

}  // namespace
}  // namespace summit::pixels
