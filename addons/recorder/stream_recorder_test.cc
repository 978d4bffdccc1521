// SPDX-License-Identifier: Apache-2.0
// Recordings written, read and played again.
#include "addons/recorder/stream_recorder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "addons/daq/recording_file.h"
#include "addons/daq/testing/link_rig.h"
#include "addons/fits/testing/temporary_folder.h"

namespace summit::recorder {
namespace {

namespace fs = std::filesystem;
using daq::RecordingFile;
using Step = RecordingFile::Step;

constexpr uint16_t kSide = 10;
constexpr uint32_t kBytes = kSide * kSide * 4;
constexpr uint8_t kSensor = 3;

int32_t PixelOf(uint64_t stamp, size_t i) { return static_cast<int32_t>(13000 + stamp + i % 5); }

class StreamRecorderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string message;
    pool_ = daq::FramePool::Create({.slots = 64, .slot_bytes = kBytes, .huge_pages = false}, &message);
  }
  void TearDown() override {
    EXPECT_EQ(pool_->in_use(), 0u);
  }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  std::shared_ptr<StreamRecorder> Make(const StreamSettings& settings) {
    std::string problem;
    auto recorder = StreamRecorder::Create(settings, &problem);
    EXPECT_NE(recorder, nullptr) << problem;
    recorder->Attach(pool_);
    return recorder;
  }

  SummitFrame Frame(uint8_t type) {
    SummitFrame frame{};
    frame.struct_size = sizeof(frame);
    frame.abi_version = SUMMIT_ABI_VERSION;
    frame.event_type = type;
    frame.location = kSensor;
    frame.sequence = 7;
    frame.session = 99;
    frame.stamps_sent = UINT64_MAX;
    frame.t_src_tai_ns = 1800000000000000000u + time_;
    frame.t_first_ns = frame.t_last_ns = ++time_;
    return frame;
  }

  void Event(StreamRecorder* recorder, uint8_t type, const std::string& payload, uint64_t sent = UINT64_MAX) {
    SummitFrame frame = Frame(type);
    frame.data = payload.data();
    frame.bytes = static_cast<uint32_t>(payload.size());
    frame.stamps_sent = sent;
    recorder->OnDelivered(frame, daq::MonotonicNs());
  }

  void Stamp(StreamRecorder* recorder, uint64_t number, uint32_t flags = 0, bool slot = true) {
    SummitFrame frame = Frame(SUMMIT_EVENT_STAMP);
    frame.stamp = static_cast<uint16_t>(number);
    frame.rows = frame.cols = kSide;
    frame.pixel_type = SUMMIT_PIXEL_I32;
    frame.bytes = kBytes;
    frame.flags = flags;
    void* memory = nullptr;
    if (slot) frame.token = pool_->Acquire(kBytes, &memory);
    for (size_t i = 0; slot && i < kSide * kSide; ++i) static_cast<int32_t*>(memory)[i] = PixelOf(number, i);
    recorder->OnDelivered(frame, daq::MonotonicNs());
    if (slot) pool_->Release(frame.token);
  }

  // START, a prediction, four stamps (whole, incomplete, without a slot, whole), PAUSE, STOP.
  void Series(StreamRecorder* recorder) {
    SummitSeriesMetadata metadata{};
    metadata.common.nrows = metadata.common.ncols = kSide;
    metadata.roi.location = kSensor;
    std::string bytes(sizeof(metadata), '\0');
    std::memcpy(bytes.data(), &metadata, sizeof(metadata));
    Event(recorder, SUMMIT_EVENT_START, bytes);
    Event(recorder, SUMMIT_EVENT_RESUME, "MC_O_20260714_000123");
    recorder->OnPrediction(kSensor, {4.5, 5.5, 3, 1});
    Stamp(recorder, 0);
    Stamp(recorder, 1, SUMMIT_FRAME_INCOMPLETE);
    Stamp(recorder, 2, 0, false);
    Stamp(recorder, 3);
    Event(recorder, SUMMIT_EVENT_PAUSE, "", 4);
    Event(recorder, SUMMIT_EVENT_STOP, "", 4);
  }
  static constexpr uint64_t kRecords = 9;

