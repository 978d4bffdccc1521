// SPDX-License-Identifier: Apache-2.0
// Calibrations made here: every pixel of a CCD knows where it is, so that a wrong flip shows.
#include "addons/fits/calibration_file.h"

#include <fitsio.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "addons/fits/testing/temporary_folder.h"

namespace summit::fits {
namespace {

namespace fs = std::filesystem;

class CalibrationFileTest : public ::testing::Test {
 protected:

  // Row y of the CCD holds x + 5000 y in the rows named, 0 elsewhere.
  std::string WriteCcd(const char* name, const std::vector<int>& rows, const char* unit) const {
    const std::string path = (folder_ / name).string();
    fitsfile* file = nullptr;
    int status = 0;
    std::array<long, 2> sides{4072, 4000};
    fits_create_diskfile(&file, path.c_str(), &status);
    fits_create_img(file, SHORT_IMG, 0, nullptr, &status);
    fits_set_compression_type(file, RICE_1, &status);
    fits_create_img(file, LONG_IMG, 2, sides.data(), &status);
    std::string text = unit;
    fits_update_key(file, TSTRING, "BUNIT", text.data(), nullptr, &status);
    std::vector<int> line(4072);
    for (int y = 0; y < 4000; y++) {
      bool wanted = false;
      for (const int row : rows) wanted = wanted || row == y;
      for (int x = 0; x < 4072; x++) line[static_cast<size_t>(x)] = wanted ? x + 5000 * y : 0;
      fits_write_img(file, TINT, 1 + 4072L * y, 4072, line.data(), &status);
    }
    fits_close_file(file, &status);
    EXPECT_EQ(status, 0);
    return path;
  }

  std::string WriteTable(const char* name, std::vector<std::string> columns, std::vector<std::string> forms, const std::vector<std::vector<std::string>>& rows) const {
    const std::string path = (folder_ / name).string();
    fitsfile* file = nullptr;
    int status = 0;
    std::vector<char*> names, types;
    for (std::string& column : columns) names.push_back(column.data());
    for (std::string& form : forms) types.push_back(form.data());
    fits_create_diskfile(&file, path.c_str(), &status);
    fits_create_tbl(file, BINARY_TBL, 0, static_cast<int>(columns.size()), names.data(), types.data(), nullptr, nullptr, &status);
    for (size_t r = 0; r < rows.size(); r++) {
      for (size_t c = 0; c < rows[r].size(); c++) {
        std::string cell = rows[r][c];
        if (forms[c].back() == 'A') {
          char* at = cell.data();
          fits_write_col(file, TSTRING, static_cast<int>(c) + 1, static_cast<long>(r) + 1, 1, 1, &at, &status);
          continue;
        }
        // "3,5" is a vector of two.
        std::vector<double> values{std::strtod(cell.c_str(), nullptr)};
        if (const size_t comma = cell.find(','); comma != std::string::npos) values.push_back(std::strtod(cell.c_str() + comma + 1, nullptr));
        fits_write_col(file, TDOUBLE, static_cast<int>(c) + 1, static_cast<long>(r) + 1, 1, static_cast<long>(values.size()), values.data(), &status);
      }
    }
    fits_close_file(file, &status);
    EXPECT_EQ(status, 0);
    return path;
  }

