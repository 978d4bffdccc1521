// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/raw_image_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "addons/fits/testing/raw_file_maker.h"
#include "addons/fits/testing/temporary_folder.h"

namespace summit::fits {
namespace {

namespace fs = std::filesystem;

class RawImageFile : public ::testing::Test {
 protected:
  std::string Path(const char* name) const { return (directory_ / name).string(); }

  std::string Refusal(const testing::RawFileForm& form) const {
    const std::string path = Path("refused.fits");
    EXPECT_EQ(testing::WriteRawFile(path, image::WavefrontHalf(), form, Pixel), 0);
    RawImage image;
    std::string problem;
    EXPECT_FALSE(ReadRawImage(path, &image, &problem));
    EXPECT_EQ(problem.rfind(path, 0), 0u) << problem;
    return problem;
  }

  static int32_t Pixel(int32_t amp, int32_t row, int32_t col) { return (amp << 14) + ((row * 37 + col * 11) & 0x3fff); }

  const testing::TemporaryFolder temporary_{};
  const fs::path directory_ = temporary_.path();
};

void ExpectPixels(const RawImage& image) {
  int64_t wrong = 0;
  for (int32_t amp = 0; amp < 8; amp++) {
    for (int32_t i = 0; i < image::kAmpPixels; i++) {
      const int32_t expected = (amp << 14) + (((i / image::kAmpCols) * 37 + (i % image::kAmpCols) * 11) & 0x3fff);
      wrong += image.planes[static_cast<size_t>(amp) * image::kAmpPixels + static_cast<size_t>(i)] != expected;
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST_F(RawImageFile, ReadsEveryFormOfAnArchive) {
  struct Form {
    const char* name;
    bool compressed;
  };
  for (const Form& archived : {Form{"raw.fits", true}, Form{"raw.fits.gz", true}, Form{"raw.fits", false}}) {
    testing::RawFileForm form;
    form.compressed = archived.compressed;
    ASSERT_EQ(testing::WriteRawFile(Path(archived.name), image::WavefrontHalf(), form, Pixel), 0);
    // Archives have gzip inside a .fits name.
    const std::string path = Path("archived.fits");
    fs::rename(Path(archived.name), path);
    RawImage image;
    std::string problem;
    ASSERT_TRUE(ReadRawImage(path, &image, &problem)) << problem;
    EXPECT_EQ(image.model, &image::WavefrontHalf());
    EXPECT_EQ(image.detector, "R44_SW0");
    EXPECT_EQ(image.out_of_range, 0);
    ExpectPixels(image);
  }
}

TEST_F(RawImageFile, DoesNotBelieveDetsec) {
  testing::RawFileForm form;
  form.data_section = "[4:512,1:2000]";
  form.det_section = "[509:1,1:2000]";  // the camera's own, on every segment
  ASSERT_EQ(testing::WriteRawFile(Path("d.fits"), image::WavefrontHalf(), form, Pixel), 0);
  RawImage image;
  std::string problem;
  ASSERT_TRUE(ReadRawImage(Path("d.fits"), &image, &problem)) << problem;
  ExpectPixels(image);
}

TEST_F(RawImageFile, KeepsTheHeaderWithItsNulls) {
  ASSERT_EQ(testing::WriteRawFile(Path("h.fits"), image::WavefrontHalf(), {}, Pixel), 0);
  RawImage image;
  std::string problem;
  ASSERT_TRUE(ReadRawImage(Path("h.fits"), &image, &problem)) << problem;
  EXPECT_EQ(image.header.Text("OBSID"), "MC_O_20261102_000087");
  EXPECT_EQ(image.header.Number("DARKTIME"), 30.93);
  EXPECT_EQ(image.header.Number("SEQNUM"), 87.0);
  ASSERT_NE(image.header.Find("ROTPA"), nullptr);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*image.header.Find("ROTPA")));
  EXPECT_TRUE(std::isnan(image.header.Number("ROTPA")));
  EXPECT_EQ(image.header.Text("FILTER"), "");
  EXPECT_EQ(image.header.Find("FILTER"), nullptr);
}

TEST_F(RawImageFile, CountsWhatNoAdcGives) {
  ASSERT_EQ(testing::WriteRawFile(Path("o.fits"), image::WavefrontHalf(), {}, [](int32_t amp, int32_t row, int32_t col) { return row == 7 && col < 2 ? (amp == 0 ? -1 : 262144) : 262143; }), 0);
  RawImage image;
  std::string problem;
  ASSERT_TRUE(ReadRawImage(Path("o.fits"), &image, &problem)) << problem;
  EXPECT_EQ(image.out_of_range, 16);
}

TEST_F(RawImageFile, RefusesWithWhatWasExpected) {
  testing::RawFileForm form;
  form.slot = "SG0";
  EXPECT_NE(Refusal(form).find("CCDSLOT SW0 or SW1, got INSTRUME lsstCam, RAFTBAY R44, CCDSLOT SG0"), std::string::npos);
  form = {};
  form.leave_out = 3;
  EXPECT_NE(Refusal(form).find("expected 8 segments, Segment13 is missing"), std::string::npos);
  form = {};
  form.cols = 544;
  EXPECT_NE(Refusal(form).find("Segment10: expected an image of 576 x 2048 px (prescan, data and overscan), got 544 x 2048"), std::string::npos);
  form = {};
  form.data_section = "[11:522,1:2002]";
  EXPECT_NE(Refusal(form).find("Segment10: DATASEC: expected [4:512,1:2000] of an ITL CCD, got [11:522,1:2002]"), std::string::npos);
}

TEST_F(RawImageFile, RefusesDamagedAndCutFiles) {
  const std::string path = Path("b.fits");
  ASSERT_EQ(testing::WriteRawFile(path, image::WavefrontHalf(), {}, Pixel), 0);
  const auto bytes = fs::file_size(path);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(bytes / 2));
    file.write("\x55\xaa\x55\xaa", 4);
  }
  RawImage image;
  std::string problem;
  EXPECT_FALSE(ReadRawImage(path, &image, &problem));
  EXPECT_NE(problem.find("damaged: DATASUM does not fit its contents"), std::string::npos) << problem;
  fs::resize_file(path, bytes / 2);
  EXPECT_FALSE(ReadRawImage(path, &image, &problem));
  EXPECT_NE(problem.find("truncated"), std::string::npos) << problem;
}

fs::path RealFolder() {
  const char* named = std::getenv("SUMMIT_REAL_DATA");
  return named != nullptr ? fs::path(named) : fs::path("../shared/data/real");
}

TEST(RealRawImages, AreReadOrRefusedAsTheyAre) {
  const fs::path folder = RealFolder() / "lsst-obs_lsst/tests/data/input";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder << ": set SUMMIT_REAL_DATA to the folder of recorded files";
  RawImage image;
  std::string problem;
  ASSERT_TRUE(ReadRawImage(folder / "latiss/raw/2018-09-20/3018092000065-det000.fits", &image, &problem)) << problem;
  EXPECT_EQ(image.model, &image::Latiss());
  EXPECT_EQ(image.header.Text("OBSID"), "AT_C_20180920_000065");
  EXPECT_EQ(image.doubtful.size(), 16u);  // somebody set all pixels to zero and left DATASUM as it was
  EXPECT_FALSE(ReadRawImage(folder / "lsstCam/raw/2021-12-12/30211212000310/30211212000310-R22-S22-det098.fits", &image, &problem));
  EXPECT_NE(problem.find("RAFTBAY R22, CCDSLOT S22"), std::string::npos) << problem;
}

}  // namespace
}  // namespace summit::fits
