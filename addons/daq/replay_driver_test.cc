// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/replay_driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "addons/daq/clock.h"
#include "addons/fits/guider_file_writer.h"
#include "addons/fits/testing/temporary_folder.h"

namespace summit::daq {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBegin = 1764720000123000000;
constexpr uint64_t kPeriod = 20000000;
constexpr size_t kSlotBytes = 40000;

// A pool that refuses when its slots are out, and keeps what is logged.
struct FakeHost {
  explicit FakeHost(size_t slots) : memory(slots, std::vector<int32_t>(kSlotBytes / 4)), lent(slots, false) {
    host.struct_size = sizeof(host);
    host.abi_version = SUMMIT_ABI_VERSION;
    host.context = this;
    host.slot_bytes = kSlotBytes;
    host.acquire = [](void* context, uint64_t bytes, void** address) { return static_cast<FakeHost*>(context)->Acquire(bytes, address); };
    host.cancel = [](void* context, uint64_t token) { static_cast<FakeHost*>(context)->Release(token); };
    host.commit = [](void*, const SummitFrame*) {};
    host.log = [](void* context, int level, const char* text) { static_cast<FakeHost*>(context)->lines.emplace_back(level, text); };
  }
  uint64_t Acquire(uint64_t bytes, void** address) {
    for (size_t i = 0; i < lent.size() && bytes <= kSlotBytes; ++i) {
      if (lent[i]) continue;
      lent[i] = true;
      *address = memory[i].data();
      return i + 1;
    }
    ++refused;
    return 0;
  }
  void Release(uint64_t token) { lent[token - 1] = false; }
  size_t Lent() const { return static_cast<size_t>(std::count(lent.begin(), lent.end(), true)); }

  SummitHost host{};
  std::vector<std::vector<int32_t>> memory;
  std::vector<bool> lent;
  std::atomic<int> refused{0};
  std::vector<std::pair<int, std::string>> lines;
};

struct Seen {
  SummitFrame frame{};
  std::vector<uint8_t> payload;
};

class ReplayTest : public testing::Test {
 protected:
  void TearDown() override {
    if (handle_ != nullptr) driver_->close(handle_);
  }

  static fits::GuiderHeader Header(const char* raft, const char* slot, int64_t sequence = 77) {
    fits::GuiderHeader header;
    header.obsid = "MC_O_20251202_000439";
    header.camera_code = "MC";
    header.controller = "O";
    header.day_obs = "20251202";
    header.raft_bay = raft;
    header.ccd_slot = slot;
    header.firmware = "2139210b";
    header.controller_serial = "10000";
    header.daq_version = "R5-V13.16";
    header.daq_partition = "guider";
    header.platform = "lsstcam";
    header.time_system = "TAI";
    header.gds_start_tai_ns = kBegin - kPeriod;
    header.segment = 17;
    header.split_roi = false;
    header.seq_num = 439;
    header.gds_sequence = sequence;
    header.roi_start_col = 254;
    header.roi_start_row = 975;
    header.roi_cols = 12;
    header.roi_rows = 10;
    header.integration_ms = 50;
    header.under_cols = header.over_cols = header.over_rows = header.flush_count = header.ccd_type = 0;
    return header;
  }

  // Stamp i has the time kBegin + lag + i * kPeriod and every pixel 1000 + i.
  std::string File(const std::string& name, const fits::GuiderHeader& header, const std::vector<uint64_t>& daq_stamps,
                   uint64_t lag_ns = 0) {
    const std::string path = (folder_ / name).string();
    std::string problem;
    auto writer = fits::GuiderFileWriter::Create(path, header, &problem);
    EXPECT_NE(writer, nullptr) << problem;
    for (size_t i = 0; i < daq_stamps.size(); ++i) {
      const std::vector<int32_t> pixels(120, static_cast<int32_t>(1000 + i));
      EXPECT_TRUE(writer->Append({pixels, 10, 12, kBegin + lag_ns + i * kPeriod, daq_stamps[i]}, &problem)) << problem;
    }
    EXPECT_TRUE(writer->Close(&problem)) << problem;
    return path;
  }

