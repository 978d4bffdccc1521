// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/raw_image_writer.h"

#include <fitsio.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "addons/fits/durable_file.h"
#include "addons/fits/open_file.h"
#include "addons/fits/testing/temporary_folder.h"

namespace summit::fits {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr uint32_t kRows = 64;
constexpr uint32_t kCols = 576;

class RawImageWriterTest : public ::testing::Test {
 protected:

  std::string Write(const RawFile& file) {
    const std::string path = folder_ + "/AT_O_20261102_000041_R00_S00.fits";
    std::string problem;
    EXPECT_TRUE(PublishRawFile(path, file, &problem)) << problem;
    return path;
  }

  const testing::TemporaryFolder temporary_{};
  const std::string folder_ = temporary_.path().string();
};

std::vector<int32_t> Planes(size_t segments) {
  std::mt19937 random(3);
  std::normal_distribution<float> noise(0.0f, 7.0f);
  std::vector<int32_t> planes(segments * kRows * kCols);
  for (size_t i = 0; i < planes.size(); i++) planes[i] = static_cast<int32_t>(20000.0f + 300.0f * static_cast<float>(i / (kRows * kCols)) + noise(random));
  planes.front() = 0;
  planes.back() = 262143;
  return planes;
}

CameraHeader Header() {
  CameraHeader header;
  std::string problem;
  const ordered_json json{
      {"primary",
       {{"CCD_MANU", "ITL", "CCD Manufacturer"}, {"SEQNUM", 41}, {"MJD", 61001.143002355006}, {"RA", nullptr, "nobody knows"}, {"OBSANNOT", ""},
        {"HIERARCH.STUTTER.ROWS", 0}, {"HIERARCH.SHUTTER.OPEN.HALLSENSORFIT.MODELSTARTTIME", 3.649460583558228e-05}, {"ABCD", true},
        {"HIERARCH.SHUTTER.OPEN.STARTTIME.TAI.ISOT", "2025-11-22T03:26:01.483 and much more text than there is room for"}}},
      {"reb_cond", {{"TEMP1", 9.875, "REB Board temperature 1"}, {"HVBIAS", "ON"}}},
      {"config_cond", ordered_json::array({ordered_json::array({"FPDAQCS", "2338216281"})})},
  };
  EXPECT_TRUE(ReadCameraHeader(json.dump(), &header, &problem)) << problem;
  return header;
}

std::string Text(fitsfile* file, const char* name) {
  int status = 0;
  char value[FLEN_VALUE] = "";
  fits_read_keyword(file, name, value, nullptr, &status);
  return status == 0 ? value : "status " + std::to_string(status);
}

TEST_F(RawImageWriterTest, PixelsAndHeadersComeBackInTheCamerasOrder) {
  for (const RawDetector detector : {RawDetector::kLatiss, RawDetector::kWavefront}) {
    const size_t segments = SegmentLabels(detector).size();
    ASSERT_EQ(segments, detector == RawDetector::kLatiss ? 16u : 8u);
    const std::vector<int32_t> planes = Planes(segments);
    RawFile made;
    std::string problem;
    ASSERT_TRUE(MakeRawFile(Header(), {detector, kRows, kCols, planes}, 3, &made, &problem)) << problem;
    const std::string path = Write(made);
    EXPECT_EQ(fs::file_size(path), made.bytes());
    FitsHandle handle;
    ASSERT_TRUE(OpenFits(path, &handle, &problem)) << problem;
    int status = 0, hdus = 0;
    fits_get_num_hdus(handle.file, &hdus, &status);
    ASSERT_EQ(hdus, static_cast<int>(segments) + 3);
    for (int hdu = 1; hdu <= hdus; hdu++) {
      int data_good = 0, hdu_good = 0;
      fits_movabs_hdu(handle.file, hdu, nullptr, &status);
      fits_verify_chksum(handle.file, &data_good, &hdu_good, &status);
      EXPECT_EQ(data_good, 1) << "HDU " << hdu;
      EXPECT_EQ(hdu_good, 1) << "HDU " << hdu;
    }
    for (size_t i = 0; i < segments; i++) {
      fits_movabs_hdu(handle.file, static_cast<int>(i) + 2, nullptr, &status);
      std::vector<int32_t> pixels(kRows * kCols);
      fits_read_img(handle.file, TINT, 1, kRows * kCols, nullptr, pixels.data(), nullptr, &status);
      EXPECT_TRUE(std::equal(pixels.begin(), pixels.end(), planes.begin() + static_cast<std::ptrdiff_t>(i * kRows * kCols))) << "segment " << i;
      EXPECT_EQ(Text(handle.file, "ZCMPTYPE"), "'RICE_1  '");
      EXPECT_EQ(Text(handle.file, "ZTILE1"), "576");
      EXPECT_EQ(Text(handle.file, "ZTILE2"), "1");
      EXPECT_EQ(Text(handle.file, "ZVAL1"), "32");
      EXPECT_EQ(Text(handle.file, "CHANNEL"), std::to_string(i + 1));
      EXPECT_EQ(Text(handle.file, "INHERIT"), "T");
    }
    ASSERT_EQ(status, 0);
    fits_movnam_hdu(handle.file, BINARY_TBL, const_cast<char*>("REB_COND"), 0, &status);
    EXPECT_EQ(Text(handle.file, "TEMP1"), "9.875");
    fits_movnam_hdu(handle.file, BINARY_TBL, const_cast<char*>("CONFIG_COND"), 0, &status);
    EXPECT_EQ(Text(handle.file, "FPDAQCS"), "'2338216281'");
    ASSERT_EQ(status, 0);
    EXPECT_TRUE(fs::exists(SidecarName(path)));
    EXPECT_FALSE(PublishRawFile(path, made, &problem));
    EXPECT_EQ(problem, path + ": is there already; a raw image is never replaced");
    fs::remove(path);
  }
}

TEST_F(RawImageWriterTest, SegmentsOfLatissLieWhereTheCameraWritesThem) {
  // Of a real file of 2018: Segment10, 07 and 00.
  struct Row {
    int label;
    const char* detsec;
    double dtv1, dtv2, dtm2_2, crval1c, crval2c, crval1r, crval2r, crval1b;
  };
  const Row rows[] = {{10, "[509:1,1:2000]", 513, 0, 1, 4001, 507, 4126, 596, 507},
                      {7, "[4072:3564,4000:2001]", 4076, 4001, -1, 0, 4070, 125, 4159, 4070},
                      {0, "[509:1,4000:2001]", 513, 4001, -1, 0, 507, 125, 596, 507}};
  const auto number = [](const std::vector<GuiderCard>& cards, const std::string& name) {
    for (const GuiderCard& card : cards) {
      if (card.name != name) continue;
      if (const auto* whole = std::get_if<int64_t>(&card.value)) return static_cast<double>(*whole);
      if (const auto* real = std::get_if<double>(&card.value)) return *real;
    }
    return -1e9;
  };
  for (const Row& row : rows) {
    const std::vector<GuiderCard> cards = SegmentCards(RawDetector::kLatiss, row.label);
    const auto detsec = std::find_if(cards.begin(), cards.end(), [](const GuiderCard& card) { return card.name == "DETSEC"; });
    ASSERT_NE(detsec, cards.end());
    EXPECT_EQ(std::get<std::string>(detsec->value), row.detsec);
    const std::pair<const char*, double> expected[] = {{"DTV1", row.dtv1},       {"DTV2", row.dtv2},       {"DTM1_1", -1},           {"DTM2_2", row.dtm2_2},
                                                       {"CRVAL1C", row.crval1c}, {"CRVAL2C", row.crval2c}, {"CRVAL1R", row.crval1r}, {"CRVAL2F", row.crval2r},
                                                       {"CRVAL1B", row.crval1b}, {"PC1_2A", -row.dtm2_2},  {"PC2_1C", -1},           {"PC2_2Q", -row.dtm2_2}};
    for (const auto& [name, value] : expected) EXPECT_EQ(number(cards, name), value) << name << " of " << row.label;
  }
}

TEST_F(RawImageWriterTest, SidecarHasThePrimaryKeysInOrderAndNullWhereNothingIsKnown) {
  RawFile made;
  std::string problem;
  const std::vector<int32_t> planes = Planes(8);
  ASSERT_TRUE(MakeRawFile(Header(), {RawDetector::kWavefront, kRows, kCols, planes}, 1, &made, &problem)) << problem;
  const ordered_json sidecar = ordered_json::parse(made.sidecar);
  std::vector<std::string> names;
  for (const auto& [name, value] : sidecar.items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"__CONTENT__", "SIMPLE", "BITPIX", "NAXIS", "EXTEND", "CCD_MANU", "SEQNUM", "MJD", "RA", "OBSANNOT",
                                             "HIERARCH.STUTTER.ROWS", "HIERARCH.SHUTTER.OPEN.HALLSENSORFIT.MODELSTARTTIME", "ABCD",
                                             "HIERARCH.SHUTTER.OPEN.STARTTIME.TAI.ISOT", "CHECKSUM", "DATASUM"}));
  EXPECT_TRUE(sidecar["RA"].is_null());
  EXPECT_EQ(sidecar["MJD"], 61001.143002355006);
  EXPECT_EQ(sidecar["DATASUM"], "0");
  EXPECT_EQ(sidecar["CHECKSUM"].get<std::string>().size(), 16u);
  FitsHandle handle;
  ASSERT_TRUE(OpenFits(Write(made), &handle, &problem)) << problem;
  EXPECT_EQ(Text(handle.file, "RA"), "status 202") << "not in the file";
  EXPECT_EQ(Text(handle.file, "SEQNUM"), "41");
  int status = 0;
  double mjd = 0.0;
  long rows = -1;
  fits_read_key(handle.file, TDOUBLE, "MJD", &mjd, nullptr, &status);
  fits_read_key(handle.file, TLONG, "STUTTER ROWS", &rows, nullptr, &status);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(mjd, 61001.143002355006);
  EXPECT_EQ(rows, 0);
}

