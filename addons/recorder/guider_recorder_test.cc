// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/guider_recorder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "addons/daq/clock.h"
#include "addons/fits/guider_file.h"
#include "addons/recorder/sha256.h"

namespace summit::recorder {
namespace {

namespace fs = std::filesystem;

constexpr uint8_t kSensor = 3;  // R00_SG0
constexpr uint16_t kRows = 10;
constexpr uint16_t kCols = 12;
constexpr uint64_t kBytes = kRows * kCols * sizeof(int32_t);
constexpr uint64_t kTai = 1800000000123000000;
constexpr uint64_t kPeriod = 111111111;

int32_t PixelOf(uint64_t stamp, size_t i) { return static_cast<int32_t>(13000 + stamp * 10 + i * i * 31 % 97); }

// A recorder, and the frames a link would give it.
class GuiderRecorderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "guider-recorder-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    Make(folder_.string(), 32);
  }
  void TearDown() override {
    EXPECT_TRUE(recorder_->Stop(10000));
    recorder_.reset();
    EXPECT_EQ(pool_->in_use(), 0u);
    fs::remove_all(folder_);
  }

  void Make(const std::string& folder, uint32_t queue_stamps) {
    std::string message;
    pool_ = daq::FramePool::Create({.slots = 4 + queue_stamps, .slot_bytes = kRows * kCols * 36, .huge_pages = false}, &message);
    ASSERT_NE(pool_, nullptr) << message;
    recorder_ = GuiderRecorder::Create({.folder = folder, .partition = "guider", .queue_stamps = queue_stamps},
                                       [news = news_] { news->Signal(); });
    recorder_->Attach(pool_);
  }

  SummitFrame Frame(uint8_t type) {
    SummitFrame frame{};
    frame.struct_size = sizeof(frame);
    frame.event_type = type;
    frame.location = location;
    frame.series = series;
    frame.sequence = static_cast<uint16_t>(series);
    frame.stamps_sent = UINT64_MAX;
    frame.t_src_tai_ns = tai;
    frame.t_last_ns = daq::MonotonicNs();
    return frame;
  }

  void Start(const std::string& id) {
    SummitSeriesMetadata metadata{};
    metadata.common = {kRows, kCols, 50, 0, 0, 0, 2, 0};
    metadata.roi = {location, 0, 3, 800, 56};
    metadata.firmware = 0x2139210b;
    metadata.serial = 0x10000;
    metadata.valid = 1;
    std::strcpy(metadata.version, "R5-V13.16");
    std::strcpy(metadata.platform, "lsstcam");
    id.copy(metadata.id, sizeof(metadata.id) - 1);
    SummitFrame frame = Frame(SUMMIT_EVENT_START);
    frame.data = &metadata;
    frame.bytes = sizeof(metadata);
    recorder_->OnEvent(frame);
  }
  void Resume(const std::string& comment) {
    SummitFrame frame = Frame(SUMMIT_EVENT_RESUME);
    frame.data = comment.data();
    frame.bytes = static_cast<uint32_t>(comment.size());
    recorder_->OnEvent(frame);
  }
  void Halt(uint8_t type, uint64_t sent) {
    SummitFrame frame = Frame(type);
    frame.stamps_sent = sent;
    recorder_->OnEvent(frame);
  }
  void Pause(uint64_t sent) { Halt(SUMMIT_EVENT_PAUSE, sent); }
  void Stop(uint64_t sent) { Halt(SUMMIT_EVENT_STOP, sent); }

  // Waits until there is room, as a DAQ does not.
  void Stamp(uint64_t number) {
    while (recorder_->Snapshot()["queue"] >= recorder_->most_slots()) usleep(1000);
    Offer(number, SUMMIT_PIXEL_I32);
  }