  std::string Record(const std::string& name, bool compress) {
    const auto recorder = Make({.path = Path(name), .compress = compress, .json = "{\"driver\":\"wire\"}"});
    recorder->Start();
    Series(recorder.get());
    EXPECT_TRUE(recorder->Stop(10000));
    EXPECT_EQ(recorder->problem(), "");
    EXPECT_EQ(recorder->Snapshot()["stream_records"], kRecords);
    EXPECT_EQ(recorder->Snapshot()["stream_bytes"], fs::file_size(Path(name)));
    return Path(name);
  }

  // How many records can be read before the end, and what ends it.
  static std::pair<uint64_t, Step> Count(const std::string& path, std::string* problem) {
    auto file = RecordingFile::Open(path, problem);
    if (file == nullptr) return {0, Step::kDamaged};
    uint64_t count = 0;
    std::vector<uint8_t> payload;
    while (true) {
      const Step step = file->Next(problem);
      if (step != Step::kFrame) return {count, step};
      payload.resize(file->head().bytes);
      if (!file->ReadPayload(payload, problem)) return {count, Step::kDamaged};
      ++count;
    }
  }

  const fits::testing::TemporaryFolder temporary_{};
  const fs::path folder_ = temporary_.path();
  std::shared_ptr<daq::FramePool> pool_;
  uint64_t time_ = 1000;
};

TEST_F(StreamRecorderTest, GivesBackEveryFrameAsItWasDelivered) {
  for (const bool compress : {false, true}) {
    std::string problem;
    auto file = RecordingFile::Open(Record(compress ? "deflated" : "plain", compress), &problem);
    ASSERT_NE(file, nullptr) << problem;
    EXPECT_EQ(file->json(), "{\"driver\":\"wire\"}");
    std::vector<SummitFrame> frames;
    std::vector<std::vector<uint8_t>> payloads;
    while (file->Next(&problem) == Step::kFrame) {
      frames.push_back(file->frame());
      payloads.emplace_back(file->head().bytes);
      ASSERT_TRUE(file->ReadPayload(payloads.back(), &problem)) << problem;
    }
    ASSERT_EQ(frames.size(), kRecords);
    EXPECT_EQ(file->end().records, kRecords);
    EXPECT_EQ(file->end().stamps, 4u);
    EXPECT_EQ(file->end().left_out, 0u);
    EXPECT_EQ(payloads[0].size(), sizeof(SummitSeriesMetadata));
    EXPECT_EQ(std::string(payloads[1].begin(), payloads[1].end()), "MC_O_20260714_000123");
    EXPECT_EQ(frames[2].event_type, SUMMIT_EVENT_PREDICTION);
    for (const size_t at : {3u, 4u, 6u}) {
      ASSERT_EQ(payloads[at].size(), kBytes);
      int32_t last = 0;
      std::memcpy(&last, payloads[at].data() + kBytes - 4, 4);
      EXPECT_EQ(last, PixelOf(frames[at].stamp, kSide * kSide - 1));
      EXPECT_EQ(frames[at].session, 99u);
    }
    EXPECT_EQ(frames[4].flags, SUMMIT_FRAME_INCOMPLETE);
    EXPECT_EQ(frames[5].token, 0u);
    EXPECT_EQ(payloads[5].size(), 0u);
    EXPECT_EQ(frames[8].stamps_sent, 4u);
  }
  EXPECT_LT(fs::file_size(Path("deflated")), fs::file_size(Path("plain")) * 2 / 3);
}

