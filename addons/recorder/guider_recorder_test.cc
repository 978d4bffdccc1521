// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/guider_recorder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "addons/recorder/sha256.h"
#include "addons/recorder/testing/recorder_rig.h"

namespace summit::recorder {
namespace {

namespace fs = std::filesystem;

class GuiderRecorderTest : public RecorderRig {};

TEST_F(GuiderRecorderTest, WritesAFilePerExposureWithEveryPixelTimeAndKeyword) {
  recorder_->Start();
  Start("config-1");
  Exposure("MC_O_20260714_000123", 0, 5);
  Exposure("MC_O_20260714_000124", 5, 8);
  const FileReport report = Report();
  EXPECT_EQ(report.problem, "");
  EXPECT_EQ(report.path, (folder_ / "MC_O_20260714_000123_R00_SG0_guider.fits").string());
  EXPECT_EQ(report.obsid, "MC_O_20260714_000123");
  EXPECT_TRUE(report.obsid_told);
  EXPECT_EQ(report.series_id, "config-1");
  EXPECT_EQ(report.closed_by, "pause");
  EXPECT_EQ(report.stamps, 5u);
  EXPECT_EQ(report.complete, 5u);
  EXPECT_GT(report.durable_ns, report.closed_ns);
  uint64_t bytes = 0;
  EXPECT_EQ(report.sha256, Sha256OfFile(report.path, &bytes));
  EXPECT_EQ(report.bytes, bytes);

  auto file = Open("MC_O_20260714_000123_R00_SG0_guider.fits");
  ASSERT_NE(file, nullptr);
  EXPECT_TRUE(file->missing().empty()) << file->missing().front();
  EXPECT_TRUE(file->notes().empty()) << file->notes().front();
  const fits::GuiderHeader& header = file->header();
  EXPECT_EQ(header.raft_bay + header.ccd_slot + header.camera_code + header.controller + header.day_obs, "R00SG0MCO20260714");
  EXPECT_EQ(header.firmware + " " + header.controller_serial, "2139210b 10000");
  EXPECT_EQ(header.daq_version + header.daq_partition + header.platform + header.time_system, "R5-V13.16guiderlsstcamTAI");
  EXPECT_EQ(header.seq_num, 123);
  EXPECT_EQ(header.gds_sequence, 7);
  EXPECT_EQ(header.roi_start_col, 56);
  EXPECT_EQ(header.roi_start_row, 800);
  EXPECT_EQ(header.segment, 3);
  EXPECT_EQ(header.flush_count, 2);
  EXPECT_EQ(header.ccd_type, 0);
  EXPECT_EQ(header.integration_ms, 50);
  EXPECT_EQ(header.gds_start_tai_ns, kTai);
  EXPECT_EQ(header.stamps, 5);
  ASSERT_EQ(file->stamps().size(), 5u);
  for (uint64_t number = 0; number < 5; ++number) {
    EXPECT_EQ(file->stamps()[number].tai_ns, kTai + number * kPeriod);
    EXPECT_EQ(file->stamps()[number].daq_stamp, number);
    ExpectPixels(file.get(), number, number);
  }
  EXPECT_EQ(Report().path, (folder_ / "MC_O_20260714_000124_R00_SG0_guider.fits").string());
  auto second = Open("MC_O_20260714_000124_R00_SG0_guider.fits");
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->stamps().front().daq_stamp, 5u);
}

TEST_F(GuiderRecorderTest, TellsInTheSidecarWhatTheHeaderTells) {
  recorder_->Start();
  Start("config-1");
  Exposure("MC_O_20260714_000123", 0, 2);
  std::ifstream stream(Report().sidecar);
  const auto sidecar = nlohmann::json::parse(stream, nullptr, false);
  ASSERT_TRUE(sidecar.is_object());
  EXPECT_EQ(sidecar["__CONTENT__"], "metadata");
  EXPECT_EQ(sidecar["OBSID"], "MC_O_20260714_000123");
  EXPECT_EQ(sidecar["N_STAMPS"], 2);
  EXPECT_EQ(sidecar["STMPCOMP"], 2);
  EXPECT_EQ(sidecar["STMPMISS"], 0);
  EXPECT_EQ(sidecar["CLOSEDBY"], "pause");
  EXPECT_EQ(sidecar["HIERARCH.HAS_ARCHIVE"], false);
  EXPECT_EQ(sidecar["LSST_NUM"], "ITL-3800C-397");
  EXPECT_EQ(sidecar["DATASUM"], "0");
  EXPECT_TRUE(sidecar.contains("RA") && sidecar["RA"].is_null());
}

TEST_F(GuiderRecorderTest, LeavesOutWhatHasNoRoomAndTellsIt) {
  Make(folder_.string(), 8);
  Start("config-1");
  Resume("MC_O_20260714_000123");
  for (uint64_t number = 0; number < 20; ++number) Offer(number, SUMMIT_PIXEL_I32);
  Pause(20);
  recorder_->Start();
  const FileReport report = Report();
  EXPECT_EQ(report.stamps, 8u);
  EXPECT_EQ(report.left_out, 12u);
  EXPECT_EQ(report.complete, 20u);
  auto counters = recorder_->Snapshot();
  EXPECT_EQ(counters["complete"], counters["recorded"] + counters["left_out"] + counters["failed"] + counters["outside"]);
  std::ifstream stream(report.sidecar);
  const auto sidecar = nlohmann::json::parse(stream, nullptr, false);
  EXPECT_EQ(sidecar["N_STAMPS"], 8);
  EXPECT_EQ(sidecar["STMPCOMP"], 20);
  EXPECT_EQ(sidecar["STMPMISS"], 12);
}

TEST_F(GuiderRecorderTest, RecordsAgainOnceTheFolderCanBeUsed) {
  const fs::path taken = folder_ / "taken";
  std::ofstream(taken) << "a file where the folder should be";
  Make(taken.string(), 32);
  recorder_->Start();
  Start("config-1");
  Exposure("MC_O_20260714_000123", 0, 3);
  const FileReport at_once = Report();
  EXPECT_EQ(at_once.closed_by, "failure");
  EXPECT_NE(at_once.problem.find("taken"), std::string::npos) << at_once.problem;
  const FileReport report = Report();
  EXPECT_EQ(report.closed_by, "pause");
  EXPECT_EQ(report.durable_ns, 0u);
  EXPECT_EQ(report.failed, 3u);
  fs::remove(taken);
  tai += 1000000000;
  Exposure("MC_O_20260714_000124", 3, 5);
  EXPECT_EQ(Report().problem, "");
  EXPECT_EQ(Names(taken).size(), 2u);
  auto counters = recorder_->Snapshot();
  EXPECT_EQ(counters["failed"], 3u);
  EXPECT_EQ(counters["recorded"], 2u);
}

TEST_F(GuiderRecorderTest, MakesAFolderAnewThatWasRemovedUnderIt) {
  recorder_->Start();
  Start("config-1");
  Exposure("MC_O_20260714_000123", 0, 1);
  EXPECT_EQ(Report().problem, "");
  fs::remove_all(folder_);
  tai += 1000000000;
  Exposure("MC_O_20260714_000124", 1, 3);
  EXPECT_EQ(Report().problem, "");
  EXPECT_EQ(Names().size(), 2u);
  RecordingFolder other(folder_.string());
  std::vector<std::string> leftovers;
  std::string problem;
  EXPECT_FALSE(other.Open(&leftovers, &problem)) << "it is locked as the first one was";
}

TEST_F(GuiderRecorderTest, ALockThatWasRemovedCostsNoFileThatIsBeingWritten) {
  std::vector<std::string> leftovers;
  std::string problem;
  RecordingFolder folder(folder_.string());
  ASSERT_TRUE(folder.Open(&leftovers, &problem)) << problem;
  std::ofstream(folder_ / ".A_R00_SG0_guider.fits.123-0.part") << "being written";
  fs::remove(folder_ / ".summit-agent.lock");
  EXPECT_TRUE(folder.Open(&leftovers, &problem)) << problem;
  EXPECT_TRUE(leftovers.empty());
  RecordingFolder other(folder_.string());
  EXPECT_FALSE(other.Open(&leftovers, &problem)) << "it is locked again";
}

TEST_F(GuiderRecorderTest, TakesAFullDiskForAFailureOfOneExposure) {
  recorder_->Start();
  Start("config-1");
  Exposure("MC_O_20260714_000123", 0, 1);
  EXPECT_EQ(Report().problem, "");
  // No file may grow beyond this: a write fails as on a full disk, without one.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 20000, .rlim_max = before.rlim_max};
  const auto old = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  tai += 1000000000;
  Exposure("MC_O_20260714_000124", 1, 200);
  const FileReport failed = Report([](const FileReport& report) { return report.closed_by == "pause"; });
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, old);
  EXPECT_NE(failed.problem, "");
  EXPECT_EQ(failed.complete, 199u);
  EXPECT_EQ(failed.failed, 199u);
  EXPECT_EQ(Names().size(), 2u) << "nothing half done is left";
  tai += 1000000000;
  Exposure("MC_O_20260714_000125", 200, 202);
  EXPECT_EQ(Report([](const FileReport& report) { return report.durable_ns != 0; }).stamps, 2u);
  auto counters = recorder_->Snapshot();
  EXPECT_EQ(counters["complete"], counters["recorded"] + counters["failed"]);
}

