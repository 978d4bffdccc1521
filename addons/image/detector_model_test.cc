// SPDX-License-Identifier: Apache-2.0
#include "addons/image/detector_model.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace summit::image {
namespace {

TEST(DetectorModel, AmplifiersCoverTheCcdOnce) {
  for (const DetectorModel* model : {&Latiss(), &WavefrontHalf()}) {
    std::vector<int> covered(static_cast<size_t>(model->pixels()), 0);
    for (const Amplifier& amp : model->amps) {
      for (int32_t row = 0; row < kDataRows; row++) {
        for (int32_t col = 0; col < kDataCols; col++) covered[static_cast<size_t>(CcdY(amp, row) * model->cols + CcdX(amp, col))]++;
      }
    }
    EXPECT_EQ(std::set<int>(covered.begin(), covered.end()), std::set<int>{1}) << model->kind;
  }
}

TEST(DetectorModel, FirstPixelsAreReadAtTheOuterCorners) {
  const auto corner = [](const Amplifier& amp) { return std::pair(CcdX(amp, 0), CcdY(amp, 0)); };
  EXPECT_EQ(corner(Latiss().amps[0]), std::pair(508, 3999));    // C10
  EXPECT_EQ(corner(Latiss().amps[8]), std::pair(4071, 0));      // C07
  EXPECT_EQ(corner(Latiss().amps[15]), std::pair(508, 0));      // C00
  EXPECT_EQ(corner(WavefrontHalf().amps[0]), std::pair(4071, 1999));
  EXPECT_EQ(corner(WavefrontHalf().amps[7]), std::pair(508, 1999));
}

TEST(DetectorModel, IsFoundByHeaderWords) {
  std::string problem;
  EXPECT_EQ(FindDetector("LATISS", "R00", "S00", &problem), &Latiss());
  EXPECT_EQ(FindDetector("LSST_ATISS", "", "", &problem), &Latiss());
  EXPECT_EQ(FindDetector("LSSTCam", "R44", "SW1", &problem), &WavefrontHalf());
  EXPECT_EQ(DetectorName(WavefrontHalf(), "R44", "SW1"), "R44_SW1");
  EXPECT_EQ(DetectorName(Latiss(), "R00", "S00"), "LATISS");
  EXPECT_EQ(FindDetector("lsstCam", "R22", "S22", &problem), nullptr);
  EXPECT_NE(problem.find("got INSTRUME lsstCam, RAFTBAY R22, CCDSLOT S22"), std::string::npos) << problem;
  EXPECT_EQ(FindDetector("", "R44", "SW0", &problem), nullptr);
  EXPECT_NE(problem.find("INSTRUME nothing"), std::string::npos) << problem;
}

}  // namespace
}  // namespace summit::image
