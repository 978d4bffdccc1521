// SPDX-License-Identifier: Apache-2.0
#include "addons/looks/image_looker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "addons/fits/testing/temporary_folder.h"
#include "addons/image/testing/made_frame.h"
#include "addons/image/unpack18.h"

namespace summit::looks {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class ImageLookerTest : public testing::Test {
 protected:
  void SetUp() override {
    // Made once: painting takes longer than looking.
    static const image::testing::MadeFrame made = image::testing::MakeFrame();
    planes_ = std::shared_ptr<int32_t[]>(new int32_t[16 * image::kSegmentPixels]());
    // The second half of a board.
    std::copy(made.planes.begin(), made.planes.end(), planes_.get() + 8 * image::kSegmentPixels);
  }

  std::shared_ptr<ImageLooker> Looker(unsigned workers) {
    LookerSettings settings;
    settings.calibrations = folder_.string();
    settings.workers = workers;
    settings.detectors = {{"R44_SW1", false}};
    return ImageLooker::Create(settings, [this] {
      const std::lock_guard<std::mutex> lock(mutex_);
      changed_.notify_all();
    });
  }
  LookJob Job(uint64_t id, const std::string& detector) {
    LookJob job;
    job.id = id;
    job.planes = planes_;
    job.first_plane = 8;
    job.detector = {detector, false};
    job.header = R"({"primary": [["INSTRUME", "lsstCam"], ["CCDSLOT", "SW1"], ["OBSID", "MC_O_20261102_000087"], ["DARKTIME", 30.0], ["EXPTIME", 30.0], ["SHUTTIME", 12.0], ["IMGTYPE", "OBJECT"], ["RA", null]]})";
    return job;
  }
  template <typename Take>
  auto Wait(size_t count, const Take& take) {
    auto all = take();
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(240), [&] {
      for (auto& one : take()) all.push_back(std::move(one));
      return all.size() >= count;
    });
    return all;
  }
  std::vector<LookReport> Reports(ImageLooker* looker, size_t count) {
    return Wait(count, [looker] { return looker->TakeReports(); });
  }

  const fits::testing::TemporaryFolder temporary_{};
  const fs::path folder_ = temporary_.path();
  std::shared_ptr<int32_t[]> planes_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

TEST_F(ImageLookerTest, LooksAtAHalfAndLetsGoOfItsPlanes) {
  const auto looker = Looker(1);
  looker->Start();
  looker->Look(Job(7, "R44_SW1"));
  const std::vector<LookReport> reports = Reports(looker.get(), 1);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].id, 7u);
  ASSERT_EQ(reports[0].problem, "");
  const json report = json::parse(reports[0].report);
  EXPECT_EQ(report["detector"], "R44_SW1");
  EXPECT_EQ(report["header"]["OBSID"], "MC_O_20261102_000087");
  EXPECT_EQ(report["product"]["focal"], "intra");
  const json exposure = report["product"]["sensor"]["exposure"];
  EXPECT_EQ(exposure["darktime_s"], 30.0);
  EXPECT_EQ(exposure["dark_ok"], true);
  EXPECT_EQ(exposure["shutter_ok"], false) << "open for 12 s of 30";
  EXPECT_EQ(report["isr"]["nominal_gain"], true);
  EXPECT_EQ(report["isr"]["missing"].size(), 7u) << report["isr"]["missing"];
  EXPECT_EQ(reports[0].preview.size(), static_cast<size_t>(reports[0].cols) * static_cast<size_t>(reports[0].rows));
  EXPECT_LE(reports[0].begun_ns, reports[0].isr_ns);
  EXPECT_LE(reports[0].isr_ns, reports[0].done_ns);
  EXPECT_EQ(planes_.use_count(), 1);
  EXPECT_TRUE(looker->Stop(30000));
}

TEST_F(ImageLookerTest, TheIsrFileComesAfterTheReport) {
  const auto looker = Looker(1);
  looker->Start();
  LookJob job = Job(1, "R44_SW1");
  job.isr_path = folder_ / "looks" / "a.isr.fits";
  looker->Look(std::move(job));
  EXPECT_EQ(Reports(looker.get(), 1).size(), 1u);
  LookJob lost = Job(2, "R44_SW1");
  lost.isr_path = folder_ / "nowhere" / "looks" / "b.isr.fits";
  looker->Look(std::move(lost));
  const std::vector<IsrFileReport> files = Wait(2, [&looker] { return looker->TakeIsrFiles(); });
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].problem, "");
  EXPECT_EQ(files[0].bytes, fs::file_size(folder_ / "looks" / "a.isr.fits"));
  EXPECT_NE(files[1].problem.find("nowhere"), std::string::npos) << files[1].problem;
  EXPECT_TRUE(looker->Stop(30000));
}

TEST_F(ImageLookerTest, ANewerImageOfADetectorTakesThePlaceOfOneThatWaits) {
  const auto looker = Looker(1);
  looker->Look(Job(1, "R44_SW1"));
  looker->Look(Job(2, "R44_SW0"));
  looker->Look(Job(3, "R44_SW1"));
  const std::vector<LookReport> left = looker->TakeReports();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].id, 1u);
  EXPECT_EQ(left[0].problem, "superseded");
  looker->Start();
  std::vector<LookReport> reports = Reports(looker.get(), 2);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].id + reports[1].id, 5u);
  EXPECT_TRUE(looker->Stop(30000));
  looker->Look(Job(4, "R44_SW1"));
  reports = looker->TakeReports();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].problem, "stopped");
  EXPECT_EQ(planes_.use_count(), 1);
}

TEST_F(ImageLookerTest, FilesThatChangeAreReadAgain) {
  CalibrationShelf shelf;
  fs::create_directory(folder_ / "R44_SW1");
  const image::DetectorModel& model = image::WavefrontHalf();
  const ShelvedCalibrations first = shelf.Get(folder_, "R44_SW1", model, 1);
  EXPECT_EQ(shelf.Get(folder_, "R44_SW1", model, 1).calibrations, first.calibrations) << "nothing changed";
  std::ofstream(folder_ / "R44_SW1" / "ptc.fits") << "SIMPLE = what?";
  const ShelvedCalibrations second = shelf.Get(folder_, "R44_SW1", model, 1);
  EXPECT_NE(second.calibrations, first.calibrations);
  EXPECT_EQ(second.missing.size(), 7u) << "a damaged file is one that is missing";
  fs::create_directories(folder_ / "view" / "R44_SW1");
  fs::create_symlink(folder_ / "R44_SW1" / "ptc.fits", folder_ / "view" / "R44_SW1" / "ptc.fits");
  EXPECT_EQ(shelf.Get(folder_ / "view", "R44_SW1", model, 1).calibrations, second.calibrations) << "the same file under another name";
}

}  // namespace
}  // namespace summit::looks
