// SPDX-License-Identifier: Apache-2.0
#include "addons/recorder/image_writer.h"

#include <chrono>
#include <filesystem>
#include <span>
#include <utility>

#include "addons/daq/clock.h"
#include "addons/daq/thread_setup.h"
#include "addons/fits/raw_image_writer.h"
#include "addons/image/unpack18.h"
#include "addons/recorder/sha256.h"

namespace summit::recorder {

std::shared_ptr<ImageWriter> ImageWriter::Create(const ImageWriterSettings& settings, std::function<void()> ring) {
  return std::shared_ptr<ImageWriter>(new ImageWriter(settings, std::move(ring)));
}

bool ImageWriter::OpenFolder(std::string* problem) {
  const std::lock_guard<std::mutex> folder(folder_mutex_);
  std::vector<std::string> leftovers;
  const bool open = folder_.Open(&leftovers, problem);
  const std::lock_guard<std::mutex> lock(mutex_);
  leftovers_.insert(leftovers_.end(), leftovers.begin(), leftovers.end());
  return open;
}

bool ImageWriter::Start(std::string* problem) {
  const bool open = OpenFolder(problem);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (; running_ < settings_.threads; running_++) threads_.emplace_back([self = shared_from_this()] { self->Run(); });
  return open;
}

void ImageWriter::Write(ImageJob job) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ending_) {
    ImageFileReport report;
    report.id = job.id;
    report.problem = job.name + ": the writer is stopped";
    reports_.push_back(std::move(report));
    return;
  }
  jobs_.push_back(std::move(job));
  changed_.notify_one();
}

std::vector<ImageFileReport> ImageWriter::TakeReports() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(reports_, {});
}

std::vector<std::string> ImageWriter::TakeLeftovers() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(leftovers_, {});
}

void ImageWriter::Run() {
  daq::SetUpThread("summit-image", {.idle = settings_.idle});
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) break;
    ImageJob job = std::move(jobs_.front());
    jobs_.pop_front();
    // Alone at work: the other threads' time is free for this image's segments.
    const unsigned threads = ++busy_ == 1 && jobs_.empty() ? settings_.threads : 1;
    lock.unlock();
    ImageFileReport report = Do(job, threads);
    job.planes.reset();
    lock.lock();
    busy_--;
    reports_.push_back(std::move(report));
    lock.unlock();
    ring_();
    lock.lock();
  }
  running_--;
  changed_.notify_all();
}

ImageFileReport ImageWriter::Do(const ImageJob& job, unsigned threads) {
  ImageFileReport report;
  report.id = job.id;
  report.begun_ns = daq::MonotonicNs();
  fits::CameraHeader header;
  fits::RawFile file;
  const size_t segments = fits::SegmentLabels(job.detector).size();
  const fits::CameraImage image{job.detector, static_cast<uint32_t>(image::kSegmentRows), static_cast<uint32_t>(image::kSegmentCols),
                             std::span(job.planes.get() + job.first_plane * image::kSegmentPixels, segments * image::kSegmentPixels)};
  const bool made = fits::ReadCameraHeader(job.header, &header, &report.problem) && fits::MakeRawFile(header, image, threads, &file, &report.problem);
  report.made_ns = daq::MonotonicNs();
  if (!made) {
    report.problem.insert(0, job.name + ": ");
    return report;
  }
  const std::string path = (std::filesystem::path(settings_.folder) / job.name).string();
  if (!OpenFolder(&report.problem) || !fits::PublishRawFile(path, file, &report.problem)) return report;
  report.durable_ns = daq::MonotonicNs();
  Sha256 sum;
  for (const auto& part : file.parts) sum.Add(part);
  report.sha256 = sum.Finish();
  report.bytes = file.bytes();
  report.path = path;
  report.sidecar = fits::SidecarName(path);
  return report;
}

bool ImageWriter::Stop(int deadline_ms) {
  std::vector<std::thread> threads;
  bool ended = true;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    ending_ = true;
    changed_.notify_all();
    ended = changed_.wait_for(lock, std::chrono::milliseconds(deadline_ms), [this] { return running_ == 0; });
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) ended ? thread.join() : thread.detach();
  const std::lock_guard<std::mutex> folder(folder_mutex_);
  if (ended) folder_.Close();
  return ended;
}

}  // namespace summit::recorder
