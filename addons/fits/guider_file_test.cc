// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/guider_file.h"

#include <fitsio.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "addons/fits/guider_file_writer.h"
#include "addons/fits/tai_text.h"
#include "addons/fits/testing/temporary_folder.h"

namespace summit::fits {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBegin = 1764720000123000000;  // 2025-12-03T00:00:00.123
constexpr uint64_t kPeriod = 140000001;           // no whole milliseconds: the text must keep every digit

GuiderHeader FullHeader() {
  GuiderHeader header;
  header.obsid = "MC_O_20251202_000439";
  header.camera_code = "MC";
  header.controller = "O";
  header.day_obs = "20251202";
  header.raft_bay = "R44";
  header.ccd_slot = "SG0";
  header.firmware = "2139210b";
  header.controller_serial = "10000";
  header.daq_version = "R5-V13.16";
  header.daq_partition = "guider";
  header.platform = "lsstcam";
  header.time_system = "TAI";
  header.gds_start_tai_ns = kBegin - 52000000;
  header.segment = 10;
  header.split_roi = false;
  header.seq_num = 439;
  header.gds_sequence = 2178;
  header.roi_start_col = 254;
  header.roi_start_row = 975;
  header.roi_cols = 12;
  header.roi_rows = 10;
  header.integration_ms = 50;
  header.under_cols = header.over_cols = header.over_rows = header.flush_count = header.ccd_type = 0;
  return header;
}

std::vector<int32_t> Pixels(size_t count, int32_t seed) {
  std::vector<int32_t> pixels(count);
  for (size_t i = 0; i < count; ++i) pixels[i] = 12869 + seed * 100 + static_cast<int32_t>(i * i * 31 % 97);
  pixels.front() = 262143;
  pixels.back() = -5;
  return pixels;
}

class GuiderFileTest : public ::testing::Test {
 protected:

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  void Write(const std::string& path, const GuiderHeader& header, const std::vector<uint64_t>& daq_stamps) {
    std::string problem;
    auto writer = GuiderFileWriter::Create(path, header, &problem);
    ASSERT_NE(writer, nullptr) << problem;
    for (size_t i = 0; i < daq_stamps.size(); ++i) {
      const std::vector<int32_t> pixels = Pixels(120, static_cast<int32_t>(i));
      ASSERT_TRUE(writer->Append({pixels, 10, 12, kBegin + i * kPeriod, daq_stamps[i]}, &problem)) << problem;
    }
    ASSERT_TRUE(writer->Close(&problem)) << problem;
  }

  std::unique_ptr<GuiderFile> Open(const std::string& path) {
    problem_.clear();
    return GuiderFile::Open(path, &problem_);
  }

  const testing::TemporaryFolder temporary_{};
  const fs::path folder_ = temporary_.path();
  std::string problem_;
};

TEST(TaiText, KeepsEveryNanosecond) {
  EXPECT_EQ(ParseTai("1970-01-01T00:00:00"), 0u);
  EXPECT_EQ(ParseTai("2024-09-18T13:51:28.526"), 1726667488526000000u);
  EXPECT_EQ(ParseTai("2025-12-03T00:00:00.123456789"), kBegin + 456789);
  EXPECT_EQ(FormatTai(kBegin), "2025-12-03T00:00:00.123");
  EXPECT_EQ(FormatTai(kBegin + 1), "2025-12-03T00:00:00.123000001");
  EXPECT_EQ(ParseTai("2024-02-29T23:59:59.5"), 1709251199500000000u);
}

TEST(TaiText, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2024-09-18", "2024-09-18 13:51:28", "2023-02-29T00:00:00", "2024-13-01T00:00:00",
                           "2024-09-18T24:00:00", "2024-09-18T13:51:60", "2024-09-18T13:51:28.", "2024-09-18T13:51:28.5x",
                           "2024-09-18T13:51:28.1234567890", "2024-09-18T13:51:28Z"}) {
    EXPECT_FALSE(ParseTai(text)) << text;
  }
}