TEST_F(GuiderRecorderTest, SetsAsideWhatACrashLeft) {
  for (const char* name : {".A_R00_SG0_guider.fits.123-0.part", "B_R00_SG0_guider.json", "C_R00_SG0_guider.fits",
                           "C_R00_SG0_guider.json", "notes.json"}) {
    std::ofstream(folder_ / name) << name;
  }
  recorder_->Start();
  Start("config-1");
  Exposure("MC_O_20260714_000123", 0, 1);
  Report();
  EXPECT_EQ(recorder_->TakeLeftovers(),
            (std::vector<std::string>{".A_R00_SG0_guider.fits.123-0.part", "B_R00_SG0_guider.json"}));
  EXPECT_EQ(Names(folder_ / "incomplete"),
            (std::set<std::string>{"A_R00_SG0_guider.fits.123-0.part", "B_R00_SG0_guider.json"}));
  EXPECT_TRUE(fs::exists(folder_ / "C_R00_SG0_guider.json"));
  EXPECT_TRUE(fs::exists(folder_ / "notes.json"));
}

TEST_F(GuiderRecorderTest, LinksOfOneProcessShareAFolderWhenBothSaySo) {
  std::vector<std::string> leftovers;
  std::string problem;
  RecordingFolder alone(folder_.string()), first(folder_.string(), true), second(folder_.string(), true);
  ASSERT_TRUE(first.Open(&leftovers, &problem)) << problem;
  std::ofstream(folder_ / ".A_R00_SG0_guider.fits.123-0.part") << "being written";
  ASSERT_TRUE(second.Open(&leftovers, &problem)) << problem;
  EXPECT_TRUE(leftovers.empty());
  EXPECT_FALSE(alone.Open(&leftovers, &problem));
  first.Close();
  EXPECT_FALSE(alone.Open(&leftovers, &problem));
  second.Close();
  EXPECT_TRUE(alone.Open(&leftovers, &problem)) << problem;
  EXPECT_EQ(leftovers.size(), 1u);
}