  void Offer(uint64_t number, uint8_t pixel_type) {
    SummitFrame frame = Frame(SUMMIT_EVENT_STAMP);
    void* memory = nullptr;
    frame.stamp_index = number;
    frame.stamp = static_cast<uint16_t>(number);
    frame.t_src_tai_ns = tai + number * kPeriod;
    frame.rows = kRows;
    frame.cols = kCols;
    frame.segment = 3;
    frame.start_row = 800;
    frame.start_col = 56;
    frame.integration_ms = 50;
    frame.pixel_type = pixel_type;
    frame.bytes = kBytes;
    frame.token = pool_->Acquire(kRows * kCols * 36, &memory);
    ASSERT_NE(frame.token, 0u);
    frame.data = memory;
    for (size_t i = 0; i < size_t{kRows} * kCols; ++i) Put(memory, pixel_type, i, PixelOf(number, i));
    recorder_->OnComplete(frame);
    pool_->Release(frame.token);
  }

  static void Put(void* memory, uint8_t pixel_type, size_t i, int32_t value) {
    if (pixel_type == SUMMIT_PIXEL_I32) static_cast<int32_t*>(memory)[i] = value;
    if (pixel_type == SUMMIT_PIXEL_U16) static_cast<uint16_t*>(memory)[i] = static_cast<uint16_t>(value);
    if (pixel_type != SUMMIT_PIXEL_RAW18X16) return;
    // Segment 3 lies in bits 54 to 71 of the clock's 288.
    auto* clock = static_cast<uint8_t*>(memory) + 36 * i;
    std::memset(clock, 0, 36);
    const uint64_t code = (static_cast<uint64_t>(value) ^ 0x20000u) & 0x3FFFFu;
    uint32_t low = static_cast<uint32_t>(code << 22);  // bits 54..63 are the top of word 1
    uint32_t high = static_cast<uint32_t>(code >> 10);
    std::memcpy(clock + 4, &low, 4);
    std::memcpy(clock + 8, &high, 4);
  }

  void Exposure(const std::string& obsid, uint64_t from, uint64_t to) {
    Resume(obsid);
    for (uint64_t number = from; number < to; ++number) Stamp(number);
    Pause(to);
  }

  // The next report that is wanted.
  FileReport Report(const std::function<bool(const FileReport&)>& wanted = [](const FileReport&) { return true; }) {
    const uint64_t deadline = daq::MonotonicNs() + 20000000000u;
    while (daq::MonotonicNs() < deadline) {
      for (FileReport& report : recorder_->TakeReports()) waiting_.push_back(std::move(report));
      for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
        if (!wanted(*at)) continue;
        FileReport found = std::move(*at);
        waiting_.erase(at);
        return found;
      }
      news_->Wait(200);
      news_->Clear();
    }
    ADD_FAILURE() << "no such report within 20 s";
    return {};
  }

  std::unique_ptr<fits::GuiderFile> Open(const std::string& name) {
    std::string problem;
    auto file = fits::GuiderFile::Open((folder_ / name).string(), &problem);
    EXPECT_NE(file, nullptr) << problem;
    return file;
  }

  std::set<std::string> Names(const fs::path& folder) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
    names.erase(".summit-agent.lock");
    return names;
  }
  std::set<std::string> Names() const { return Names(folder_); }

  static void ExpectPixels(fits::GuiderFile* file, size_t index, uint64_t number) {
    std::vector<int32_t> pixels(kRows * kCols);
    std::string problem;
    ASSERT_TRUE(file->ReadPixels(index, pixels, &problem)) << problem;
    for (size_t i = 0; i < pixels.size(); ++i) ASSERT_EQ(pixels[i], PixelOf(number, i)) << "pixel " << i;
  }

  uint8_t location = kSensor;
  uint64_t series = 7;
  uint64_t tai = kTai;
  fs::path folder_;
  std::shared_ptr<daq::Wakeup> news_ = std::make_shared<daq::Wakeup>();
  std::shared_ptr<daq::FramePool> pool_;
  std::shared_ptr<GuiderRecorder> recorder_;
  std::vector<FileReport> waiting_;
};

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

TEST_F(GuiderRecorderTest, NamesWhatHasNoObsidAfterTheSeries) {
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

TEST_F(GuiderRecorderTest, NeverReplacesAFile) {
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

TEST_F(GuiderRecorderTest, ClosesAFileWhosePauseWasLost) {
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

TEST_F(GuiderRecorderTest, CountsStampsThatComeAfterTheirExposure) {
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

TEST_F(GuiderRecorderTest, KeepsSensorsApart) {
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
