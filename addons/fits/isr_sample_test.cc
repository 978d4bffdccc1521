// SPDX-License-Identifier: Apache-2.0
// Instrument signature removal on the sample of frames with a known truth, beside its reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "addons/fits/detector_calibrations.h"
#include "addons/fits/image_file.h"
#include "addons/fits/raw_image_file.h"
#include "addons/image/isr.h"

namespace summit::fits {
namespace {

namespace fs = std::filesystem;

fs::path Sample() {
  const char* named = std::getenv("SUMMIT_REAL_DATA");
  return (named != nullptr ? fs::path(named) : fs::path("../shared/data/real")).parent_path() / "images-dev";
}

constexpr int kSide = 200;

struct Window {
  int hdu;  // of the reference; its mask comes one or two later
  int x0, y0, mask_hdu;
};

void Compare(const image::IsrImage& isr, const std::string& truth, const Window& window, const char* name) {
  FitsImage reference, mask;
  std::string problem;
  ASSERT_TRUE(ReadImage(truth, window.hdu, &reference, &problem)) << problem;
  ASSERT_TRUE(ReadImage(truth, window.mask_hdu, &mask, &problem)) << problem;
  std::vector<float> off;
  int64_t other_mask = 0;
  for (int y = 0; y < kSide; y++) {
    for (int x = 0; x < kSide; x++) {
      const auto at = static_cast<size_t>(window.y0 + y) * static_cast<size_t>(isr.model->cols) + static_cast<size_t>(window.x0 + x);
      const auto in = static_cast<size_t>(y * kSide + x);
      off.push_back(std::fabs(isr.image[at] - reference.pixels[in]));
      other_mask += isr.mask[at] != static_cast<int32_t>(mask.pixels[in]) ? 1 : 0;
    }
  }
  std::sort(off.begin(), off.end());
  const float median = off[off.size() / 2], most = off[off.size() * 999 / 1000];
  EXPECT_LE(median, 0.002f) << name;
  EXPECT_LE(most, 0.02f) << name;
  EXPECT_EQ(other_mask, 0) << name;
}

void Process(const char* stem, const char* detector, const std::vector<Window>& windows) {
  const fs::path root = Sample();
  RawImage raw;
  std::string problem;
  ASSERT_TRUE(ReadRawImage(root / "raw" / (std::string(stem) + ".fits"), &raw, &problem)) << problem;
  std::vector<std::string> missing;
  std::shared_ptr<const image::Calibrations> calibrations = ReadDetectorCalibrations(root / "calib" / detector, *raw.model, 2, &missing);
  EXPECT_EQ(missing, std::vector<std::string>{});
  image::IsrSettings settings;
  image::Isr isr(*raw.model, calibrations, settings);
  image::IsrImage out;
  isr.Run(raw.planes.data(), raw.header.Number("DARKTIME"), &out);
  EXPECT_FALSE(out.nominal_gain);
  for (const Window& window : windows) Compare(out, root / "truth" / (std::string(stem) + ".true.fits"), window, stem);
}

TEST(IsrSample, EqualsTheReference) {
  const fs::path root = Sample();
  if (!fs::exists(root)) GTEST_SKIP() << "no " << root << ": it lies beside the folder that SUMMIT_REAL_DATA names";
  Process("AT_O_20261102_000042_R00_S00", "LATISS", {{3, 1501, 131, 5}, {7, 1427, 1900, 8}, {10, 915, 193, 11}});
  Process("AT_O_20261102_000041_R00_S00", "LATISS", {{3, 1600, 866, 5}, {7, 1427, 1900, 8}, {10, 1024, 956, 11}});
  Process("MC_O_20261102_000087_R44_SW0", "R44_SW0", {{3, 578, 411, 5}, {7, 1427, 0, 8}});
}

}  // namespace
}  // namespace summit::fits
