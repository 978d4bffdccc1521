// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/exposure_book.h"

#include <gtest/gtest.h>

#include "addons/recorder/testing/recorder_rig.h"

namespace summit::recorder {
namespace {

class ExposureBookTest : public RecorderRig {};

TEST_F(ExposureBookTest, NamesWhatHasNoObsidAfterTheSeries) {
  recorder_->Start();
  // The agent came into a running series; then one with an id and RESUME without comment; then one without an id.
  Stamp(40);
  Stamp(41);
  Pause(42);
  EXPECT_EQ(Report().path, (folder_ / "series-7_R00_SG0_guider.fits").string());
  series = 8;
  Start("config 8/x");
  Exposure("", 0, 1);
  const FileReport report = Report();
  EXPECT_EQ(report.path, (folder_ / "config_8_x_R00_SG0_guider.fits").string());
  EXPECT_EQ(report.obsid, "config 8/x");
  EXPECT_FALSE(report.obsid_told);
  series = 9;
  Start("");
  Exposure(" \n", 0, 1);
  EXPECT_EQ(Report().path, (folder_ / "series-9_R00_SG0_guider.fits").string());
}

TEST_F(ExposureBookTest, NeverReplacesAFile) {
  recorder_->Start();
  Start("config-1");
  Exposure("MC_O_20260714_000123", 0, 1);
  tai += 1000000000;
  Exposure("MC_O_20260714_000123", 1, 3);
  EXPECT_EQ(Report().stamps, 1u);
  const FileReport second = Report();
  EXPECT_EQ(second.path, (folder_ / "MC_O_20260714_000123_R00_SG0_guider-2.fits").string());
  EXPECT_EQ(second.sidecar, (folder_ / "MC_O_20260714_000123_R00_SG0_guider-2.json").string());
  EXPECT_EQ(Names().size(), 4u);
}

TEST_F(ExposureBookTest, ClosesAFileWhosePauseWasLost) {
  recorder_->Start();
  Start("config-1");
  Resume("MC_O_20260714_000123");
  Stamp(0);
  tai += 1000000000;
  Exposure("MC_O_20260714_000124", 1, 2);
  EXPECT_EQ(Report().closed_by, "resume");
  EXPECT_EQ(Report().closed_by, "pause");

  tai += 1000000000;
  Resume("MC_O_20260714_000125");
  Stamp(2);
  SummitFrame status = Frame(SUMMIT_EVENT_STATUS);
  uint8_t entry[16] = {kSensor, SUMMIT_STATE_PAUSED, 7, 0, 0, 0, 0, 0, 3};
  status.location = 0xFF;
  status.t_src_tai_ns = tai - 1;  // from before RESUME, late
  status.data = entry;
  status.bytes = sizeof(entry);
  recorder_->OnEvent(status);
  Stamp(3);
  status.t_src_tai_ns = tai + 1;
  recorder_->OnEvent(status);
  const FileReport third = Report();
  EXPECT_EQ(third.closed_by, "status");
  EXPECT_EQ(third.stamps, 2u);

  tai += 1000000000;
  Resume("MC_O_20260714_000126");
  Stamp(4);
  series = 8;
  Start("config-2");
  EXPECT_EQ(Report().closed_by, "series");
  Resume("MC_O_20260714_000127");
  Stamp(0);
  Stop(1);
  EXPECT_EQ(Report().closed_by, "stop");
  Resume("MC_O_20260714_000128");
  Stamp(1);
  EXPECT_TRUE(recorder_->Stop(10000));
  EXPECT_EQ(Report().closed_by, "agent_stop");
  EXPECT_EQ(Names().size(), 12u);
}

TEST_F(ExposureBookTest, ClosesTheFileOfASensorThatTheDaqNoLongerSpeaksOf) {
  recorder_->Start();
  Start("config-1");
  Resume("MC_O_20260714_000123");
  Stamp(0);
  // The DAQ restarted: what runs now is a series of another sensor.
  uint8_t entry[16] = {220, SUMMIT_STATE_RUNNING, 1};
  SummitFrame status = Frame(SUMMIT_EVENT_STATUS);
  status.location = 0xFF;
  status.t_src_tai_ns = tai + 1;
  status.data = entry;
  status.bytes = sizeof(entry);
  recorder_->OnEvent(status);
  EXPECT_EQ(Report().closed_by, "status");

  tai += 1000000000;
  Resume("MC_O_20260714_000124");
  Stamp(1);
  status.data = nullptr;  // it speaks of no sensor at all
  status.bytes = 0;
  status.t_src_tai_ns = tai + 1;
  status.daq_state = SUMMIT_STATE_RUNNING;
  recorder_->OnEvent(status);
  Stamp(2);
  status.daq_state = SUMMIT_STATE_IDLECLEARING;
  recorder_->OnEvent(status);
  const FileReport idle = Report();
  EXPECT_EQ(idle.closed_by, "status");
  EXPECT_EQ(idle.stamps, 2u);
}

TEST_F(ExposureBookTest, CountsStampsThatComeAfterTheirExposure) {
  recorder_->Start();
  Start("config-1");
  Exposure("MC_O_20260714_000123", 0, 3);
  Stamp(1);
  tai += 1000000000;
  Resume("MC_O_20260714_000124");
  Stamp(2);
  Stamp(3);
  Pause(4);
  Stop(4);
  Stamp(9);
  EXPECT_EQ(Report().complete, 3u);
  const FileReport second = Report();
  EXPECT_EQ(second.complete, 1u);
  EXPECT_EQ(second.stamps, 1u);
  EXPECT_TRUE(recorder_->Stop(10000));
  auto counters = recorder_->Snapshot();
  EXPECT_EQ(counters["outside"], 3u);
  EXPECT_EQ(counters["recorded"], 4u);
  EXPECT_EQ(counters["complete"], 7u);
}

TEST_F(ExposureBookTest, AnExposureWhoseResumeWasLostIsNotTheOneBefore) {
  recorder_->Start();
  for (const uint8_t sensor : {uint8_t{3}, uint8_t{220}}) {
    location = sensor;
    Start("config-1");
    Exposure("MC_O_20260714_000123", 0, 1);
    EXPECT_EQ(Report().obsid, "MC_O_20260714_000123");
  }
  tai += 1000000000;
  Resume("MC_O_20260714_000124");
  location = 3;
  tai += 1000000000;
  Stamp(1);
  Pause(2);
  EXPECT_EQ(Report().path, (folder_ / "MC_O_20260714_000124_R00_SG0_guider.fits").string()) << "another sensor's RESUME says it";
  tai += 1000000000;
  Stamp(2);
  Pause(3);
  const FileReport untold = Report();
  EXPECT_EQ(untold.path, (folder_ / "config-1_R00_SG0_guider.fits").string()) << "nobody's does";
  EXPECT_FALSE(untold.obsid_told);
}

TEST_F(ExposureBookTest, KeepsSensorsApart) {
  recorder_->Start();
  for (const uint8_t sensor : {uint8_t{3}, uint8_t{220}}) {
    location = sensor;
    Start("config-1");
    Resume("MC_O_20260714_000123");
  }
  for (uint64_t number = 0; number < 6; ++number) {
    location = number % 2 == 0 ? 3 : 220;
    Stamp(number / 2);
  }
  location = 220;
  Pause(3);
  const FileReport report = Report();
  EXPECT_EQ(report.location, 220);
  EXPECT_EQ(report.path, (folder_ / "MC_O_20260714_000123_R44_SG1_guider.fits").string());
  EXPECT_EQ(report.stamps, 3u);
}

}  // namespace
}  // namespace summit::recorder