TEST_F(GuiderFileTest, GivesBackPixelsTimesAndKeywords) {
  const std::string path = Path("MC_O_20251202_000439_R44_SG0_guider.fits");
  Write(path, FullHeader(), {0, 1, 2});
  auto file = Open(path);
  ASSERT_NE(file, nullptr) << problem_;
  EXPECT_TRUE(file->missing().empty()) << file->missing().front();
  EXPECT_TRUE(file->notes().empty()) << file->notes().front();
  const GuiderHeader& header = file->header();
  const GuiderHeader wanted = FullHeader();
  for (const TextKeyword& keyword : kTextKeywords) EXPECT_EQ(header.*keyword.member, wanted.*keyword.member) << keyword.name;
  for (const NumberKeyword& keyword : kNumberKeywords) {
    const auto expected = keyword.member == &GuiderHeader::stamps ? std::optional<int64_t>(3) : wanted.*keyword.member;
    EXPECT_EQ(header.*keyword.member, expected) << keyword.name;
  }
  EXPECT_EQ(header.segment, 10);
  EXPECT_EQ(header.split_roi, false);
  EXPECT_EQ(header.gds_start_tai_ns, wanted.gds_start_tai_ns);
  EXPECT_EQ(file->sensor().Joined(), "R44_SG0");
  EXPECT_FALSE(file->sensor().corrected);
  ASSERT_EQ(file->stamps().size(), 3u);
  for (const size_t i : {2u, 0u, 1u}) {
    const GuiderStamp& stamp = file->stamps()[i];
    EXPECT_EQ(stamp.tai_ns, kBegin + i * kPeriod);
    EXPECT_TRUE(stamp.tai);
    EXPECT_EQ(stamp.daq_stamp, i);
    EXPECT_EQ(stamp.rows, 10);
    EXPECT_EQ(stamp.cols, 12);
    std::vector<int32_t> pixels(stamp.pixels());
    ASSERT_TRUE(file->ReadPixels(i, pixels, &problem_)) << problem_;
    EXPECT_EQ(pixels, Pixels(120, static_cast<int32_t>(i)));
  }
}

TEST_F(GuiderFileTest, WritesTheCardsAndTilesOfTheCamera) {
  const std::string path = Path("a.fits");
  GuiderHeader header = FullHeader();
  header.other = {{"TELESCOP", std::string("Simonyi")}, {"SHUTTIME", 15.5}};
  Write(path, header, {7, 9});
  std::ifstream raw(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(raw)), {});
  for (const char* card : {"HIERARCH HAS_ARCHIVE =       F", "HIERARCH HAS_VARIANCE =      F", "STAMPCLS= 'lsst.meas.algorithms.Stamps'",
                           "ROISEG  = 'Segment10'", "ZCMPTYPE= 'RICE_1  '", "ZTILE1  =                   12",
                           "ZTILE2  =                    1", "ZBITPIX =                   32", "EXTNAME = 'IMAGE   '",
                           "DAQSTAMP=                    9", "STMPTIME= '2025-12-03T00:00:00.123'", "STMPTMJD=", "DATE-END=",
                           "MJD-END =", "TIMESYS = 'TAI     '", "TELESCOP= 'Simonyi '", "SHUTTIME=                 15.5",
                           "N_STAMPS=                    2"}) {
    EXPECT_NE(bytes.find(card), std::string::npos) << card;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "the temporary file is gone";
}

TEST_F(GuiderFileTest, NamesTheKeywordsThatAreMissing) {
  GuiderHeader header = FullHeader();
  header.integration_ms.reset();
  header.daq_version.clear();
  header.gds_start_tai_ns.reset();
  header.segment.reset();
  header.under_cols.reset();
  header.other = {{"ROIUNDER", int64_t{3}}};
  Write(Path("a.fits"), header, {0});
  auto file = Open(Path("a.fits"));
  ASSERT_NE(file, nullptr) << problem_;
  EXPECT_EQ(file->missing(), (std::vector<std::string>{"DAQVERS", "ROIMILLI", "ROISEG", "GDSSTART"}));
  EXPECT_EQ(file->header().under_cols, 3);
}

TEST_F(GuiderFileTest, PutsOldNamesRight) {
  GuiderHeader header = FullHeader();
  header.day_obs = "20250508";
  Write(Path("a.fits"), header, {0});
  auto file = Open(Path("a.fits"));
  ASSERT_NE(file, nullptr) << problem_;
  EXPECT_TRUE(file->sensor().corrected);
  EXPECT_EQ(file->sensor().Joined(), "R44_SG1");
  EXPECT_EQ(file->sensor().evidence,
            "RAFTBAY and CCDSLOT say R44_SG0, the sensor is R44_SG1: files of observing day 20250508, before 20250509, "
            "have SG0 and SG1 exchanged");
}

