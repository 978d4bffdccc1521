// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/image_writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "addons/fits/image_file.h"
#include "addons/fits/testing/temporary_folder.h"
#include "addons/image/unpack18.h"

namespace summit::recorder {
namespace {

namespace fs = std::filesystem;

class ImageWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    planes_ = std::shared_ptr<int32_t[]>(new int32_t[16 * image::kSegmentPixels]);
    for (size_t i = 0; i < 16 * image::kSegmentPixels; i++) planes_[i] = 20000 + static_cast<int32_t>(i / image::kSegmentPixels) * 100 + static_cast<int32_t>(i * 2654435761u >> 28);
  }

  std::shared_ptr<ImageWriter> Writer(const std::string& folder) {
    auto writer = ImageWriter::Create({folder, 2}, [this] {
      const std::lock_guard<std::mutex> lock(mutex_);
      rung_++;
      changed_.notify_all();
    });
    return writer;
  }
  ImageJob Job(uint64_t id, uint32_t first_plane, const std::string& name) {
    ImageJob job;
    job.id = id;
    job.planes = planes_;
    job.first_plane = first_plane;
    job.name = name;
    job.header = R"({"primary": [["SEQNUM", 7]]})";
    return job;
  }
  std::vector<ImageFileReport> Reports(ImageWriter* writer, size_t count) {
    std::vector<ImageFileReport> all;
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      for (ImageFileReport& report : writer->TakeReports()) all.push_back(std::move(report));
      return all.size() >= count;
    });
    std::sort(all.begin(), all.end(), [](const ImageFileReport& a, const ImageFileReport& b) { return a.id < b.id; });
    return all;
  }

  const fits::testing::TemporaryFolder temporary_{};
  const std::string folder_ = temporary_.path().string();
  std::shared_ptr<int32_t[]> planes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int rung_ = 0;
};

TEST_F(ImageWriterTest, BothHalvesOfABoardBecomeFilesOfTheirOwnSegments) {
  const auto writer = Writer(folder_);
  std::string problem;
  ASSERT_TRUE(writer->Start(&problem)) << problem;
  writer->Write(Job(1, 0, "MC_O_20261102_000087_R44_SW0.fits"));
  writer->Write(Job(2, 8, "MC_O_20261102_000087_R44_SW1.fits"));
  const auto reports = Reports(writer.get(), 2);
  ASSERT_EQ(reports.size(), 2u);
  for (const ImageFileReport& report : reports) {
    EXPECT_EQ(report.problem, "");
    EXPECT_EQ(report.sha256.size(), 64u);
    EXPECT_EQ(report.bytes, fs::file_size(report.path));
    EXPECT_TRUE(fs::exists(report.sidecar));
    EXPECT_GT(report.durable_ns, report.made_ns);
    EXPECT_GE(report.made_ns, report.begun_ns);
    fits::FitsImage image;
    ASSERT_TRUE(fits::ReadImage(report.path, 3, &image, &problem)) << problem;
    const size_t plane = report.id == 1 ? 1 : 9;
    for (const size_t at : {size_t{0}, size_t{77777}, image::kSegmentPixels - 1}) {
      EXPECT_EQ(image.pixels[at], static_cast<float>(planes_[plane * image::kSegmentPixels + at]));
    }
  }
  EXPECT_TRUE(writer->Stop(5000));
  writer->Write(Job(3, 0, "late.fits"));
  EXPECT_EQ(writer->TakeReports().at(0).problem, "late.fits: the writer is stopped");
}

TEST_F(ImageWriterTest, AFolderThatCannotBeWrittenIsToldAndTheNextImageTriesAgain) {
  const std::string spool = folder_ + "/spool";
  std::ofstream(spool) << "a file where the folder should be";
  const auto writer = Writer(spool);
  std::string problem;
  EXPECT_FALSE(writer->Start(&problem));
  writer->Write(Job(1, 0, "MC_O_20261102_000001_R44_SW0.fits"));
  auto reports = Reports(writer.get(), 1);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_NE(reports[0].problem.find(spool), std::string::npos) << reports[0].problem;
  EXPECT_EQ(reports[0].durable_ns, 0u);
  fs::remove(spool);
  writer->Write(Job(2, 0, "MC_O_20261102_000002_R44_SW0.fits"));
  reports = Reports(writer.get(), 1);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].problem, "");
  writer->Write(Job(3, 0, "MC_O_20261102_000002_R44_SW0.fits"));
  reports = Reports(writer.get(), 1);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_NE(reports[0].problem.find("is there already"), std::string::npos);
  EXPECT_TRUE(writer->Stop(5000));
}

TEST_F(ImageWriterTest, WhatACrashLeftHalfDoneIsSetAside) {
  std::ofstream(folder_ + "/.MC_O_20261102_000001_R44_SW0.fits.123-0.part") << "half";
  std::ofstream(folder_ + "/MC_O_20261102_000001_R44_SW0.json") << "{}";
  std::ofstream(folder_ + "/MC_O_20261102_000000_R44_SW0.json") << "{}";
  std::ofstream(folder_ + "/MC_O_20261102_000000_R44_SW0.fits") << "whole";
  std::ofstream(folder_ + "/notes.json") << "{}";
  const auto writer = Writer(folder_);
  std::string problem;
  ASSERT_TRUE(writer->Start(&problem)) << problem;
  EXPECT_EQ(writer->TakeLeftovers(), (std::vector<std::string>{".MC_O_20261102_000001_R44_SW0.fits.123-0.part", "MC_O_20261102_000001_R44_SW0.json"}));
  EXPECT_TRUE(fs::exists(folder_ + "/MC_O_20261102_000000_R44_SW0.json"));
  EXPECT_TRUE(fs::exists(folder_ + "/notes.json"));
  EXPECT_TRUE(writer->Stop(5000));
}

}  // namespace
}  // namespace summit::recorder