  int Open(const std::vector<std::string>& files, const std::string& rest) {
    std::string json = "{\"files\":[";
    for (const std::string& file : files) json += (json.back() == '[' ? "\"" : ",\"") + file + "\"";
    return OpenJson(json + "]" + rest + "}");
  }
  int OpenJson(const std::string& json) {
    return driver_->open(json.c_str(), &host_.host, &handle_, message_.data(), message_.size());
  }

  // Takes frames until something else than a frame comes; slots go back at once.
  std::vector<Seen> Drain(size_t most = 1000, int timeout_ms = 2000) {
    std::vector<Seen> all;
    while (all.size() < most) {
      Seen seen;
      seen.frame.struct_size = sizeof(seen.frame);
      last_ = driver_->next(handle_, &seen.frame, timeout_ms);
      if (last_ != 1) break;
      if (seen.frame.data != nullptr) {
        const auto* bytes = static_cast<const uint8_t*>(seen.frame.data);
        seen.payload.assign(bytes, bytes + seen.frame.bytes);
      }
      if (seen.frame.token != 0) host_.Release(seen.frame.token);
      all.push_back(std::move(seen));
    }
    return all;
  }
  std::vector<Seen> Play(const std::vector<std::string>& files, const std::string& rest) {
    EXPECT_EQ(Open(files, rest), SUMMIT_OK) << message_.data();
    EXPECT_EQ(driver_->start(handle_), SUMMIT_OK);
    return Drain();
  }