TEST_F(GuiderRecorderTest, SharesAFolderWithNoOther) {
  recorder_->Start();
  Start("config-1");
  Exposure("MC_O_20260714_000123", 0, 1);
  Report();
  const auto other = GuiderRecorder::Create({.folder = folder_.string()}, [] {});
  const auto first = recorder_;
  const auto pool = pool_;
  Make(folder_.string(), 8);
  recorder_->Start();
  Exposure("MC_O_20260714_000124", 0, 1);
  EXPECT_NE(Report().problem.find("another agent"), std::string::npos);
  EXPECT_TRUE(first->Stop(10000));
  tai += 1000000000;
  Exposure("MC_O_20260714_000125", 1, 2);
  EXPECT_EQ(Report([](const FileReport& report) { return report.durable_ns != 0; }).obsid, "MC_O_20260714_000125");
}

TEST_F(GuiderRecorderTest, WritesOtherPixelTypesAsCounts) {
  recorder_->Start();
  Start("config-1");
  Resume("MC_O_20260714_000123");
  Offer(0, SUMMIT_PIXEL_U16);
  Offer(1, SUMMIT_PIXEL_RAW18X16);
  Pause(2);
  Report();
  auto file = Open("MC_O_20260714_000123_R00_SG0_guider.fits");
  ASSERT_NE(file, nullptr);
  ExpectPixels(file.get(), 0, 0);
  ExpectPixels(file.get(), 1, 1);
}

}  // namespace
}  // namespace summit::recorder
