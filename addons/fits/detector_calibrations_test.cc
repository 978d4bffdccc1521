// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/detector_calibrations.h"

#include <fitsio.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "addons/fits/testing/temporary_folder.h"

namespace summit::fits {
namespace {

namespace fs = std::filesystem;

class DetectorCalibrations : public ::testing::Test {
 protected:

  fitsfile* Create(const char* name) {
    fitsfile* file = nullptr;
    fits_create_diskfile(&file, (directory_ / name).c_str(), &status_);
    fits_create_img(file, BYTE_IMG, 0, nullptr, &status_);
    return file;
  }

  void Close(fitsfile* file) {
    fits_write_chksum(file, &status_);
    fits_close_file(file, &status_);
    EXPECT_EQ(status_, 0);
  }

  void WriteMap(const char* name, float value, double dark_time, const char* unit) {
    fitsfile* file = Create(name);
    if (dark_time > 0.0) fits_update_key(file, TDOUBLE, "DARKTIME", &dark_time, nullptr, &status_);
    std::array<long, 2> sides{model_.cols, model_.rows};
    fits_create_img(file, FLOAT_IMG, 2, sides.data(), &status_);
    std::string text = unit;
    fits_update_key(file, TSTRING, "BUNIT", text.data(), nullptr, &status_);
    std::vector<float> pixels(static_cast<size_t>(model_.pixels()), value);
    fits_write_img(file, TFLOAT, 1, model_.pixels(), pixels.data(), &status_);
    Close(file);
  }

  void WriteTable(const char* name, std::vector<std::pair<std::string, std::string>> columns, long rows, const std::function<void(fitsfile*)>& fill) {
    fitsfile* file = Create(name);
    std::vector<char*> names, forms;
    for (auto& [column, form] : columns) {
      names.push_back(column.data());
      forms.push_back(form.data());
    }
    fits_create_tbl(file, BINARY_TBL, rows, static_cast<int>(columns.size()), names.data(), forms.data(), nullptr, nullptr, &status_);
    fill(file);
    Close(file);
  }

  void Put(fitsfile* file, int column, long row, const std::vector<double>& values) {
    std::vector<double> copy = values;
    fits_write_col(file, TDOUBLE, column, row, 1, static_cast<LONGLONG>(copy.size()), copy.data(), &status_);
  }
  void Put(fitsfile* file, int column, long row, std::string text) {
    char* at = text.data();
    fits_write_col(file, TSTRING, column, row, 1, 1, &at, &status_);
  }

  void WriteAll(const char* unit) {
    WriteMap("bias.fits", 3.0f, 0.0, unit);
    WriteMap("dark.fits", 10.0f, 5.0, unit);
    WriteMap("flat.fits", 0.5f, 0.0, "");
    WriteTable("ptc.fits", {{"AMPLIFIER_NAME", "3A"}, {"GAIN", "D"}, {"NOISE", "D"}, {"PTC_TURNOFF", "D"}}, 8, [this](fitsfile* file) {
      for (long i = 0; i < 8; i++) {
        Put(file, 1, i + 1, model_.amps[static_cast<size_t>(7 - i)].name);  // in another order than ours
        Put(file, 2, i + 1, std::vector<double>{2.0 - 0.1 * static_cast<double>(i)});
        Put(file, 3, i + 1, std::vector<double>{8.0});
        Put(file, 4, i + 1, std::vector<double>{i == 3 ? std::nan("") : 100000.0});
      }
    });
    WriteTable("defects.fits", {{"X", "D"}, {"Y", "D"}, {"SHAPE", "5A"}, {"R", "2D"}}, 2, [this](fitsfile* file) {
      Put(file, 1, 1, std::vector<double>{11.0});
      Put(file, 2, 1, std::vector<double>{21.0});
      Put(file, 3, 1, "POINT");
      Put(file, 4, 1, std::vector<double>{1.0, 1.0});
      Put(file, 1, 2, std::vector<double>{100.5});
      Put(file, 2, 2, std::vector<double>{1000.0});
      Put(file, 3, 2, "BOX");
      Put(file, 4, 2, std::vector<double>{4.0, 1999.0});
    });
    WriteTable("crosstalk.fits", {{"CT_COEFFS", "64D"}, {"CT_COEFFS_SQR", "64D"}}, 1, [this](fitsfile* file) {
      std::vector<double> c(64), q(64);
      for (size_t i = 0; i < 64; i++) c[i] = 1e-6 * static_cast<double>(i);
      q[9] = 1e-11;
      Put(file, 1, 1, c);
      Put(file, 2, 1, q);
      double version = 1.1;
      fits_update_key(file, TDOUBLE, "CROSSTALK_VERSION", &version, nullptr, &status_);
    });
    WriteTable("linearizer.fits", {{"AMPLIFIER_NAME", "3A"}, {"TYPE", "12A"}, {"COEFFS", "8D"}}, 8, [this](fitsfile* file) {
      for (long i = 0; i < 8; i++) {
        Put(file, 1, i + 1, model_.amps[static_cast<size_t>(i)].name);
        Put(file, 2, i + 1, i == 0 ? "Polynomial" : i == 1 ? "DoubleSpline" : "Spline");
        const std::vector<double> polynomial{1e-8, 0, 0, 0, 0, 0, 0, 0}, both{0, 3, 0, 1000, 2000, 0, 10, 20}, spline{0, 1000, 2000, 3000, 0, 10, 20, 30};
        Put(file, 3, i + 1, i == 0 ? polynomial : i == 1 ? both : spline);
      }
    });
  }

