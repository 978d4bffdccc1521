// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/isr_file.h"

#include <fitsio.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "addons/fits/image_file.h"
#include "addons/fits/testing/temporary_folder.h"

namespace summit::fits {
namespace {

namespace fs = std::filesystem;

class IsrFile : public ::testing::Test {
 protected:
  void SetUp() override {
    image_.model = &image::WavefrontHalf();
    const auto pixels = static_cast<size_t>(image_.model->pixels());
    image_.image.assign(pixels, 12.5f);
    image_.variance.assign(pixels, 70.25f);
    image_.mask.assign(pixels, 0);
    image_.mask[4072 + 3] = image::kBad | image::kCrosstalk;
    image_.applied.on.fill(true);
    image_.applied.Set(image::IsrStep::kFlat, false);
    image_.amps[2].gain = 1.25f;
    header_.cards = {{"SIMPLE", true}, {"NAXIS", int64_t{0}}, {"OBSID", std::string("MC_O_20261102_000087")}, {"DARKTIME", 30.93}, {"ROTPA", std::monostate{}}, {"STUTTER.ROWS", int64_t{0}}, {"CHECKSUM", std::string("x")}};
  }

  const testing::TemporaryFolder temporary_{};
  const fs::path directory_ = temporary_.path();
  image::IsrImage image_;
  RawHeader header_;
  std::string problem_;
};

TEST_F(IsrFile, HoldsImageMaskAndVariance) {
  const std::string path = directory_ / "a.isr.fits";
  ASSERT_TRUE(WriteIsrFile(path, header_, image_, &problem_)) << problem_;
  ASSERT_TRUE(WriteIsrFile(path, header_, image_, &problem_)) << problem_;  // again: replaced
  FitsImage image, mask, variance;
  ASSERT_TRUE(ReadImage(path, 2, &image, &problem_)) << problem_;
  ASSERT_TRUE(ReadImage(path, 3, &mask, &problem_)) << problem_;
  ASSERT_TRUE(ReadImage(path, 4, &variance, &problem_)) << problem_;
  EXPECT_EQ(image.name, "IMAGE");
  EXPECT_EQ(mask.name, "MASK");
  EXPECT_EQ(variance.name, "VARIANCE");
  EXPECT_EQ(image.pixels, image_.image);
  EXPECT_EQ(variance.pixels, image_.variance);
  EXPECT_EQ(mask.pixels[4072 + 3], 513.0f);
  EXPECT_EQ(mask.pixels[4072 + 4], 0.0f);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 1);
}

TEST_F(IsrFile, TellsTheExposureAndWhatWasDone) {
  const std::string path = directory_ / "b.isr.fits";
  ASSERT_TRUE(WriteIsrFile(path, header_, image_, &problem_)) << problem_;
  fitsfile* file = nullptr;
  int status = 0;
  ASSERT_EQ(fits_open_diskfile(&file, path.c_str(), READONLY, &status), 0);
  const auto flag = [&](const char* name) {
    int value = -1;
    fits_read_key(file, TLOGICAL, name, &value, nullptr, &status);
    return value;
  };
  std::array<char, FLEN_VALUE> text{};
  fits_read_key(file, TSTRING, "OBSID", text.data(), nullptr, &status);
  EXPECT_STREQ(text.data(), "MC_O_20261102_000087");
  fits_read_key(file, TSTRING, "LSST ISR UNITS", text.data(), nullptr, &status);
  EXPECT_STREQ(text.data(), "electron");
  EXPECT_EQ(flag("LSST ISR BIAS APPLIED"), 1);
  EXPECT_EQ(flag("LSST ISR FLAT APPLIED"), 0);
  EXPECT_EQ(flag("LSST ISR DITHER APPLIED"), 0);
  double gain = 0.0;
  fits_read_key(file, TDOUBLE, "LSST ISR GAIN C12", &gain, nullptr, &status);
  EXPECT_EQ(gain, 1.25);
  fits_movabs_hdu(file, 3, nullptr, &status);
  long bit = -1;
  fits_read_key(file, TLONG, "MP_SUSPECT", &bit, nullptr, &status);
  EXPECT_EQ(bit, 7);
  EXPECT_EQ(status, 0);
  fits_close_file(file, &status);
}

// By what its primary header tells: the tree that describes it, and where each HDU lies.
TEST_F(IsrFile, IsAnArchiveThatTellsWhereItsPartsLie) {
  const std::string path = directory_ / "d.isr.fits";
  ASSERT_TRUE(WriteIsrFile(path, header_, image_, &problem_)) << problem_;
  fitsfile* file = nullptr;
  int status = 0;
  ASSERT_EQ(fits_open_diskfile(&file, path.c_str(), READONLY, &status), 0);
  const auto number = [&](const char* name) {
    LONGLONG value = -1;
    fits_read_key(file, TLONGLONG, name, &value, nullptr, &status);
    return value;
  };
  const auto tree_at = number("JSONADDR");
  const auto index_at = number("INDXADDR");
  EXPECT_EQ(number("FMTVER"), 1);
  EXPECT_EQ(tree_at + number("JSONSIZE"), index_at);
  EXPECT_EQ(index_at + number("INDXSIZE"), static_cast<LONGLONG>(fs::file_size(path)));
  const auto place = [&](int hdu) {
    std::array<LONGLONG, 3> at{};
    fits_movabs_hdu(file, hdu, nullptr, &status);
    fits_get_hduaddrll(file, &at[0], &at[1], &at[2], &status);
    return at;
  };
  ASSERT_EQ(place(5)[0], tree_at);
  std::string tree(4096, ' ');
  LONGLONG length = 0, offset = 0;
  fits_read_descriptll(file, 1, 1, &length, &offset, &status);
  tree.resize(static_cast<size_t>(length));
  fits_read_col(file, TBYTE, 1, 1, 1, length, nullptr, tree.data(), nullptr, &status);
  EXPECT_NE(tree.find(R"("image":{"schema_version":"1.0.0","min_read_version":1,"data":{"value":{"source":"fits:IMAGE","shape":[2000,4072])"), std::string::npos) << tree;
  EXPECT_NE(tree.find(R"({"name":"CROSSTALK",)"), std::string::npos) << tree;
  for (int hdu = 1; hdu <= 5; ++hdu) {
    const auto at = place(hdu);
    ASSERT_EQ(place(6)[0], index_at);
    LONGLONG header = -1, data = -1, size = -1;
    fits_read_col(file, TLONGLONG, 5, hdu, 1, 1, nullptr, &header, nullptr, &status);
    fits_read_col(file, TLONGLONG, 6, hdu, 1, 1, nullptr, &data, nullptr, &status);
    fits_read_col(file, TLONGLONG, 7, hdu, 1, 1, nullptr, &size, nullptr, &status);
    EXPECT_EQ(header, at[0]) << hdu;
    EXPECT_EQ(data, at[1]) << hdu;
    EXPECT_EQ(size, at[2] - at[1]) << hdu;
  }
  int sums = 0, data_sums = 0;
  fits_movabs_hdu(file, 1, nullptr, &status);
  fits_verify_chksum(file, &data_sums, &sums, &status);
  EXPECT_EQ(sums, 1);
  EXPECT_EQ(status, 0);
  fits_close_file(file, &status);
}

TEST_F(IsrFile, LeavesNothingWhereItCannotBeWritten) {
  EXPECT_FALSE(WriteIsrFile(directory_ / "none" / "c.isr.fits", header_, image_, &problem_));
  EXPECT_NE(problem_.find("c.isr.fits: cannot be written"), std::string::npos) << problem_;
  EXPECT_TRUE(fs::is_empty(directory_));
}

}  // namespace
}  // namespace summit::fits