TEST_F(RawImageWriterTest, RefusesWhatIsNoImageAndAnswersWithASentence) {
  RawFile made;
  CameraHeader header;
  std::string problem;
  const std::vector<int32_t> planes = Planes(8);
  EXPECT_FALSE(MakeRawFile(header, {RawDetector::kLatiss, kRows, kCols, planes}, 1, &made, &problem));
  EXPECT_EQ(problem, "expected 16 segments of 64 rows x 576 columns, got 294912 pixels");
  EXPECT_FALSE(ReadCameraHeader("[]", &header, &problem));
  EXPECT_FALSE(ReadCameraHeader(R"({"primary": [["A"]]})", &header, &problem));
  EXPECT_EQ(problem, R"(primary: expected [name, value, comment?], got ["A"])");
  EXPECT_FALSE(ReadCameraHeader(R"({"reb_cond": [["A", [1]]]})", &header, &problem));
  EXPECT_EQ(problem, "reb_cond: A: expected text, a number, true, false or null");
}

TEST_F(RawImageWriterTest, AFileIsThereWholeOrNotAtAllAndNeverReplaced) {
  const std::string path = folder_ + "/x.fits";
  const std::string_view parts[] = {"first ", "second"};
  std::string problem;
  ASSERT_TRUE(WriteDurably(path, parts, false, &problem)) << problem;
  EXPECT_FALSE(WriteDurably(path, std::span(parts, 1), false, &problem));
  EXPECT_EQ(problem, path + ": cannot be given its name: " + std::strerror(EEXIST));
  std::ifstream in(path);
  std::string text;
  std::getline(in, text);
  EXPECT_EQ(text, "first second");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1) << "no temporary file is left";
  EXPECT_FALSE(WriteDurably(folder_ + "/none/x.fits", parts, false, &problem));
}

}  // namespace
}  // namespace summit::fits