  std::unique_ptr<image::Calibrations> Read() {
    missing_.clear();
    return ReadDetectorCalibrations(directory_, model_, 2, &missing_);
  }

  const image::DetectorModel& model_ = image::WavefrontHalf();
  const testing::TemporaryFolder temporary_{};
  const fs::path directory_ = temporary_.path();
  std::vector<std::string> missing_;
  int status_ = 0;
};

TEST_F(DetectorCalibrations, AreReadIntoTheOrderOfTheModel) {
  WriteAll("electron");
  const auto c = Read();
  EXPECT_EQ(missing_, std::vector<std::string>{});
  EXPECT_EQ(c->bias[5], 3.0f);
  EXPECT_EQ(c->dark[5], 2.0f);  // per second
  EXPECT_EQ(c->inverse_flat[5], 2.0f);
  EXPECT_NEAR(c->amps[7].gain, 2.0, 1e-12);
  EXPECT_NEAR(c->amps[0].gain, 1.3, 1e-12);
  EXPECT_EQ(c->amps[4].turnoff, 0.0);  // not known
  ASSERT_EQ(c->defects.size(), 2u);
  EXPECT_EQ(c->defects[0].x0, 10);
  EXPECT_EQ(c->defects[0].y1, 20);
  EXPECT_EQ(c->defects[1].x0, 98);
  EXPECT_EQ(c->defects[1].x1, 101);
  EXPECT_EQ(c->defects[1].y0, 0);
  EXPECT_EQ(c->defects[1].y1, 1998);
  EXPECT_EQ(c->crosstalk[63], 63e-6f);
  EXPECT_EQ(c->crosstalk_square[9], 1e-11f);
  EXPECT_FALSE(c->crosstalk_in_adu);
  EXPECT_EQ(c->amps[0].linearity.kind, image::LinearityKind::kPolynomial);
  EXPECT_NEAR(image::Linearized(c->amps[7].linearity, 2000.0), 2000.0 - 20.0, 1e-3);  // gain 2: 10 adu at 1000 adu
  EXPECT_EQ(c->amps[1].linearity.kind, image::LinearityKind::kNone);
  EXPECT_NEAR(image::Linearized(c->amps[1].linearity_after, 1000.0 * c->amps[1].gain), 990.0 * c->amps[1].gain, 1e-3);
}

TEST_F(DetectorCalibrations, InAduTheyAreScaledByTheGains) {
  WriteAll("adu");
  const auto c = Read();
  EXPECT_EQ(missing_, std::vector<std::string>{});
  EXPECT_FLOAT_EQ(c->bias[0], 3.0f * 2.0f);            // C17
  EXPECT_FLOAT_EQ(c->dark[4071], 10.0f * 1.3f / 5.0f);  // C10
}

TEST_F(DetectorCalibrations, EachThatIsMissingIsNamedAndTheOthersAreUsed) {
  WriteAll("electron");
  fs::remove(directory_ / "flat.fits");
  fs::remove(directory_ / "ptc.fits");
  std::ofstream(directory_ / "defects.fits") << "no FITS";
  fs::resize_file(directory_ / "bias.fits", 28800);
  const auto c = Read();
  ASSERT_EQ(missing_.size(), 5u);
  EXPECT_NE(missing_[0].find("ptc.fits: cannot be opened"), std::string::npos) << missing_[0];
  EXPECT_NE(missing_[1].find("linearizer.fits: C10: its gain is not known"), std::string::npos) << missing_[1];
  EXPECT_NE(missing_[2].find("defects.fits: not a FITS file"), std::string::npos) << missing_[2];
  EXPECT_NE(missing_[3].find("bias.fits: truncated"), std::string::npos) << missing_[3];
  EXPECT_NE(missing_[4].find("flat.fits: cannot be opened"), std::string::npos) << missing_[4];
  EXPECT_FALSE(c->has_ptc || c->has_linearizer || c->has_defects);
  EXPECT_TRUE(c->bias.empty() && c->inverse_flat.empty());
  EXPECT_EQ(c->dark.size(), static_cast<size_t>(model_.pixels()));
  EXPECT_EQ(c->crosstalk.size(), 64u);
}

TEST_F(DetectorCalibrations, CoefficientsThatWereNotMeasuredAreNone) {
  WriteAll("electron");
  const auto write = [this](bool has, long valid) {
    fs::remove(directory_ / "crosstalk.fits");
    WriteTable("crosstalk.fits", {{"CT_COEFFS", "64D"}, {"CT_VALID", std::to_string(valid) + "L"}, {"CT_COEFFS_SQR", "64D"}}, 1, [&](fitsfile* file) {
      std::vector<double> c(64, 1e-5), q(64, 1e-12);
      c[7] = 0.0;
      c[8] = std::nan("");
      Put(file, 1, 1, c);
      std::vector<char> measured(static_cast<size_t>(valid), 1);
      measured[5] = 0;
      fits_write_col(file, TLOGICAL, 2, 1, 1, valid, measured.data(), &status_);
      Put(file, 3, 1, q);
      int flag = has ? 1 : 0;
      fits_update_key(file, TLOGICAL, "HAS_CROSSTALK", &flag, nullptr, &status_);
    });
  };
  write(true, 64);
  auto c = Read();
  EXPECT_EQ(missing_, std::vector<std::string>{});
  for (size_t i = 0; i < 64; i++) {
    const bool none = i == 5 || i == 7 || i == 8;
    EXPECT_EQ(c->crosstalk[i], none ? 0.0f : 1e-5f) << i;
    EXPECT_EQ(c->crosstalk_square[i], none ? 0.0f : 1e-12f) << i;
  }
  EXPECT_TRUE(c->crosstalk_in_adu) << "without units and version";
  write(false, 64);
  c = Read();
  ASSERT_EQ(missing_.size(), 1u);
  EXPECT_NE(missing_[0].find("crosstalk.fits: HAS_CROSSTALK: expected T, got F"), std::string::npos) << missing_[0];
  EXPECT_TRUE(c->crosstalk.empty());
  write(true, 16);
  c = Read();
  ASSERT_EQ(missing_.size(), 1u);
  EXPECT_NE(missing_[0].find("CT_VALID: expected 8 x 8 coefficients, got 16"), std::string::npos) << missing_[0];
}

TEST_F(DetectorCalibrations, AnAmplifierWithoutGainLeavesNoMapInAduUsed) {
  WriteAll("adu");
  WriteTable("ptc2.fits", {{"AMPLIFIER_NAME", "3A"}, {"GAIN", "D"}, {"NOISE", "D"}, {"PTC_TURNOFF", "D"}}, 8, [this](fitsfile* file) {
    for (long i = 0; i < 8; i++) {
      Put(file, 1, i + 1, model_.amps[static_cast<size_t>(i)].name);
      Put(file, 2, i + 1, std::vector<double>{i == 3 ? std::nan("") : 1.5});
    }
  });
  fs::rename(directory_ / "ptc2.fits", directory_ / "ptc.fits");
  const auto c = Read();
  ASSERT_EQ(missing_.size(), 3u);
  EXPECT_NE(missing_[1].find("bias.fits: it is in adu, and without the gain of C13 in ptc.fits"), std::string::npos) << missing_[1];
  EXPECT_TRUE(c->bias.empty() && c->dark.empty());
  EXPECT_FALSE(c->inverse_flat.empty());
}

TEST_F(DetectorCalibrations, WhatAMasterSaysOfItsPixelsIsTakenOver) {
  WriteAll("electron");
  fitsfile* file = nullptr;
  fits_open_diskfile(&file, (directory_ / "bias.fits").c_str(), READWRITE, &status_);
  std::array<long, 2> sides{model_.cols, model_.rows};
  fits_movabs_hdu(file, 2, nullptr, &status_);
  fits_set_compression_type(file, RICE_1, &status_);
  fits_create_img(file, LONG_IMG, 2, sides.data(), &status_);
  std::string name = "MASK";
  fits_update_key(file, TSTRING, "EXTNAME", name.data(), nullptr, &status_);
  // Numbers of their own, as the file says them.
  for (const auto& [key, bit] : {std::pair("MP_BAD", 4), std::pair("MP_SUSPECT", 0), std::pair("MP_DETECTED", 1)}) {
    int value = bit;
    fits_update_key(file, TINT, key, &value, nullptr, &status_);
  }
  std::vector<int32_t> mask(static_cast<size_t>(model_.pixels()), 0);
  std::fill_n(mask.begin() + 1234 * 4072 + 100, 3, 16);
  mask[1234 * 4072 + 103] = 16 | 1 | 2;
  mask[1999 * 4072 + 4071] = 2;
  fits_write_img(file, TINT, 1, model_.pixels(), mask.data(), &status_);
  Close(file);
  const auto c = Read();
  EXPECT_EQ(missing_, std::vector<std::string>{});
  ASSERT_EQ(c->bias_mask.size(), 2u);
  const auto is = [](const image::MaskRun& run, int32_t x0, int32_t x1, int32_t bits) { return run.y == 1234 && run.x0 == x0 && run.x1 == x1 && run.bits == bits; };
  EXPECT_TRUE(is(c->bias_mask[0], 100, 102, image::kBad));
  EXPECT_TRUE(is(c->bias_mask[1], 103, 103, image::kBad | image::kSuspect));
  EXPECT_TRUE(c->dark_mask.empty());
}

TEST_F(DetectorCalibrations, MastersOfAnotherDetectorWithTheSameSidesAreRefused) {
  WriteAll("electron");
  for (const char* name : {"flat.fits", "ptc.fits"}) {
    fitsfile* file = nullptr;
    fits_open_diskfile(&file, (directory_ / name).c_str(), READWRITE, &status_);
    fits_movabs_hdu(file, 2, nullptr, &status_);
    std::string told = "R44_SW0";
    fits_update_key(file, TSTRING, "HIERARCH DETECTOR_NAME", told.data(), nullptr, &status_);
    Close(file);
  }
  const fs::path own = directory_ / "R44_SW1";
  fs::create_directory(own);
  for (const auto& entry : fs::directory_iterator(directory_)) {
    if (entry.is_regular_file()) fs::rename(entry.path(), own / entry.path().filename());
  }
  missing_.clear();
  const auto c = ReadDetectorCalibrations(own, model_, 1, &missing_);
  ASSERT_EQ(missing_.size(), 3u);
  EXPECT_NE(missing_[0].find("ptc.fits: DETECTOR_NAME: expected R44_SW1, got R44_SW0"), std::string::npos) << missing_[0];
  EXPECT_NE(missing_[2].find("flat.fits: DETECTOR_NAME: expected R44_SW1, got R44_SW0"), std::string::npos) << missing_[2];
  EXPECT_FALSE(c->bias.empty());
}

TEST_F(DetectorCalibrations, ThoseOfAnotherDetectorAreRefused) {
  WriteAll("electron");
  missing_.clear();
  const auto c = ReadDetectorCalibrations(directory_, image::Latiss(), 1, &missing_);
  ASSERT_GE(missing_.size(), 4u);
  EXPECT_NE(missing_[1].find("crosstalk.fits: CT_COEFFS: expected 16 x 16 coefficients, got 64"), std::string::npos) << missing_[1];
  EXPECT_NE(missing_[2].find("bias.fits: expected an image of 4072 x 4000 px"), std::string::npos) << missing_[2];
}

}  // namespace
}  // namespace summit::fits
