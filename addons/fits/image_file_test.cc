// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/image_file.h"

#include <fitsio.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "addons/fits/testing/temporary_folder.h"

namespace summit::fits {
namespace {

class ImageFile : public ::testing::Test {
 protected:

  std::string Path(const char* name) const { return (directory_ / name).string(); }

  // An empty primary HDU and one image extension, 4 columns x 3 rows, compressed or not.
  std::string Write(const char* name, int bits, bool compressed, std::array<float, 12> pixels) const {
    const std::string path = Path(name);
    fitsfile* file = nullptr;
    int status = 0;
    std::array<long, 2> sides{4, 3};
    fits_create_diskfile(&file, path.c_str(), &status);
    fits_create_img(file, SHORT_IMG, 0, nullptr, &status);
    if (compressed) fits_set_compression_type(file, RICE_1, &status);
    fits_create_img(file, bits, 2, sides.data(), &status);
    char extension[] = "SKY";
    fits_update_key(file, TSTRING, "EXTNAME", extension, nullptr, &status);
    fits_write_img(file, TFLOAT, 1, 12, pixels.data(), &status);
    fits_write_chksum(file, &status);
    fits_close_file(file, &status);
    EXPECT_EQ(status, 0);
    return path;
  }

  const testing::TemporaryFolder temporary_{};
  const std::filesystem::path directory_ = temporary_.path();
};

constexpr std::array<float, 12> kPixels = {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 262143};

TEST_F(ImageFile, FindsTheFirstImageAndReadsItRowByRow) {
  for (const bool compressed : {false, true}) {
    FitsImage image;
    std::string problem;
    ASSERT_TRUE(ReadImage(Write(compressed ? "c.fits" : "p.fits", LONG_IMG, compressed, kPixels), 0, &image, &problem)) << problem;
    EXPECT_EQ(image.hdu, 2);
    EXPECT_EQ(image.name, "SKY");
    EXPECT_EQ(image.rows, 3);
    EXPECT_EQ(image.cols, 4);
    EXPECT_EQ(image.pixels, std::vector<float>(kPixels.begin(), kPixels.end()));
  }
}

TEST_F(ImageFile, KeepsNaN) {
  std::array<float, 12> pixels = kPixels;
  pixels[5] = std::numeric_limits<float>::quiet_NaN();
  FitsImage image;
  std::string problem;
  ASSERT_TRUE(ReadImage(Write("n.fits", FLOAT_IMG, false, pixels), 0, &image, &problem)) << problem;
  EXPECT_TRUE(std::isnan(image.pixels[5]));
  EXPECT_EQ(image.pixels[6], 12.0f);
}

TEST_F(ImageFile, RefusesWithTheReason) {
  FitsImage image;
  std::string problem;
  const std::string path = Write("x.fits", FLOAT_IMG, false, kPixels);
  EXPECT_FALSE(ReadImage(path, 1, &image, &problem));
  EXPECT_NE(problem.find("HDU 1: expected a 2-D image"), std::string::npos) << problem;
  EXPECT_FALSE(ReadImage(path, 3, &image, &problem));
  EXPECT_NE(problem.find("no such HDU"), std::string::npos) << problem;
  EXPECT_FALSE(ReadImage(Path("absent.fits"), 0, &image, &problem));
  EXPECT_NE(problem.find("absent.fits"), std::string::npos) << problem;
}

TEST_F(ImageFile, RefusesDamagedPixels) {
  const std::string path = Write("d.fits", LONG_IMG, false, kPixels);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path)) - 2880 + 4);
  file.put('\x55');
  file.close();
  FitsImage image;
  std::string problem;
  EXPECT_FALSE(ReadImage(path, 0, &image, &problem));
  EXPECT_NE(problem.find("damaged"), std::string::npos) << problem;
}

}  // namespace
}  // namespace summit::fits