  const SummitDriver* driver_ = ReplayDriver();
  FakeHost host_{4};
  void* handle_ = nullptr;
  std::array<char, 512> message_{};
  int last_ = 0;
  const fits::testing::TemporaryFolder temporary_{};
  const fs::path folder_ = temporary_.path();
};

std::vector<int> Types(const std::vector<Seen>& all) {
  std::vector<int> types;
  for (const Seen& seen : all) types.push_back(seen.frame.event_type);
  return types;
}

constexpr const char* kMax = R"(,"speed":"max")";

TEST_F(ReplayTest, GivesAFileAsTheDaqSentIt) {
  const auto all = Play({File("a.fits", Header("R44", "SG0"), {0, 1, 2})}, kMax);
  EXPECT_EQ(last_, SUMMIT_ERR_CLOSED);
  ASSERT_EQ(Types(all), (std::vector<int>{SUMMIT_EVENT_START, SUMMIT_EVENT_RESUME, 0, 0, 0, SUMMIT_EVENT_PAUSE, SUMMIT_EVENT_STOP,
                                          SUMMIT_EVENT_END}));
  SummitSeriesMetadata metadata;  // packed: its members are copied before they are bound to a reference
  ASSERT_EQ(all[0].payload.size(), sizeof(metadata));
  std::memcpy(&metadata, all[0].payload.data(), sizeof(metadata));
  EXPECT_EQ(int{metadata.common.nrows}, 10);
  EXPECT_EQ(int{metadata.common.ncols}, 12);
  EXPECT_EQ(int{metadata.common.integration_ms}, 50);
  EXPECT_EQ(metadata.roi.location, 219);
  EXPECT_EQ(int{metadata.roi.segment}, 17);
  EXPECT_EQ(int{metadata.roi.start_row}, 975);
  EXPECT_EQ(int{metadata.roi.start_col}, 254);
  EXPECT_STREQ(metadata.version, "R5-V13.16");
  EXPECT_EQ(uint32_t{metadata.firmware}, 0x2139210bu);
  EXPECT_EQ(uint64_t{metadata.serial}, 0x10000u);
  EXPECT_EQ(all[0].frame.t_src_tai_ns, kBegin - kPeriod);
  EXPECT_EQ(std::string(all[1].payload.begin(), all[1].payload.end()), "MC_O_20251202_000439");
  uint64_t before = 0;
  for (size_t i = 0; i < 3; ++i) {
    const SummitFrame& frame = all[2 + i].frame;
    EXPECT_EQ(frame.location, 219);
    EXPECT_EQ(frame.sequence, 77);
    EXPECT_EQ(frame.stamp, i);
    EXPECT_EQ(frame.t_src_tai_ns, kBegin + i * kPeriod);
    EXPECT_EQ(frame.flags, i == 0 ? uint32_t{SUMMIT_FRAME_FIRST} : 0u);
    EXPECT_EQ(frame.pixel_type, SUMMIT_PIXEL_I32);
    EXPECT_EQ(frame.bytes, 480u);
    EXPECT_EQ(frame.daq_state, SUMMIT_STATE_RUNNING);
    EXPECT_GT(frame.t_first_ns, before);
    before = frame.t_last_ns;
    std::vector<int32_t> pixels(120);
    ASSERT_EQ(all[2 + i].payload.size(), 480u);
    std::memcpy(pixels.data(), all[2 + i].payload.data(), 480);
    EXPECT_EQ(pixels, std::vector<int32_t>(120, static_cast<int32_t>(1000 + i)));
  }
  EXPECT_EQ(all[5].frame.stamps_sent, 3u);
  EXPECT_EQ(all[6].frame.stamps_sent, 3u);
  EXPECT_EQ(all[7].frame.location, 0xFF);
  EXPECT_EQ(all[7].frame.stamps_sent, UINT64_MAX);
  for (const Seen& seen : all) EXPECT_EQ(seen.frame.session, all[0].frame.session);
  EXPECT_NE(all[0].frame.session, 0u);
  EXPECT_TRUE(host_.lines.empty()) << host_.lines.front().second;
  SummitLinkStats stats{};
  stats.struct_size = sizeof(stats);
  driver_->stats(handle_, &stats);
  EXPECT_EQ(stats.packets, 8u);
  EXPECT_EQ(stats.link_up, 0u);
}

TEST_F(ReplayTest, MergesTwoSensorsByTime) {
  const std::string late = File("late.fits", Header("R00", "SG1"), {0, 1, 2}, kPeriod / 2);
  const std::string early = File("early.fits", Header("R44", "SG0"), {0, 1, 2});
  const auto all = Play({late, early}, kMax);
  std::vector<std::pair<int, int>> stamps;
  std::map<int, std::vector<int>> events;
  uint64_t before = 0;
  for (const Seen& seen : all) {
    events[seen.frame.location].push_back(seen.frame.event_type);
    if (seen.frame.event_type != SUMMIT_EVENT_STAMP) continue;
    stamps.emplace_back(seen.frame.location, seen.frame.stamp);
    EXPECT_GT(seen.frame.t_src_tai_ns, before);
    before = seen.frame.t_src_tai_ns;
  }
  EXPECT_EQ(stamps, (std::vector<std::pair<int, int>>{{219, 0}, {4, 0}, {219, 1}, {4, 1}, {219, 2}, {4, 2}}));
  const std::vector<int> one{1, 4, 0, 0, 0, 3, 2};
  EXPECT_EQ(events[219], one);
  EXPECT_EQ(events[4], one);
  EXPECT_EQ(events[0xFF], std::vector<int>{SUMMIT_EVENT_END});
}

TEST_F(ReplayTest, KeepsTheGapsOfTheDaq) {
  const auto all = Play({File("a.fits", Header("R44", "SG0"), {0, 3, 65535, 65536})}, kMax);
  EXPECT_EQ(all[3].frame.stamp, 3);
  EXPECT_EQ(all[4].frame.stamp, 65535);
  EXPECT_EQ(all[5].frame.stamp, 0) << "16 bits on the wire";
  EXPECT_EQ(all[6].frame.stamps_sent, 65537u);
}

TEST_F(ReplayTest, PutsAnOldNameRightAndSaysSo) {
  fits::GuiderHeader header = Header("R44", "SG0");
  header.day_obs = "20240918";
  const std::string path = File("old.fits", header, {0});
  const auto all = Play({path}, kMax);
  EXPECT_EQ(all[2].frame.location, 220);
  EXPECT_EQ(all[2].frame.flags, SUMMIT_FRAME_NAME_CORRECTED | SUMMIT_FRAME_FIRST);
  ASSERT_EQ(host_.lines.size(), 1u);
  EXPECT_EQ(host_.lines[0].first, 20);
  EXPECT_NE(host_.lines[0].second.find(path), std::string::npos);
  EXPECT_NE(host_.lines[0].second.find("SG0 and SG1 exchanged"), std::string::npos) << host_.lines[0].second;
}

TEST_F(ReplayTest, WarnsOnceOfMissingKeywords) {
  fits::GuiderHeader one = Header("R44", "SG0");
  fits::GuiderHeader two = Header("R44", "SG1");
  one.integration_ms.reset();
  one.platform.clear();
  two.integration_ms.reset();
  two.platform.clear();
  const std::string first = File("1.fits", one, {0});
  Play({first, File("2.fits", two, {0})}, kMax);
  ASSERT_EQ(host_.lines.size(), 1u);
  EXPECT_EQ(host_.lines[0].first, 30);
  EXPECT_EQ(host_.lines[0].second,
            "replay: keywords missing in the header, taken as absent: " + first + " and 1 more: no PLATFORM, ROIMILLI");
}

TEST_F(ReplayTest, KeepsTheOriginalPace) {
  const uint64_t before = MonotonicNs();
  const auto all = Play({File("a.fits", Header("R44", "SG0"), {0, 1, 2, 3})}, R"(,"speed":2,"startDelayMs":15)");
  ASSERT_EQ(all.size(), 9u);
  EXPECT_GE(all[0].frame.t_first_ns - before, 15000000u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_GE(all[2 + i].frame.t_first_ns - before, 15000000u + (i + 1) * kPeriod / 2) << "stamp " << i << " came early";
  }
}

TEST_F(ReplayTest, GoesOnWithoutPixelsAtAPace) {
  for (size_t i = 0; i < host_.lent.size(); ++i) host_.lent[i] = true;
  const auto all = Play({File("a.fits", Header("R44", "SG0"), {0, 1})}, R"(,"speed":100)");
  ASSERT_EQ(all.size(), 7u);
  EXPECT_EQ(all[2].frame.token, 0u);
  EXPECT_EQ(all[2].frame.data, nullptr);
  EXPECT_EQ(all[3].frame.stamp, 1);
  EXPECT_EQ(host_.refused, 2);
}

TEST_F(ReplayTest, WaitsForASlotWithoutAPace) {
  ASSERT_EQ(Open({File("a.fits", Header("R44", "SG0"), {0, 1})}, kMax), SUMMIT_OK) << message_.data();
  ASSERT_EQ(driver_->start(handle_), SUMMIT_OK);
  EXPECT_EQ(Drain(2).size(), 2u);
  for (size_t i = 0; i < host_.lent.size(); ++i) host_.lent[i] = true;
  EXPECT_TRUE(Drain(1, 5).empty());
  EXPECT_EQ(last_, 0);
  EXPECT_GE(host_.refused, 2);
  host_.lent[2] = false;
  const auto rest = Drain();
  ASSERT_EQ(rest.size(), 5u);
  EXPECT_EQ(rest[0].frame.token, 3u);
  EXPECT_EQ(rest[0].frame.stamp, 0) << "the stamp that waited is not lost";
}

TEST_F(ReplayTest, StopsInTheMiddleOfAWait) {
  ASSERT_EQ(Open({File("a.fits", Header("R44", "SG0"), {0, 1})}, R"(,"startDelayMs":60000)"), SUMMIT_OK);
  SummitFrame frame{};
  frame.struct_size = sizeof(frame);
  EXPECT_EQ(driver_->next(handle_, &frame, 0), SUMMIT_ERR_STATE);
  ASSERT_EQ(driver_->start(handle_), SUMMIT_OK);
  EXPECT_EQ(driver_->next(handle_, &frame, 5), 0);
  std::atomic<bool> waiting{false};
  int got = 1;
  std::thread link([&] {
    waiting.store(true);
    got = driver_->next(handle_, &frame, 50000);
  });
  while (!waiting.load()) std::this_thread::yield();
  const uint64_t before = MonotonicNs();
  EXPECT_EQ(driver_->stop(handle_, 1000), SUMMIT_OK);
  link.join();
  EXPECT_LT(MonotonicNs() - before, 5000000000u);
  EXPECT_EQ(got, SUMMIT_ERR_CLOSED);
}

TEST_F(ReplayTest, StopsWhileItWaitsForASlot) {
  ASSERT_EQ(Open({File("a.fits", Header("R44", "SG0"), {0, 1})}, kMax), SUMMIT_OK);
  ASSERT_EQ(driver_->start(handle_), SUMMIT_OK);
  EXPECT_EQ(Drain(2).size(), 2u);
  for (size_t i = 0; i < host_.lent.size(); ++i) host_.lent[i] = true;
  int got = 1;
  std::thread link([&] {
    SummitFrame frame{};
    frame.struct_size = sizeof(frame);
    got = driver_->next(handle_, &frame, 50000);
  });
  while (host_.refused == 0) std::this_thread::yield();
  EXPECT_EQ(driver_->stop(handle_, 1000), SUMMIT_OK);
  link.join();
  EXPECT_EQ(got, SUMMIT_ERR_CLOSED);
  ASSERT_EQ(driver_->start(handle_), SUMMIT_OK);
  host_.lent.assign(host_.lent.size(), false);
  EXPECT_EQ(Drain().size(), 7u) << "a new start begins at the beginning";
}

TEST_F(ReplayTest, LoopsWithNewSeriesAndLaterTimes) {
  const std::string a = File("a.fits", Header("R44", "SG0", 77), {0, 1});
  const std::string b = File("b.fits", Header("R44", "SG0", 79), {0, 1}, 4 * kPeriod);
  ASSERT_EQ(Open({a, b}, R"(,"speed":0,"loop":true)"), SUMMIT_OK) << message_.data();
  ASSERT_EQ(driver_->start(handle_), SUMMIT_OK);
  const auto all = Drain(36);
  ASSERT_EQ(all.size(), 36u);
  std::vector<int> starts;
  uint64_t before = 0;
  for (const Seen& seen : all) {
    EXPECT_NE(seen.frame.event_type, SUMMIT_EVENT_END);
    if (seen.frame.event_type == SUMMIT_EVENT_START) starts.push_back(seen.frame.sequence);
    if (seen.frame.event_type != SUMMIT_EVENT_STAMP) continue;
    EXPECT_GT(seen.frame.t_src_tai_ns, before);
    before = seen.frame.t_src_tai_ns;
  }
  EXPECT_EQ(starts, (std::vector<int>{77, 79, 80, 82, 83, 85}));
}

TEST_F(ReplayTest, MarksTimesThatAreMissingOrDoNotIncrease) {
  const std::string path = (folder_ / "a.fits").string();
  std::string problem;
  auto writer = fits::GuiderFileWriter::Create(path, Header("R44", "SG0"), &problem);
  ASSERT_NE(writer, nullptr) << problem;
  const std::vector<int32_t> pixels(4, 7);
  for (const uint64_t time : {kBegin, uint64_t{0}, kBegin, kBegin - 5}) {
    ASSERT_TRUE(writer->Append({pixels, 2, 2, time, static_cast<uint64_t>(writer->stamps())}, &problem)) << problem;
  }
  ASSERT_TRUE(writer->Close(&problem)) << problem;
  const auto all = Play({path}, kMax);
  ASSERT_EQ(all.size(), 9u);
  EXPECT_EQ(all[2].frame.flags, SUMMIT_FRAME_FIRST);
  EXPECT_EQ(all[3].frame.flags, SUMMIT_FRAME_TIME_SUSPECT);
  EXPECT_EQ(all[3].frame.t_src_tai_ns, 0u);
  EXPECT_EQ(all[4].frame.flags, 0u);
  EXPECT_EQ(all[5].frame.flags, SUMMIT_FRAME_TIME_SUSPECT);
  EXPECT_EQ(all[5].frame.stamp, 3);
}

TEST_F(ReplayTest, WritesNoMoreThanTheCallerHasRoomFor) {
  ASSERT_EQ(Open({File("a.fits", Header("R44", "SG0"), {0})}, kMax), SUMMIT_OK);
  ASSERT_EQ(driver_->start(handle_), SUMMIT_OK);
  SummitFrame frame;
  std::memset(&frame, 0x5A, sizeof(frame));
  frame.struct_size = 112;
  ASSERT_EQ(driver_->next(handle_, &frame, 100), 1);
  EXPECT_EQ(frame.struct_size, 112u);
  EXPECT_EQ(frame.stamps_sent, 0x5A5A5A5A5A5A5A5Au);
}

TEST_F(ReplayTest, RefusesWithASentence) {
  const std::string good = File("a.fits", Header("R44", "SG0"), {0});
  const auto refused = [&](const std::string& json, int code, const std::string& text) {
    EXPECT_EQ(OpenJson(json), code) << json;
    EXPECT_NE(std::string(message_.data()).find(text), std::string::npos) << message_.data();
    EXPECT_EQ(handle_, nullptr);
  };
  refused("[]", SUMMIT_ERR_CONFIG, "replay: expected a JSON object");
  refused("{}", SUMMIT_ERR_CONFIG, "replay: files: expected 1..256 paths, got 0");
  refused(R"({"files":[3]})", SUMMIT_ERR_CONFIG, "replay: files: expected paths, got 3");
  refused(R"({"files":["x"],"speed":"fast"})", SUMMIT_ERR_CONFIG, R"(replay: speed: expected a number 0..1000000 or "max", got "fast")");
  refused(R"({"files":["x"],"speed":-1})", SUMMIT_ERR_CONFIG, "got -1");
  refused(R"({"files":["x"],"sped":1})", SUMMIT_ERR_CONFIG, "replay: sped: not a key known here");
  refused(R"({"files":["/no/such.fits"]})", SUMMIT_ERR_RESOURCE, "replay: /no/such.fits: cannot be opened: No such file");
  fits::GuiderHeader nameless = Header("", "");
  refused(R"({"files":[")" + File("x.fits", nameless, {0}) + "\"]}", SUMMIT_ERR_RESOURCE, "neither RAFTBAY and CCDSLOT nor the file name");
  refused(R"({"files":[")" + File("y.fits", Header("R95", "SG0"), {0}) + "\"]}", SUMMIT_ERR_RESOURCE, "sensor R95_SG0: expected a name");
  host_.host.slot_bytes = 479;
  refused(R"({"files":[")" + good + "\"]}", SUMMIT_ERR_RESOURCE, "a stamp has 480 bytes, a slot of the pool 479");
}

