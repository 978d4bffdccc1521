// SPDX-License-Identifier: Apache-2.0
#include "addons/looks/image_looker.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "addons/daq/clock.h"
#include "addons/daq/thread_setup.h"
#include "addons/fits/isr_file.h"
#include "addons/fits/raw_image_writer.h"
#include "addons/looks/image_report.h"
#include "addons/looks/preview.h"

namespace summit::looks {
namespace {

// Raw files, the link and the event loop come first.
constexpr int kNice = 10;

const image::DetectorModel& ModelOf(const LookedDetector& detector) { return detector.latiss ? image::Latiss() : image::WavefrontHalf(); }

fits::HeaderValue ValueOf(const fits::GuiderValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<int64_t>(&value)) return *whole;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  return std::monostate{};
}

IsrFileReport WriteIsr(const LookJob& job, const fits::RawHeader& header, const image::IsrImage& frame) {
  IsrFileReport report;
  report.id = job.id;
  report.path = job.isr_path;
  std::error_code error;
  // The folder of looks alone: a disk that is away must not come back as a folder.
  std::filesystem::create_directory(std::filesystem::path(job.isr_path).parent_path(), error);
  if (!fits::WriteIsrFile(job.isr_path, header, frame, &report.problem)) return report;
  report.durable_ns = daq::MonotonicNs();
  report.bytes = std::filesystem::file_size(job.isr_path, error);
  return report;
}

double MsBetween(uint64_t from_ns, uint64_t to_ns) { return static_cast<double>(to_ns - from_ns) * 1e-6; }

}  // namespace

ImageLooker::ImageLooker(const LookerSettings& settings, std::function<void()> ring)
    : settings_(settings), ring_(std::move(ring)), to_read_(settings.detectors.begin(), settings.detectors.end()) {}

std::shared_ptr<ImageLooker> ImageLooker::Create(const LookerSettings& settings, std::function<void()> ring) {
  return std::shared_ptr<ImageLooker>(new ImageLooker(settings, std::move(ring)));
}

void ImageLooker::Start() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (; running_ < settings_.workers; running_++) threads_.emplace_back([self = shared_from_this()] { self->Run(); });
}

// With the lock.
void ImageLooker::LeaveOut(const LookJob& job, const char* reason) {
  LookReport report;
  report.id = job.id;
  report.problem = reason;
  reports_.push_back(std::move(report));
}

void ImageLooker::Look(LookJob job) {
  bool told = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto older = std::find_if(jobs_.begin(), jobs_.end(), [&](const LookJob& one) { return one.detector.name == job.detector.name; });
    if (older != jobs_.end()) {
      LeaveOut(*older, "superseded");
      jobs_.erase(older);
      told = true;
    }
    if (ending_) {
      LeaveOut(job, "stopped");
      told = true;
    } else {
      jobs_.push_back(std::move(job));
      changed_.notify_one();
    }
  }
  if (told) ring_();
}

std::vector<LookReport> ImageLooker::TakeReports() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(reports_, {});
}

std::vector<IsrFileReport> ImageLooker::TakeIsrFiles() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(isr_files_, {});
}

void ImageLooker::Run() {
  daq::SetUpThread("summit-look", {.nice = kNice, .idle = settings_.idle});
  Bench bench;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty() || !to_read_.empty(); });
    if (ending_) break;
    if (jobs_.empty()) {
      const LookedDetector detector = std::move(to_read_.front());
      to_read_.pop_front();
      lock.unlock();
      shelf_.Get(settings_.calibrations, detector.name, ModelOf(detector), 1);
      lock.lock();
      continue;
    }
    LookJob job = std::move(jobs_.front());
    jobs_.pop_front();
    // Alone at work: the other threads' time is free for this frame.
    const int32_t threads = ++busy_ == 1 && jobs_.empty() ? settings_.threads : 1;
    lock.unlock();
    fits::RawImage raw;
    LookReport report = Do(&job, threads, &raw, &bench);
    const bool wanted = !job.isr_path.empty() && report.problem.empty();
    lock.lock();
    reports_.push_back(std::move(report));
    lock.unlock();
    ring_();
    if (wanted) {
      IsrFileReport file = WriteIsr(job, raw.header, bench.frame);
      lock.lock();
      isr_files_.push_back(std::move(file));
      lock.unlock();
      ring_();
    }
    lock.lock();
    busy_--;
  }
  running_--;
  changed_.notify_all();
}

LookReport ImageLooker::Do(LookJob* job, int32_t threads, fits::RawImage* raw, Bench* bench) {
  LookReport report;
  report.id = job->id;
  report.begun_ns = daq::MonotonicNs();
  const image::DetectorModel& model = ModelOf(job->detector);
  fits::CameraHeader header;
  if (!fits::ReadCameraHeader(job->header, &header, &report.problem)) return report;
  raw->model = &model;
  raw->detector = job->detector.name;
  for (const fits::GuiderCard& card : header.primary) {
    if (!card.section()) raw->header.cards.emplace_back(card.name, ValueOf(card.value));
  }
  ImageTimes times;
  const ShelvedCalibrations shelved = shelf_.Get(job->calibrations.empty() ? settings_.calibrations : job->calibrations, job->detector.name, model, threads);
  const uint64_t calibrated_ns = daq::MonotonicNs();
  times.calibrations_ms = MsBetween(report.begun_ns, calibrated_ns);
  image::IsrSettings settings = settings_.isr;
  settings.threads = threads;
  // Looking needs no map of it.
  settings.steps.Set(image::IsrStep::kVariance, !job->isr_path.empty());
  image::Isr(model, shelved.calibrations, settings).Run(job->planes.get() + static_cast<size_t>(job->first_plane) * image::kAmpPixels, raw->header.Number("DARKTIME"), &bench->frame);
  // The next image may have them.
  job->planes.reset();
  report.isr_ns = daq::MonotonicNs();
  times.isr_ms = MsBetween(calibrated_ns, report.isr_ns);
  MakeSkyMap(bench->frame, threads, &bench->sky);
  report.cols = bench->sky.bin_cols;
  report.rows = bench->sky.bin_rows;
  DrawPreview(bench->sky, &report.preview);
  report.report = ImageReport({*raw, bench->frame, bench->sky, shelved.missing, threads}, &times);
  report.done_ns = daq::MonotonicNs();
  return report;
}

bool ImageLooker::Stop(int deadline_ms) {
  std::vector<std::thread> threads;
  bool ended = true;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    ending_ = true;
    for (const LookJob& job : jobs_) LeaveOut(job, "stopped");
    jobs_.clear();
    to_read_.clear();
    changed_.notify_all();
    ended = changed_.wait_for(lock, std::chrono::milliseconds(deadline_ms), [this] { return running_ == 0; });
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) ended ? thread.join() : thread.detach();
  return ended;
}

}  // namespace summit::looks
