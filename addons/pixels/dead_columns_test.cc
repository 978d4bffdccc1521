// SPDX-License-Identifier: Apache-2.0
#include "addons/pixels/dead_columns.h"

#include <gtest/gtest.h>

#include <cmath>

#include "addons/pixels/measure.h"
#include "addons/pixels/testing/star_stamp.h"

namespace summit::pixels {
namespace {

using testing::Conditions;
using testing::FluxForSnr;
using testing::MeasureBlind;
using testing::Profile;
using testing::Stamp;

int32_t Masked(const Stamp& stamp, int32_t col) {
  static Window window;
  Structure structure;
  CopyWindow(stamp.View(), 0, 0, 50, 50, 262143, &window);
  RemoveStructure(&window, &structure);
  MaskDeadColumns(structure, &window);
  int32_t count = 0;
  for (int32_t r = 0; r < 50; r++) count += window.MaskRow(r)[col] == kMaskDefect;
  return count;
}

TEST(DeadColumns, AreMaskedOneAndTwoAtAnyPlace) {
  const Conditions conditions;
  for (const int32_t col : {0, 1, 17, 48, 49}) {
    Stamp stamp(conditions, 3);
    stamp.AddColumn(col, -12000.0);
    stamp.AddColumn(col + 1, -12000.0);
    stamp.Expose();
    EXPECT_EQ(Masked(stamp, col), 50) << "column " << col;
    EXPECT_EQ(Masked(stamp, (col + 10) % 50), 0);
  }
}

TEST(DeadColumns, AreNotSeenInASlopeOrBesideABrightColumn) {
  const Conditions conditions;
  Stamp stamp(conditions, 4);
  for (int c = 0; c < 50; c++) stamp.AddColumn(c, 8.0 * c);
  stamp.AddColumn(20, 90000.0);
  stamp.AddColumn(22, 90000.0);
  stamp.Expose();
  for (int32_t c = 0; c < 50; c++) EXPECT_EQ(Masked(stamp, c), 0) << "column " << c;
}

// The star keeps its position when a column of its core sees no light; neither is all else taken for saturated.
TEST(DeadColumns, ThroughAStarAreAGapInIt) {
  const Conditions conditions;
  const Profile profile{4.0, 3.3, 0.0, 0.0};
  for (const int col : {24, 25, 27, 44}) {
    Stamp stamp(conditions, 60 + static_cast<uint32_t>(col));
    stamp.AddStar(profile, 25.3, 24.6, FluxForSnr(profile, conditions, 60.0));
    stamp.Expose();
    for (size_t r = 0; r < 50; r++) stamp.pixels()[r * 50 + static_cast<size_t>(col)] = 2000 + stamp.pixels()[static_cast<size_t>(r)] % 7;
    const Measurement m = MeasureBlind(conditions, stamp.View());
    ASSERT_EQ(m.flags & (kDoNotUse | kSaturated), 0u) << "column " << col;
    EXPECT_NEAR(m.x, 25.3, 0.3) << "column " << col;
    EXPECT_NEAR(m.y, 24.6, 0.3) << "column " << col;
  }
}

}  // namespace
}  // namespace summit::pixels
