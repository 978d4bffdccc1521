// SPDX-License-Identifier: Apache-2.0
// What is seen in the sample of frames with a known truth, beside that truth.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "addons/fits/detector_calibrations.h"
#include "addons/fits/raw_image_file.h"
#include "addons/image/donuts.h"
#include "addons/image/latiss_look.h"

namespace summit::fits {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path Sample() {
  const char* named = std::getenv("SUMMIT_REAL_DATA");
  return (named != nullptr ? fs::path(named) : fs::path("../shared/data/real")).parent_path() / "images-dev";
}

class LookSample : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(Sample())) GTEST_SKIP() << "no " << Sample() << ": it lies beside the folder that SUMMIT_REAL_DATA names";
    std::ifstream file(Sample() / "truth/truth.json");
    truth_ = json::parse(file, nullptr, false)["frames"];
  }

  // Freed of the instrument's signature, and mapped.
  void Prepare(const std::string& stem) {
    std::string problem;
    std::vector<std::string> missing;
    ASSERT_TRUE(ReadRawImage(Sample() / "raw" / (stem + ".fits"), &raw_, &problem)) << problem;
    std::shared_ptr<const image::Calibrations> calibrations = ReadDetectorCalibrations(Sample() / "calib" / raw_.detector, *raw_.model, 2, &missing);
    image::IsrSettings settings;
    settings.threads = 2;
    image::Isr isr(*raw_.model, calibrations, settings);
    isr.Run(raw_.planes.data(), raw_.header.Number("DARKTIME"), &frame_);
    image::MakeSkyMap(frame_, 2, &map_);
  }

  image::LatissLook LookAt(const std::string& stem) {
    Prepare(stem);
    return image::LookAtLatiss(map_, {image::FindGrating(raw_.header.Text("GRATING")), raw_.header.Number("LINSPOS"), 2});
  }

  json truth_{};
  RawImage raw_{};
  image::IsrImage frame_{};
  image::SkyMap map_{};
};

double Of(const json& value, const char* name) { return value[name].get<double>(); }

TEST_F(LookSample, AStarField) {
  const std::string stem = "AT_O_20261102_000041_R00_S00";
  const image::LatissLook look = LookAt(stem);
  const json& target = truth_[stem]["target"];
  EXPECT_NEAR(look.target.x, Of(target, "x"), 0.02);
  EXPECT_NEAR(look.target.y, Of(target, "y"), 0.02);
  EXPECT_NEAR(look.target.flux / Of(target, "flux_e"), 1.0, 0.01);
  EXPECT_NEAR(look.target.fwhm / Of(truth_[stem], "fwhm_px"), 1.0, 0.03);
  EXPECT_EQ(look.flags, 0u);
  size_t bright = 0, found = 0;
  for (const json& star : truth_[stem]["sources"]) {
    if (Of(star, "flux_e") < 12500.0) continue;  // SNR 50
    bright++;
    for (const image::Star& one : look.sources) found += std::hypot(one.x - Of(star, "x"), one.y - Of(star, "y")) < 1.0 ? 1 : 0;
  }
  EXPECT_EQ(found, bright);
  size_t wrong = 0;
  for (const image::Star& one : look.sources) {
    bool real = false;
    for (const json& star : truth_[stem]["sources"]) real = real || std::hypot(one.x - Of(star, "x"), one.y - Of(star, "y")) < 3.0;
    wrong += real ? 0 : 1;
  }
  EXPECT_LE(wrong, 1u);
}

TEST_F(LookSample, ASpectrum) {
  const std::string stem = "AT_O_20261102_000042_R00_S00";
  const image::LatissLook look = LookAt(stem);
  const json& truth = truth_[stem];
  EXPECT_NEAR(look.target.x, Of(truth["zeroth"], "x"), 0.05);
  EXPECT_NEAR(look.target.y, Of(truth["zeroth"], "y"), 0.05);
  EXPECT_NEAR(look.target.flux / Of(truth["zeroth"], "flux_e"), 1.0, 0.01);
  EXPECT_NEAR(look.trace.angle_deg, Of(truth["trace"], "angle_deg"), 0.01);
  EXPECT_NEAR(look.trace.fwhm_cross_px / Of(truth["trace"], "fwhm_cross_px"), 1.0, 0.02);
  EXPECT_NEAR(look.target.fwhm_y / Of(truth["trace"], "fwhm_disp_px"), 1.0, 0.05);
  EXPECT_TRUE(look.spectrum.refined);
  EXPECT_NEAR(look.spectrum.distance_mm, Of(truth, "distance_mm"), 0.05);
  for (const json& line : truth["lines"]) EXPECT_NEAR(image::WavelengthOf(Of(line, "distance_px"), 150.0, look.spectrum.distance_mm), Of(line, "lambda_nm"), 1.0);
  EXPECT_EQ(look.flags & (image::kZerothAmbiguous | image::kNoLines | image::kWavelengthNominal), 0u);
}

TEST_F(LookSample, Donuts) {
  for (const std::string stem : {"MC_O_20261102_000087_R44_SW0", "MC_O_20261102_000087_R44_SW1"}) {
    Prepare(stem);
    const std::vector<image::Donut> donuts = image::FindDonuts(map_, 2);
    std::vector<bool> real(donuts.size(), false);
    for (const json& truth : truth_[stem]["donuts"]) {
      const image::Donut* nearest = nullptr;
      double apart = 25.0;
      for (size_t i = 0; i < donuts.size(); i++) {
        const double d = std::hypot(donuts[i].x - Of(truth, "x"), donuts[i].y - Of(truth, "y"));
        if (d < 60.0) real[i] = true;
        if (d >= apart) continue;
        apart = d;
        nearest = &donuts[i];
      }
      // Of two within half a radius of each other one is found.
      if (truth["blended"].get<bool>() || truth["edge"].get<bool>() || Of(truth, "snr") < 200.0) continue;
      ASSERT_NE(nearest, nullptr) << stem << " " << Of(truth, "x") << " " << Of(truth, "y");
      EXPECT_LT(apart, 1.0) << Of(truth, "x");
      EXPECT_NEAR(nearest->radius, Of(truth, "radius_px"), 1.0) << Of(truth, "x");
      EXPECT_LT(std::hypot(nearest->x_com - Of(truth, "x_com"), nearest->y_com - Of(truth, "y_com")), 0.5) << Of(truth, "x");
      EXPECT_NEAR(nearest->flux / Of(truth, "flux_e"), 1.0, 0.02) << Of(truth, "x");
      EXPECT_NEAR(nearest->snr / Of(truth, "snr"), 1.0, 0.1) << Of(truth, "x");
      EXPECT_NEAR(nearest->vignetted_fraction, Of(truth, "vignetted_fraction"), 0.05) << Of(truth, "x");
      EXPECT_FALSE(nearest->blended || nearest->edge) << Of(truth, "x");
    }
    EXPECT_EQ(std::count(real.begin(), real.end(), false), 0) << stem;
  }
}

}  // namespace
}  // namespace summit::fits