TEST(SensorName, TakesTheDayFromTheImageNameAndTheSensorFromTheFileName) {
  EXPECT_FALSE(NameSensor("R00", "SG1", "20250509", "", "").corrected);
  EXPECT_EQ(NameSensor("", "", "", "MC_C_20240918_000013", "MC_C_20240918_000013_R00_SG1_guider.fits").Joined(), "R00_SG0");
  EXPECT_EQ(NameSensor("R00", "SW0", "20240918", "", "").Joined(), "R00_SW0");
  EXPECT_EQ(NameSensor("", "", "20260101", "", "something.fits").Joined(), "");
  const SensorName undated = NameSensor("R00", "SG1", "", "", "");
  EXPECT_EQ(undated.Joined(), "R00_SG1");
  EXPECT_NE(undated.evidence.find("taken as it stands"), std::string::npos);
}

TEST_F(GuiderFileTest, BelievesTheImageBeforeTheKeywords) {
  GuiderHeader header = FullHeader();
  header.roi_cols = 50;
  Write(Path("a.fits"), header, {0});
  auto file = Open(Path("a.fits"));
  ASSERT_NE(file, nullptr) << problem_;
  EXPECT_EQ(file->stamps()[0].cols, 12);
  ASSERT_EQ(file->notes().size(), 1u);
  EXPECT_EQ(file->notes()[0], "ROICOLS x ROIROWS say 50 x 10, the images are 12 x 10: the images are believed");
}

TEST_F(GuiderFileTest, OrdersStampsByTheirVersion) {
  Write(Path("a.fits"), FullHeader(), {0, 1, 2});
  fitsfile* file = nullptr;
  int status = 0;
  fits_open_diskfile(&file, Path("a.fits").c_str(), READWRITE, &status);
  for (int hdu = 2; hdu <= 4; ++hdu) {
    fits_movabs_hdu(file, hdu, nullptr, &status);
    int version = 5 - hdu;
    fits_update_key(file, TINT, "EXTVER", &version, nullptr, &status);
    fits_delete_key(file, "DAQSTAMP", &status);
    fits_write_chksum(file, &status);
  }
  fits_close_file(file, &status);
  ASSERT_EQ(status, 0);
  auto opened = Open(Path("a.fits"));
  ASSERT_NE(opened, nullptr) << problem_;
  EXPECT_EQ(opened->stamps()[0].tai_ns, kBegin + 2 * kPeriod);
  EXPECT_EQ(opened->stamps()[0].daq_stamp, 0u) << "EXTVER - 1 without DAQSTAMP";
  std::vector<int32_t> pixels(120);
  ASSERT_TRUE(opened->ReadPixels(0, pixels, &problem_));
  EXPECT_EQ(pixels, Pixels(120, 2));
}

TEST_F(GuiderFileTest, SaysWhatIsNotAGuiderFile) {
  EXPECT_EQ(Open(Path("none.fits")), nullptr);
  EXPECT_EQ(problem_, Path("none.fits") + ": cannot be opened: No such file or directory");
  std::ofstream(Path("text.fits")) << "this is text, not a file of the camera\n";
  EXPECT_EQ(Open(Path("text.fits")), nullptr);
  EXPECT_EQ(problem_, Path("text.fits") + ": not a FITS file: it does not begin with SIMPLE");
  std::ofstream(Path("empty.fits")) << "";
  EXPECT_EQ(Open(Path("empty.fits")), nullptr);
  EXPECT_EQ(problem_, Path("empty.fits") + ": not a FITS file: it is empty");
  EXPECT_EQ(Open(folder_.string()), nullptr);
  EXPECT_EQ(problem_, folder_.string() + ": expected a FITS file, got a directory");
  Write(Path("bare.fits"), FullHeader(), {});
  EXPECT_EQ(Open(Path("bare.fits")), nullptr);
  EXPECT_EQ(problem_, Path("bare.fits") + ": no stamps: expected IMAGE extensions, found none");
}