TEST_F(StreamRecorderTest, TellsWhereAFileWasCutOffAndKeepsWhatIsBefore) {
  const std::string whole = Record("whole", false);
  std::ifstream stream(whole, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  std::string problem;
  EXPECT_EQ(Count(whole, &problem), (std::pair{kRecords, Step::kEnd}));
  uint64_t most = 0;
  for (size_t length = 0; length < bytes.size(); length += 7) {
    std::ofstream(Path("cut"), std::ios::binary) << bytes.substr(0, length);
    const auto [count, step] = Count(Path("cut"), &problem);
    EXPECT_EQ(step, Step::kDamaged) << length;
    EXPECT_NE(problem, "");
    EXPECT_GE(count, most) << "more bytes, no fewer records";
    most = std::max(most, count);
  }
  EXPECT_EQ(most, kRecords) << "only the end marker was missing";
}

TEST_F(StreamRecorderTest, FindsEveryDamagedByte) {
  const std::string whole = Record("whole", true);
  std::ifstream stream(whole, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  uint64_t unseen = 0;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    std::ofstream(Path("damaged"), std::ios::binary) << damaged;
    std::string problem;
    if (Count(Path("damaged"), &problem).second == Step::kEnd) ++unseen;
  }
  // Zeros between records are no part of them.
  EXPECT_LE(unseen, kRecords * 3);
}

TEST_F(StreamRecorderTest, RecordsThatNothingIsExpectedYetWhereARoleGuides) {
  const auto recorder = Make({.path = Path("guided"), .guided = true});
  Stamp(recorder.get(), 0);
  Stamp(recorder.get(), 1);
  recorder->Start();
  ASSERT_TRUE(recorder->Stop(10000));
  std::string problem;
  auto file = RecordingFile::Open(Path("guided"), &problem);
  ASSERT_NE(file, nullptr) << problem;
  ASSERT_EQ(file->Next(&problem), Step::kFrame);
  EXPECT_EQ(file->frame().event_type, SUMMIT_EVENT_PREDICTION);
  SummitPrediction prediction{1, 1, 1, 1};
  ASSERT_TRUE(file->ReadPayload({reinterpret_cast<uint8_t*>(&prediction), sizeof(prediction)}, &problem)) << problem;
  EXPECT_EQ(prediction.valid, 0u);
  for (uint16_t stamp = 0; stamp < 2; ++stamp) {
    ASSERT_EQ(file->Next(&problem), Step::kFrame);
    EXPECT_EQ(file->frame().event_type, SUMMIT_EVENT_STAMP);
    EXPECT_EQ(file->frame().stamp, stamp);
  }
}

TEST_F(StreamRecorderTest, ReplacesNoFile) {
  std::ofstream(Path("there")) << "something";
  std::string problem;
  EXPECT_EQ(StreamRecorder::Create({.path = Path("there")}, &problem), nullptr);
  EXPECT_NE(problem.find("replaces nothing"), std::string::npos) << problem;
  EXPECT_EQ(StreamRecorder::Create({.path = Path("no/folder")}, &problem), nullptr);
  EXPECT_EQ(RecordingFile::Open(Path("there"), &problem), nullptr);
  EXPECT_NE(problem.find("expected a recording"), std::string::npos) << problem;
}

TEST_F(StreamRecorderTest, CountsWhatFoundNoRoom) {
  const auto recorder = Make({.path = Path("slow"), .queue_stamps = 8});
  for (uint64_t number = 0; number < 20; ++number) Stamp(recorder.get(), number);
  Event(recorder.get(), SUMMIT_EVENT_PAUSE, "", 20);
  recorder->Start();
  ASSERT_TRUE(recorder->Stop(10000));
  std::string problem;
  auto file = RecordingFile::Open(Path("slow"), &problem);
  ASSERT_NE(file, nullptr) << problem;
  for (uint64_t number = 0; number < 8; ++number) {
    ASSERT_EQ(file->Next(&problem), Step::kFrame);
    EXPECT_EQ(file->head().left_out, 0u);
  }
  ASSERT_EQ(file->Next(&problem), Step::kFrame);
  EXPECT_EQ(file->frame().event_type, SUMMIT_EVENT_PAUSE);
  EXPECT_EQ(file->head().left_out, 12u);
  ASSERT_EQ(file->Next(&problem), Step::kEnd);
  EXPECT_EQ(file->end().left_out, 12u);
}

TEST_F(StreamRecorderTest, PlaysThroughALinkWhatWasRecorded) {
  const std::string path = Record("whole", true);
  const std::string settings = R"({"driver":"recording","slots":4,"slotBytes":640000,"hugePages":false,"options":{"speed":"max","file":")" +
                               path + R"("},"sensors":[{"location":3}]})";
  daq::testing::LinkRig rig(settings);
  ASSERT_EQ(rig.Start(), SUMMIT_OK) << rig.message();
  ASSERT_TRUE(rig.Until([&] { return rig.Count(SUMMIT_EVENT_END) == 1; }));
  EXPECT_TRUE(rig.link().Stop(2000));
  const daq::SensorCounters& counters = rig.link().worker().counters(0);
  EXPECT_EQ(counters.complete.Get(), 2u);
  EXPECT_EQ(counters.incomplete.Get(), 1u);
  EXPECT_EQ(counters.dropped.Get(), 1u);
  EXPECT_EQ(counters.lost.Get(), 0u);
  EXPECT_EQ(rig.Count(SUMMIT_EVENT_PREDICTION), 0u) << "it is for the kernel alone";
  ASSERT_EQ(rig.Count(SUMMIT_EVENT_START), 1u);
  EXPECT_EQ(std::string(rig.records()[1].text), "MC_O_20260714_000123");
  EXPECT_EQ(rig.records()[1].frame.t_last_ns, 1002u) << "times are the recorded ones";
}