TEST_F(ReplayTest, GivesTheRecordedFilesOfTheCamera) {
  const char* named = std::getenv("SUMMIT_REAL_DATA");
  const fs::path folder = fs::path(named != nullptr ? named : "../shared/data/real") / "lsst-obs_lsst/tests/data/input/guider/guider_data";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder << ": set SUMMIT_REAL_DATA to the folder of recorded files";
  const auto all = Play({(folder / "MC_C_20240918_000013_R00_SG0_guider.fits").string(),
                         (folder / "MC_C_20230616_000013_R04_SG0.fits").string()}, kMax);
  std::map<int, size_t> stamps;
  for (const Seen& seen : all) {
    if (seen.frame.event_type != SUMMIT_EVENT_STAMP) continue;
    ++stamps[seen.frame.location];
    EXPECT_NE(seen.frame.token, 0u);
    EXPECT_EQ(seen.frame.flags & ~uint32_t{SUMMIT_FRAME_FIRST}, SUMMIT_FRAME_NAME_CORRECTED);
  }
  // R04_SG1 and R00_SG1: both files are from before the names were put right.
  EXPECT_EQ(stamps, (std::map<int, size_t>{{40, 92}, {4, 102}}));
  EXPECT_EQ(all.size(), 92u + 102u + 8u + 1u);
  EXPECT_EQ(all.front().frame.location, 40) << "2023 comes before 2024, whatever the order of the list";
  EXPECT_EQ(host_.Lent(), 0u);
}

}  // namespace
}  // namespace summit::daq