TEST_F(GuiderFileTest, RefusesAFileCutAtAnyPlace) {
  Write(Path("a.fits"), FullHeader(), {0, 1, 2});
  const auto whole = fs::file_size(Path("a.fits"));
  size_t opened = 0;
  for (uintmax_t bytes = whole - 1; bytes > 0; bytes = bytes > 577 ? bytes - 577 : 0) {
    fs::copy_file(Path("a.fits"), Path("cut.fits"), fs::copy_options::overwrite_existing);
    fs::resize_file(Path("cut.fits"), bytes);
    auto file = Open(Path("cut.fits"));
    if (file == nullptr) {
      EXPECT_EQ(problem_.rfind(Path("cut.fits") + ": ", 0), 0u) << problem_;
      continue;
    }
    ++opened;
    EXPECT_EQ(bytes % 2880, 0u) << "only a cut between two stamps leaves a readable file, cut at " << bytes;
    EXPECT_FALSE(file->notes().empty());
  }
  EXPECT_EQ(opened, 0u);
}

TEST_F(GuiderFileTest, RefusesTheStampWhoseDataAreDamaged) {
  Write(Path("a.fits"), FullHeader(), {0, 1, 2});
  {
    auto file = Open(Path("a.fits"));
    ASSERT_NE(file, nullptr) << problem_;
  }
  std::fstream raw(Path("a.fits"), std::ios::binary | std::ios::in | std::ios::out);
  std::string bytes((std::istreambuf_iterator<char>(raw)), {});
  const size_t second = bytes.find("XTENSION", bytes.find("XTENSION") + 1);
  const size_t data = bytes.find("END     ", second) / 2880 * 2880 + 2880;
  raw.clear();
  raw.seekp(static_cast<std::streamoff>(data + 90));
  raw.put(static_cast<char>(~bytes[data + 90]));
  raw.close();
  auto file = Open(Path("a.fits"));
  ASSERT_NE(file, nullptr) << problem_;
  std::vector<int32_t> pixels(120);
  EXPECT_TRUE(file->ReadPixels(0, pixels, &problem_)) << problem_;
  EXPECT_FALSE(file->ReadPixels(1, pixels, &problem_));
  EXPECT_EQ(problem_, Path("a.fits") + ": EXTVER 2: damaged: DATASUM does not fit its contents");
  EXPECT_TRUE(file->ReadPixels(2, pixels, &problem_)) << problem_;
}

TEST_F(GuiderFileTest, RefusesADamagedHeader) {
  Write(Path("a.fits"), FullHeader(), {0, 1});
  std::fstream raw(Path("a.fits"), std::ios::binary | std::ios::in | std::ios::out);
  const std::string bytes((std::istreambuf_iterator<char>(raw)), {});
  const size_t tile = bytes.find("ZTILE1  =                   12");
  raw.clear();
  raw.seekp(static_cast<std::streamoff>(tile + 28));
  raw << " 0";  // CFITSIO would divide by it
  raw.close();
  EXPECT_EQ(Open(Path("a.fits")), nullptr);
  EXPECT_EQ(problem_, Path("a.fits") + ": damaged: the header of HDU 2 at byte 5760 does not fit its CHECKSUM");
}

TEST_F(GuiderFileTest, TellsOfStampsMissingAtTheEnd) {
  Write(Path("a.fits"), FullHeader(), {0, 1, 2});
  fitsfile* file = nullptr;
  int status = 0;
  fits_open_diskfile(&file, Path("a.fits").c_str(), READWRITE, &status);
  fits_movabs_hdu(file, 4, nullptr, &status);
  fits_delete_hdu(file, nullptr, &status);
  fits_close_file(file, &status);
  ASSERT_EQ(status, 0);
  auto opened = Open(Path("a.fits"));
  ASSERT_NE(opened, nullptr) << problem_;
  ASSERT_EQ(opened->notes().size(), 1u);
  EXPECT_EQ(opened->notes()[0], "N_STAMPS says 3, the file has 2");
}