  const testing::TemporaryFolder temporary_{};
  const fs::path folder_ = temporary_.path();
};

// DESIGN: C1k -> x = 509k + 508 - (startCol + c), y = 3999 - (startRow + r); C0k -> the same x, y = startRow + r.
TEST_F(CalibrationFileTest, AnRoiComesInItsAmplifiersReadoutOrder) {
  const std::string path = WriteCcd("bias.fits", {800, 801, 802, 3197, 3198, 3199}, "electron");
  for (const int segment : {0, 3, 7, 10, 14, 17}) {
    const CalibrationRoi roi{segment, 800, 56, 3, 4};
    CalibrationImage image;
    std::string problem;
    ASSERT_TRUE(ReadCalibrationImage(path, roi, &image, &problem)) << problem;
    EXPECT_FALSE(image.adu);
    for (int r = 0; r < 3; r++) {
      for (int c = 0; c < 4; c++) {
        const int x = 509 * (segment % 10) + 508 - (56 + c), y = segment >= 10 ? 3999 - (800 + r) : 800 + r;
        EXPECT_EQ(image.pixels[static_cast<size_t>(r * 4 + c)], static_cast<float>(x + 5000 * y)) << "segment " << segment << ", pixel " << r << ", " << c;
      }
    }
  }
}

TEST_F(CalibrationFileTest, DefectsAreBoxesAboutTheirCentreAndPoints) {
  // 1-based: a point at x 500, y 811 (0-based 499, 810) and a box of 3 x 5 about (495, 805).
  const std::string path = WriteTable("defects.fits", {"X", "Y", "SHAPE", "R"}, {"1D", "1D", "5A", "2D"}, {{"500", "811", "POINT", "0,0"}, {"496", "806", "BOX", "3,5"}, {"4000", "100", "BOX", "9,9"}});
  const CalibrationRoi roi{0, 800, 4, 20, 20};  // x 504..485, y 800..819
  std::vector<uint8_t> defects;
  std::string problem;
  ASSERT_TRUE(ReadDefects(path, roi, &defects, &problem)) << problem;
  for (int r = 0; r < 20; r++) {
    for (int c = 0; c < 20; c++) {
      const int x = 504 - c, y = 800 + r;
      const bool in = (x == 499 && y == 810) || (x >= 494 && x <= 496 && y >= 803 && y <= 807);
      EXPECT_EQ(defects[static_cast<size_t>(r * 20 + c)], in ? 1 : 0) << x << ", " << y;
    }
  }
}

TEST_F(CalibrationFileTest, AnAmplifierHasItsConstantsAndNoGainOfZero) {
  const std::string path = WriteTable("ptc.fits", {"AMPLIFIER_NAME", "GAIN", "NOISE"}, {"3A", "1D", "1D"}, {{"C10", "1.5", "9.5"}, {"C07", "1.45", "8.5"}, {"C03", "0", "8"}, {"C04", "-1.2", "8"}});
  AmplifierConstants constants;
  std::string problem;
  ASSERT_TRUE(ReadAmplifier(path, 7, &constants, &problem)) << problem;
  EXPECT_EQ(constants.gain, 1.45);
  EXPECT_EQ(constants.read_noise, 8.5);
  EXPECT_FALSE(ReadAmplifier(path, 3, &constants, &problem));
  EXPECT_NE(problem.find("gain of C03: expected above 0"), std::string::npos) << problem;
  EXPECT_FALSE(ReadAmplifier(path, 4, &constants, &problem));
  EXPECT_FALSE(ReadAmplifier(path, 5, &constants, &problem));
  EXPECT_NE(problem.find("no amplifier C05"), std::string::npos) << problem;
}

TEST_F(CalibrationFileTest, WhatDoesNotFitIsRefusedWithAReason) {
  const std::string table = WriteTable("table.fits", {"X"}, {"1D"}, {{"1"}});
  CalibrationImage image;
  std::vector<uint8_t> defects;
  std::string problem;
  EXPECT_FALSE(ReadCalibrationImage(table, {0, 0, 0, 10, 10}, &image, &problem));
  EXPECT_NE(problem.find("expected an image of 4072 x 4000"), std::string::npos) << problem;
  EXPECT_FALSE(ReadDefects(table, {0, 0, 0, 10, 10}, &defects, &problem));
  EXPECT_NE(problem.find("X, Y, SHAPE, R"), std::string::npos) << problem;
  EXPECT_FALSE(ReadCalibrationImage((folder_ / "none.fits").string(), {0, 0, 0, 10, 10}, &image, &problem));
  EXPECT_NE(problem.find("none.fits"), std::string::npos) << problem;
  EXPECT_NE(RoiProblem({8, 0, 0, 10, 10}), "");
  EXPECT_NE(RoiProblem({0, 0, 500, 10, 20}), "") << "runs off the CCD at x 0";
  EXPECT_EQ(RoiProblem({1, 0, 500, 10, 20}), "") << "goes on into the next amplifier";
}

}  // namespace
}  // namespace summit::fits
