// SPDX-License-Identifier: Apache-2.0
// For tests: a guider recorder, and the frames a link would give it.
// Thread: the test's.
// Owns: a temporary folder, a frame pool.
#ifndef SUMMIT_RECORDER_TESTING_RECORDER_RIG_H_
#define SUMMIT_RECORDER_TESTING_RECORDER_RIG_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "addons/daq/clock.h"
#include "addons/daq/wakeup.h"
#include "addons/fits/guider_file.h"
#include "addons/fits/testing/temporary_folder.h"
#include "addons/recorder/guider_recorder.h"

namespace summit::recorder {

inline constexpr uint8_t kSensor = 3;  // R00_SG0
inline constexpr uint16_t kRows = 10;
inline constexpr uint16_t kCols = 12;
inline constexpr uint64_t kBytes = kRows * kCols * sizeof(int32_t);
inline constexpr uint64_t kTai = 1800000000123000000;
inline constexpr uint64_t kPeriod = 111111111;

inline int32_t PixelOf(uint64_t stamp, size_t i) { return static_cast<int32_t>(13000 + stamp * 10 + i * i * 31 % 97); }

class RecorderRig : public testing::Test {
 protected:
  void SetUp() override {
    Make(folder_.string(), 32);
  }
  void TearDown() override {
    EXPECT_TRUE(recorder_->Stop(10000));
    recorder_.reset();
    EXPECT_EQ(pool_->in_use(), 0u);
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

  std::set<std::string> Names(const std::filesystem::path& folder) const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
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
  const fits::testing::TemporaryFolder temporary_{};
  const std::filesystem::path folder_ = temporary_.path();
  std::shared_ptr<daq::Wakeup> news_ = std::make_shared<daq::Wakeup>();
  std::shared_ptr<daq::FramePool> pool_;
  std::shared_ptr<GuiderRecorder> recorder_;
  std::vector<FileReport> waiting_;
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_TESTING_RECORDER_RIG_H_