TEST_F(StreamRecorderTest, PlaysADamagedRecordingUpToThere) {
  const std::string path = Record("whole", false);
  fs::resize_file(path, fs::file_size(path) - 70);
  const std::string settings = R"({"driver":"recording","slots":4,"hugePages":false,"options":{"speed":"max","file":")" + path +
                               R"("},"sensors":[{"location":3}]})";
  daq::testing::LinkRig rig(settings);
  ASSERT_EQ(rig.Start(), SUMMIT_OK) << rig.message();
  ASSERT_TRUE(rig.Until([&] { return rig.Count(SUMMIT_EVENT_END) == 1; }));
  bool told = false;
  for (const daq::LogLine& line : rig.link().TakeLog()) told = told || line.text.find("records before it are good") != std::string::npos;
  EXPECT_TRUE(told);
  EXPECT_EQ(rig.Count(SUMMIT_EVENT_PAUSE), 1u);
}

// What a link makes of a recording: its records as bytes without this machine's times, and whether damage was told.
struct Heard {
  bool opened = false;
  bool told = false;
  std::string records;
};

Heard Play(const std::string& path) {
  const std::string settings = R"({"driver":"recording","slots":4,"slotBytes":4096,"hugePages":false,"options":{"speed":"max","file":")" +
                               path + R"("},"sensors":[{"location":3}]})";
  Heard heard;
  daq::testing::LinkRig rig(settings);
  heard.opened = rig.Start() == SUMMIT_OK;
  if (!heard.opened) {
    heard.told = rig.message().find(path) != std::string::npos;
    return heard;
  }
  EXPECT_TRUE(rig.Until([&] { return rig.Count(SUMMIT_EVENT_END) == 1; })) << path;
  EXPECT_TRUE(rig.link().Stop(2000));
  EXPECT_EQ(rig.link().pool().in_use(), 0u);
  for (const daq::LogLine& line : rig.link().TakeLog()) heard.told = heard.told || (line.level >= 30 && line.text.find(path) != std::string::npos);
  const daq::SensorCounters& counters = rig.link().worker().counters(0);
  EXPECT_EQ(counters.seen.Get(), counters.complete.Get() + counters.incomplete.Get() + counters.bad.Get() + counters.duplicate.Get() +
                                     counters.dropped.Get());
  for (daq::Record record : rig.records()) {
    record.t_measured_ns = 0;
    record.measurement.measure_ns = 0;
    heard.records.append(reinterpret_cast<const char*>(&record), sizeof(record));
  }
  return heard;
}

TEST_F(StreamRecorderTest, PlaysWhatIsLeftOfARecordingWithFlippedBitsAndTellsOfThem) {
  for (const bool compress : {false, true}) {
    const std::string whole = Record(compress ? "packed" : "plain", compress);
    const Heard clean = Play(whole);
    EXPECT_FALSE(clean.told);
    std::ifstream stream(whole, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    std::mt19937 random(compress ? 2 : 1);
    int untold = 0;
    constexpr int kRuns = 150;
    for (int run = 0; run < kRuns; ++run) {
      std::string damaged = bytes;
      for (uint32_t flips = 1 + random() % 8; flips > 0; --flips) {
        const size_t at = random() % damaged.size();
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
      }
      const std::string path = Path("flipped");
      std::ofstream(path, std::ios::binary) << damaged;
      const Heard heard = Play(path);
      if (heard.told) continue;
      EXPECT_TRUE(heard.opened) << run;
      EXPECT_EQ(heard.records, clean.records) << "run " << run << ": nothing was said, so nothing may differ";
      ++untold;
    }
    // Zeros between records are no part of them.
    EXPECT_LT(untold, kRuns / 20);
  }
}

}  // namespace
}  // namespace summit::recorder
