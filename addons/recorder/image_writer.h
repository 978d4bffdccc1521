// SPDX-License-Identifier: Apache-2.0
// Writes raw images of whole detectors beside everything else: planes that were delivered become a file and a sidecar in
// the folder, with threads of its own.
// Thread: Start, Write, TakeReports, TakeLeftovers and Stop from any.
// Owns: its threads, and the planes of jobs until they are done. A thread that does not come back in time keeps the
//   object alive.
#ifndef SUMMIT_RECORDER_IMAGE_WRITER_H_
#define SUMMIT_RECORDER_IMAGE_WRITER_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "addons/fits/raw_segment.h"
#include "addons/recorder/recording_folder.h"

namespace summit::recorder {

struct ImageWriterSettings {
  std::string folder;  // "": nothing is written
  unsigned threads = 2;
  bool idle = false;  // they run when nobody else on the machine wants to
};

struct ImageJob {
  uint64_t id = 0;  // the caller's, comes back in the report
  std::shared_ptr<const int32_t[]> planes;
  uint32_t first_plane = 0;
  fits::RawDetector detector = fits::RawDetector::kWavefront;
  std::string name;  // of the file in the folder
  std::string header;  // JSON of fits::ReadCameraHeader
};

struct ImageFileReport {
  uint64_t id = 0;
  std::string path;     // "": there is no file
  std::string sidecar;
  std::string sha256;
  std::string problem;  // why there is none
  uint64_t bytes = 0;
  uint64_t begun_ns = 0;    // CLOCK_MONOTONIC: a thread took it
  uint64_t made_ns = 0;     // compressed
  uint64_t durable_ns = 0;  // file, sidecar and directory are on the disk; 0: never
};

class ImageWriter : public std::enable_shared_from_this<ImageWriter> {
 public:
  // `ring` is called when there are reports, on a thread of the writer.
  static std::shared_ptr<ImageWriter> Create(const ImageWriterSettings& settings, std::function<void()> ring);
  ImageWriter(const ImageWriter&) = delete;
  ImageWriter& operator=(const ImageWriter&) = delete;

  // False with one sentence when the folder cannot be used now; it is tried again with every image.
  bool Start(std::string* problem);
  void Write(ImageJob job);
  std::vector<ImageFileReport> TakeReports();
  // What an earlier run left half done and was set aside.
  std::vector<std::string> TakeLeftovers();
  // Finishes what was given. False: it did not within the deadline.
  bool Stop(int deadline_ms);

 private:
  ImageWriter(const ImageWriterSettings& settings, std::function<void()> ring) : settings_(settings), ring_(std::move(ring)), folder_(settings.folder) {}
  void Run();
  ImageFileReport Do(const ImageJob& job, unsigned threads);
  bool OpenFolder(std::string* problem);

  const ImageWriterSettings settings_;
  const std::function<void()> ring_;
  std::mutex folder_mutex_;
  RecordingFolder folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ImageJob> jobs_;
  unsigned busy_ = 0;
  unsigned running_ = 0;
  bool ending_ = false;
  std::vector<ImageFileReport> reports_;
  std::vector<std::string> leftovers_;
  std::vector<std::thread> threads_;
};

}  // namespace summit::recorder

#endif  // SUMMIT_RECORDER_IMAGE_WRITER_H_