TEST_F(GuiderFileTest, WritesNothingWhenItCannotFinish) {
  std::string problem;
  EXPECT_EQ(GuiderFileWriter::Create(Path("no/such/a.fits"), FullHeader(), &problem), nullptr);
  EXPECT_EQ(problem.rfind(Path("no/such/a.fits") + ": cannot be created: ", 0), 0u) << problem;
  EXPECT_NE(problem.find("No such file or directory"), std::string::npos) << problem;
  {
    auto writer = GuiderFileWriter::Create(Path("b.fits"), FullHeader(), &problem);
    ASSERT_NE(writer, nullptr) << problem;
    const std::vector<int32_t> pixels(119);
    EXPECT_FALSE(writer->Append({pixels, 10, 12, kBegin, 0}, &problem));
    EXPECT_EQ(problem, Path("b.fits") + ": a stamp of 10 rows x 12 columns with 119 pixels");
  }
  EXPECT_TRUE(fs::is_empty(folder_));
  fs::create_directory(Path("c.fits"));
  auto writer = GuiderFileWriter::Create(Path("c.fits"), FullHeader(), &problem);
  ASSERT_NE(writer, nullptr) << problem;
  EXPECT_FALSE(writer->Close(&problem));
  EXPECT_EQ(problem, Path("c.fits") + ": cannot be given its name: Is a directory");
  EXPECT_FALSE(writer->Append({}, &problem));
  EXPECT_FALSE(writer->Close(&problem));
}

fs::path RealFolder() {
  const char* named = std::getenv("SUMMIT_REAL_DATA");
  const fs::path root = named != nullptr ? fs::path(named) : fs::path("../shared/data/real");
  return root / "lsst-obs_lsst/tests/data/input/guider/guider_data";
}

TEST(RealGuiderFiles, AreReadAsTheirHeadersSay) {
  const fs::path folder = RealFolder();
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder << ": set SUMMIT_REAL_DATA to the folder of recorded files";
  struct Case {
    const char* name;
    size_t stamps;
    uint16_t rows;
    uint16_t cols;
    const char* first;
    const char* second;
    const char* last;
    const char* sensor;
    int segment;
    int64_t sequence;
    double level;
    std::vector<std::string> missing;
  };
  const std::vector<Case> cases = {
      {"MC_C_20240918_000013_R00_SG0_guider.fits", 102, 100, 50, "2024-09-18T13:51:28.526", "2024-09-18T13:51:29.321",
       "2024-09-18T13:51:43.319", "R00_SG1", 3, 2178, 12869, {"ROIOVERC", "ROIOVERR", "ROIFLUSH"}},
      {"MC_C_20230616_000013_R04_SG0.fits", 92, 50, 50, "2023-06-17T05:46:30.464", "2023-06-17T05:46:30.626", nullptr, "R04_SG1", 10,
       918, 15063,
       {"TIMESYS", "ROICOL", "ROIROW", "ROIMILLI", "ROIUNDRC", "ROIOVERC", "ROIOVERR", "ROIFLUSH", "ROICCDTY", "ROISPLIT"}},
  };
  for (const Case& wanted : cases) {
    SCOPED_TRACE(wanted.name);
    std::string problem;
    auto file = GuiderFile::Open((folder / wanted.name).string(), &problem);
    ASSERT_NE(file, nullptr) << problem;
    const auto& stamps = file->stamps();
    ASSERT_EQ(stamps.size(), wanted.stamps);
    EXPECT_EQ(stamps[0].rows, wanted.rows);
    EXPECT_EQ(stamps[0].cols, wanted.cols);
    EXPECT_EQ(FormatTai(stamps[0].tai_ns), wanted.first);
    EXPECT_EQ(FormatTai(stamps[1].tai_ns), wanted.second);
    if (wanted.last != nullptr) {
      EXPECT_EQ(FormatTai(stamps.back().tai_ns), wanted.last);
    }
    EXPECT_EQ(file->sensor().Joined(), wanted.sensor);
    EXPECT_TRUE(file->sensor().corrected);
    EXPECT_EQ(file->header().segment, wanted.segment);
    EXPECT_EQ(file->header().gds_sequence, wanted.sequence);
    EXPECT_EQ(file->missing(), wanted.missing);
    EXPECT_TRUE(file->notes().empty()) << file->notes().front();
    std::vector<int32_t> pixels(stamps[0].pixels());
    for (size_t i = 0; i < stamps.size(); ++i) {
      ASSERT_TRUE(file->ReadPixels(i, pixels, &problem)) << problem;
      std::nth_element(pixels.begin(), pixels.begin() + static_cast<std::ptrdiff_t>(pixels.size() / 2), pixels.end());
      EXPECT_NEAR(pixels[pixels.size() / 2], wanted.level, 15) << "stamp " << i;
    }
  }
}

}  // namespace
}  // namespace summit::fits
